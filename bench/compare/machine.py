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


def parse_info(text):
    """What keel-bench --info prints: a name in 18 columns, then its value."""
    return {line[:18].strip(): line[18:].strip() for line in text.splitlines()}


def describe(info, commit, pytorch, command):
    """{title: text}. info: of parse_info(); pytorch: what a worker says of itself."""
    blas = pytorch["blas"].removeprefix("OpenBLAS, ")
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "command": f"`{command}`",
        "processor": f"{info['cpu']}, {info['processors']} processors",
        "caches": info["caches"],
        "system": system(),
        "Keel": f"commit {commit or 'unknown'}; {info['keel']}; kernels for {info['isa']}",
        "Keel's BLAS": f"{info['blas']}, whose kernels for {info['blas core']} run",
        "PyTorch": f"{pytorch['version']}; {'; '.join(pytorch['config'])}",
        "PyTorch's BLAS": f"OpenBLAS, whose kernels for {blas} run" if blas else "not OpenBLAS",
    }


def commit_of(root):
    return output_of("git", "-C", root, "describe", "--always", "--dirty=, with changes that are not committed")


def system():
    try:
        lines = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
        return lines["PRETTY_NAME"].strip('"')
    except (OSError, KeyError):
        return platform.system()


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
