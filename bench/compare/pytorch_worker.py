"""PyTorch's side of bench/compare_pytorch.py, in a process of its own.

usage: pytorch_worker.py serve THREADS DIRECTORY           measure what the standard input asks for
       pytorch_worker.py memory THREADS DIRECTORY NAME WAY   one piece of work in a way, in JSON: how much memory it takes
       pytorch_worker.py start THREADS DIRECTORY NAME      one training step, as soon as it can be

DIRECTORY holds MNIST's files. Each line of the standard input is a request in JSON, answered by a line of JSON:

    {"name": "step/mlp/bn/batch:32", "seconds": 0.2, "repetitions": 5}
    {"name": "step/mlp/bn/batch:32", "seconds": [1.5e-4, ...], "variant": "foreach Adam, float images"}

`seconds` is the wall time of one call, a number for each repetition. What can be done in several ways is tried in all of
them when it is asked for first, and measured in the fastest from then on.
"""

import functools
import json
import re
import sys
import time
from pathlib import Path

import pytorch_work


class Stopwatch:
    """Times calls of a piece of work."""

    def __init__(self, work):
        self.work = work
        self.seconds_of(1)  # memory and threads are paid for

    def seconds_of(self, calls):
        total = 0.0
        if isinstance(self.work, pytorch_work.Operation) and self.work.backward:
            for _ in range(calls):
                self.work.prepare()
                start = time.perf_counter()
                self.work.run()
                total += time.perf_counter() - start
            return total
        start = time.perf_counter()
        for _ in range(calls):
            self.work.run()
        return time.perf_counter() - start

    def measure(self, seconds, repetitions):
        """Seconds of one call, for each of the repetitions, each of which takes about `seconds`."""
        calls, elapsed = 1, self.seconds_of(1)
        while elapsed < seconds:
            calls = min(10 * calls, int(1.2 * calls * seconds / max(elapsed, 1e-9)) + 1)
            elapsed = self.seconds_of(calls)
        return [elapsed / calls] + [self.seconds_of(calls) / calls for _ in range(repetitions - 1)]


def fastest_way(name, images, seconds, tries):
    """Varies one choice after the other and keeps what was best."""
    ways = pytorch_work.ways(name)
    best = {choice: values[0] for choice, values in ways.items()}
    for choice, values in ways.items():
        stopwatches = {value: Stopwatch(pytorch_work.make(name, images, {**best, choice: value})) for value in values}
        times = {value: [] for value in stopwatches}
        for _ in range(tries):  # in turn, so that a disturbance hits all
            for value, candidate in stopwatches.items():
                times[value] += candidate.measure(seconds / 10, 1)
        best[choice] = min(times, key=lambda value: min(times[value]))
    return best


def serve(images):
    print(json.dumps(pytorch_work.describe()), flush=True)
    ways = {}
    for line in sys.stdin:
        request = json.loads(line)
        name, seconds, repetitions = request["name"], request["seconds"], request["repetitions"]
        try:
            if name not in ways:
                ways[name] = fastest_way(name, images, seconds, tries=repetitions // 2)
            stopwatch = Stopwatch(pytorch_work.make(name, images, ways[name]))
            answer = {"name": name, "seconds": stopwatch.measure(seconds / repetitions, repetitions),
                      "variant": ", ".join(ways[name].values())}
        except Exception as error:  # what cannot be measured says why, and the others go on
            answer = {"name": name, "error": f"{type(error).__name__}: {error}".splitlines()[0]}
        print(json.dumps(answer), flush=True)


def status(name):
    """A line of /proc/self/status, such as "VmHWM:   1234 kB", in bytes."""
    return 1024 * int(re.search(rf"^{name}:\s*(\d+)", Path("/proc/self/status").read_text(), re.MULTILINE)[1])


def memory(images, name, way):
    """Prints the most memory that the process has held, and that beyond what it held before there was a model, in MB."""
    images()
    peak, before = status("VmHWM"), status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # Linux starts to count the peak anew
    step = pytorch_work.make(name, images, json.loads(way))
    for _ in range(10):
        step.run()
    now = status("VmHWM")
    print(json.dumps({"process_MB": max(peak, now) / 1e6, "model_MB": (now - before) / 1e6}), flush=True)


def start(images, name):
    way = {choice: values[0] for choice, values in pytorch_work.ways(name).items()}
    pytorch_work.make(name, images, {**way, "adam": "Adam", "images": "byte images"}).run()
    print("step", flush=True)


def main(command, threads, directory, *rest):
    pytorch_work.set_threads(int(threads))
    # Read when it is needed first.
    images = functools.lru_cache(maxsize=None)(lambda: pytorch_work.Images(Path(directory)))
    {"serve": serve, "memory": memory, "start": start}[command](images, *rest)


if __name__ == "__main__":
    main(*sys.argv[1:])
