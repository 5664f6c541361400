"""What takes a process of its own each time: peak memory, and the time to the first training step."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import tempfile
import time
from pathlib import Path

from . import processes, work

START = "step/mlp/bn/batch:32"
TIMEOUT = 120


def keel_memory(program, images, threads):
    """{"process_MB", "model_MB"} of a few training steps."""
    keel = processes.Keel(program, images, processes.Span(0.5, 2))
    try:
        answer = keel.measure(work.with_threads(work.MEMORY, threads))
    finally:
        keel.close()
    if "error" in answer:
        return answer
    return {name: answer["counters"][name] for name in ("process_MB", "model_MB")}


def pytorch_memory(python, images, threads, way):
    command = [python, "-B", processes.WORKER, "memory", threads, images, work.MEMORY, json.dumps(way)]
    run = subprocess.run([str(word) for word in command], env=processes.environment(threads), timeout=TIMEOUT,
                         capture_output=True, text=True, check=False)
    if run.returncode != 0:
        return {"error": (run.stderr.strip().splitlines() or [f"status {run.returncode}"])[-1]}
    return json.loads(run.stdout)


def memory(options, images, threads):
    """Both, PyTorch in the way that takes the least."""
    ways = [{"layout": layout, "adam": "Adam", "images": "byte images"} for layout in ("channels_last", "contiguous")]
    pytorch = []
    for way in ways[:1] if options.quick else ways:
        answer = pytorch_memory(options.python, images, threads, way)
        pytorch.append({**answer, "variant": ", ".join(way.values())})
    best = min(pytorch, key=lambda answer: answer.get("model_MB", float("inf")))
    return {"name": work.MEMORY, "threads": threads, "keel": keel_memory(options.keel, images, threads), "pytorch": best}


def seconds_until(command, pattern, env=None):
    """From the start of a process until its terminal has shown `pattern`. The process is ended then."""
    master, slave = pty.openpty()
    start = time.perf_counter()
    process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=slave,
                               stderr=subprocess.STDOUT, env=env)
    os.close(slave)
    shown = b""
    try:
        while not re.search(pattern, shown):
            try:
                piece = os.read(master, 4096)
            except OSError:  # how a terminal says that nobody writes to it any more
                piece = b""
            if not piece:
                last = shown.decode(errors="replace").strip().splitlines() or ["nothing"]
                raise processes.Unusable(f"{command[0]}: ended before its first training step, saying: {last[-1]}")
            shown += piece
        return time.perf_counter() - start
    finally:
        process.kill()
        process.wait()
        os.close(master)


def keel_start(program, images):
    """keel-mnist-bn, as people start it, until its progress bar shows the first step."""
    with tempfile.TemporaryDirectory() as out:
        return seconds_until([program, "--data", images, "--out", Path(out) / "run"], rb"epoch +1/\d+ \[")


def pytorch_start(python, images, threads):
    """A program that imports torch, reads the images, builds the model and makes a step."""
    return seconds_until([python, "-B", processes.WORKER, "start", threads, images, START], rb"step",
                         processes.environment(threads))


def beside(keel_bench):
    """The program whose start is measured."""
    program = keel_bench.parent / "keel-mnist-bn"
    if not program.is_file():
        raise processes.Unusable(f"{program}: expected beside keel-bench, found no such file")
    return program


def start(options, folders, rounds, threads):
    """Results of both, for each of the folders: {name: directory}."""
    program = beside(options.keel)
    results = [work.Result(f"start/{name}", threads) for name in folders]
    for _ in range(rounds):
        for result, images in zip(results, folders.values()):
            for framework, run in (("keel", lambda: keel_start(program, images)),
                                   ("pytorch", lambda: pytorch_start(options.python, images, threads))):
                try:
                    result.add(framework, {"seconds": [run()]})
                except (OSError, processes.Unusable) as error:
                    result.add(framework, {"error": str(error)})
    return results
