"""PyTorch's side of bench/compare_pytorch.py: measures what the standard input asks for.

Each line of the standard input is a request in JSON, answered by one line of JSON on the standard output:

    {"name": "step/mlp/bn/batch:32", "seconds": 0.2, "repetitions": 5}
    {"name": "step/mlp/bn/batch:32", "seconds": [1.5e-4, ...], "variant": "float gather, foreach Adam"}

`seconds` is the wall time of one call, a number for each repetition. A piece of work that can be written in several ways
is tried in all of them when it is asked for first, and measured in the fastest from then on.

usage: pytorch_worker.py THREADS DIRECTORY     (of MNIST's files)
"""

import json
import sys
import time
from pathlib import Path

import pytorch_work


class Measured:
    """A piece of work in its fastest variant, ready to be called."""

    def __init__(self, name, images, seconds):
        self.name = name
        self.variant, self.call = fastest(pytorch_work.variants(name), lambda v: pytorch_work.make(name, images, v),
                                          seconds)

    def measure(self, seconds, repetitions):
        return timed(self.call, seconds / repetitions, repetitions)


def timed(call, seconds, repetitions):
    """Wall time of one call, for each of the repetitions, each of which lasts at least about `seconds`."""
    call()
    calls = 1
    while True:
        elapsed = stopwatch(call, calls)
        if elapsed >= seconds:
            break
        calls = min(10 * calls, int(1.2 * calls * seconds / max(elapsed, 1e-9)) + 1)
    return [elapsed / calls] + [stopwatch(call, calls) / calls for _ in range(repetitions - 1)]


def stopwatch(call, calls):
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return time.perf_counter() - start


def fastest(axes, make, seconds):
    """Varies one choice after the other, keeping what was best. Returns the choices and what they make."""
    chosen = {axis: values[0] for axis, values in axes.items()}
    if all(len(values) == 1 for values in axes.values()):
        return chosen, make(chosen)
    for axis, values in axes.items():
        calls = {value: make({**chosen, axis: value}) for value in values}
        times = {value: [] for value in values}
        for _ in range(3):  # in turn, so that a disturbance hits all
            for value, call in calls.items():
                times[value] += timed(call, seconds / 10, 1)
        chosen[axis] = min(values, key=lambda value: sorted(times[value])[1])
    return chosen, make(chosen)


def main():
    threads, directory = int(sys.argv[1]), Path(sys.argv[2])
    pytorch_work.set_threads(threads)
    images = pytorch_work.Images(directory)
    known = {}
    print(json.dumps(pytorch_work.describe()), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        name = request["name"]
        try:
            if name not in known:
                known[name] = Measured(name, images, request["seconds"])
            seconds = known[name].measure(request["seconds"], request["repetitions"])
            answer = {"name": name, "seconds": seconds, "variant": pytorch_work.in_words(known[name].variant)}
        except Exception as error:  # what cannot be measured says why, and the others go on
            answer = {"name": name, "error": f"{type(error).__name__}: {error}".splitlines()[0]}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
