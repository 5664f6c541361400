"""What a comparison was made on."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from pathlib import Path


def output_of(*command):
    """What a program prints; empty if there is no such program or it fails."""
    try:
        run = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return run.stdout.strip() if run.returncode == 0 else ""


def describe(keel_bench, root, pytorch, command):
    """{title: text}. pytorch: what a worker says of itself."""
    info = dict(line.split(maxsplit=1) if " " not in line[:18].strip() else (line[:18].strip(), line[18:].strip())
                for line in output_of(keel_bench, "--info").splitlines())
    commit = output_of("git", "-C", root, "describe", "--always", "--dirty=, with changes that are not committed")
    torch = f"{pytorch['version']}; {'; '.join(pytorch['config'])}"
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "command": command,
        "processor": f"{info.get('cpu', platform.processor())}, {info.get('processors', os.cpu_count())} processors",
        "caches": info.get("caches", "unknown"),
        "system": system(),
        "Keel": f"commit {commit or 'unknown'}; {info.get('keel', 'unknown')}; kernels for {info.get('isa', 'unknown')}",
        "Keel's BLAS": f"{info.get('blas', 'unknown')}; running its kernels for {info.get('blas core', 'unknown')}",
        "PyTorch": torch,
        "PyTorch's BLAS": f"running its kernels for {pytorch['blas'].removeprefix('OpenBLAS, ')}" if pytorch["blas"]
                          else "not OpenBLAS",
    }


def system():
    try:
        lines = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
        name = lines["PRETTY_NAME"].strip('"')
    except (OSError, KeyError):
        name = platform.system()
    return f"{name}, {platform.system()} {platform.release()}"


class Disturbance:
    """How busy other programs have kept the processors since this was made."""

    def __init__(self):
        self.start = self.read()

    @staticmethod
    def read():
        """(seconds that all processors were busy, of those for this process and its ended children, all seconds)."""
        try:
            ticks = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        except OSError:
            return None
        second = os.sysconf("SC_CLK_TCK")
        times = os.times()
        idle = ticks[3] + ticks[4]
        ours = times.user + times.system + times.children_user + times.children_system
        return (sum(ticks) - idle) / second, ours, sum(ticks) / second

    def percent(self):
        """Of the processors' time; None where the system does not say."""
        end = self.read()
        if not self.start or not end:
            return None
        busy, ours, everything = (b - a for a, b in zip(self.start, end))
        return max(0.0, 100 * (busy - ours) / everything)
