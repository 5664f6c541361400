#!/usr/bin/env python3
"""Measures Keel and PyTorch in turn, A B A B, on the same work, and prints a table of medians and ratios.

usage: bench/compare_pytorch.py [OPTION...]

Both are processes that stay; one waits while the other works. Each round measures every piece of work once in each, one
right after the other. The table has the medians over the rounds, the ratio of those, and the least and greatest of the
rounds' own ratios: above 1, Keel is faster.
"""

import argparse
import re
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

import processes
import report
import work

ROOT = Path(__file__).resolve().parent.parent


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds of shorter measurements, for a first look")
    parser.add_argument("--only", type=re.compile, metavar="REGEX", help="only work whose name this finds")
    parser.add_argument("--rounds", type=int, metavar="N", help="measurements of each piece of work in each framework")
    parser.add_argument("--keel", type=Path, default=ROOT / "build/bin/keel-bench", metavar="PROGRAM",
                        help="by default build/bin/keel-bench")
    parser.add_argument("--python", metavar="PROGRAM", help="a Python that has torch")
    parser.add_argument("--data", type=Path, metavar="DIR", help="MNIST's files; by default $KEEL_MNIST_DIR or data/mnist")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to write the table, besides the standard output")
    options = parser.parse_args(arguments)
    options.rounds = options.rounds or (2 if options.quick else 5)
    options.seconds = 0.1 if options.quick else 0.25
    return options


def show(text):
    """Where it has come to, for whoever watches."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def measure(options, items):
    """The measurements of all rounds: {name with threads: {"keel": [[seconds, ...], ...], "pytorch": ..., ...}}."""
    results = {}
    with processes.Pair(options) as pair:
        for round_number in range(options.rounds):
            for name, threads in items:
                key = work.with_threads(name, threads)
                result = results.setdefault(key, work.Result(name, threads))
                result.add("keel", pair.keel.measure(key))
                result.add("pytorch", pair.pytorch(threads).measure(name))
                show(f"round {round_number + 1}/{options.rounds} {key}")
        show("")
        return results, pair.describe()


def main(arguments):
    options = parse(arguments)
    items = [(name, threads) for name in work.names() for threads in work.THREADS
             if not options.only or options.only.search(work.with_threads(name, threads))]
    if not items:
        sys.exit(f"error: --only {options.only.pattern}: no work has such a name")
    start = time.monotonic()
    results, _ = measure(options, items)
    text = report.table(results)
    print(text)
    print(f"{options.rounds} rounds, {time.monotonic() - start:.0f} s")
    if options.out:
        options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except processes.Unusable as error:
        sys.exit(f"error: {error}")
