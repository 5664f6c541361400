#!/usr/bin/env python3
"""Measures Keel and PyTorch in turn, A B A B, on the same work, and prints tables of medians and ratios.

usage: bench/compare_pytorch.py [OPTION...]

Needs keel-bench and keel-mnist-bn (cmake -DKEEL_BENCH=ON), MNIST, and any Python that has PyTorch. Takes several minutes;
let the machine do nothing else meanwhile.
"""

import argparse
import json
import os
import re
import shlex
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True

from compare import machine, processes, report, single_runs, work

ROOT = Path(__file__).resolve().parent.parent


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds of shorter measurements, for a first look")
    parser.add_argument("--only", type=pattern, metavar="REGEX",
                        help="only work whose name this finds, such as step/cnn, conv2d, memory or start")
    parser.add_argument("--rounds", type=positive, metavar="N", help="by default 5, or 2 with --quick")
    parser.add_argument("--keel", type=Path, default=ROOT / "build/bin/keel-bench", metavar="PROGRAM",
                        help="by default build/bin/keel-bench; keel-mnist-bn is expected beside it")
    parser.add_argument("--python", metavar="PROGRAM", help="a Python that has PyTorch; by default this one, or Debian's")
    parser.add_argument("--data", type=Path, metavar="DIR", help="MNIST's files; by default $KEEL_MNIST_DIR or data/mnist")
    parser.add_argument("--out", type=Path, metavar="FILE",
                        help="write the page here, and the measurements beside it with .json, besides printing the page")
    parser.add_argument("--render", type=Path, metavar="FILE",
                        help="measure nothing; write a page anew from the measurements beside it")
    parser.add_argument("--check", type=Path, metavar="FILE",
                        help="measure nothing; fail if a page is not the one that the measurements beside it give")
    options = parser.parse_args(arguments)
    options.rounds = options.rounds or (2 if options.quick else 5)
    options.span = processes.Span(0.05, 3) if options.quick else processes.Span(0.2, 5)
    return options


def pattern(text):
    try:
        return re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"expected a regular expression, found {text!r}: {error}") from error


def positive(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 on, found {text!r}")
    return int(text)


def show(text):
    """Where it has come to, for whoever watches."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def measure(options, items, images):
    """Results of all rounds, and what PyTorch says of itself."""
    results = work.Results()
    with processes.Contest(options.keel, options.python, images, options.span) as contest:
        for number in range(1, options.rounds + 1):
            for name, threads in items:
                show(f"round {number} of {options.rounds}: {work.with_threads(name, threads)}")
                measure_once(contest, results, name, threads)
        show("")
        return results, contest.pytorch(work.THREADS[-1]).description


def measure_once(contest, results, name, threads):
    """One piece of work in both, one right after the other, after the peak that it is compared with."""
    result = results.at(name, threads)
    if work.peak_of(name):
        peak, unit = work.peak_of(name)
        answer = contest.keel.measure(work.with_threads(peak, threads))
        results.at(peak, threads).add("keel", answer)
        result.peaks.append(answer["counters"][unit])
    result.add("keel", contest.keel.measure(work.with_threads(name, threads)))
    result.add("pytorch", contest.pytorch(threads).measure(name))


def command_of(options):
    """What to type for such a comparison, wherever the programs are."""
    words = ["bench/compare_pytorch.py"] + ["--quick"] * options.quick
    if options.only:
        words += ["--only", options.only.pattern]
    return shlex.join([*words, "--rounds", str(options.rounds)])


def run(options):
    """Measures everything that was asked for: a record that report.document() makes a page of."""
    wanted = lambda name: not options.only or options.only.search(name)
    items = [(name, threads) for name in work.compared() for threads in work.THREADS
             if wanted(work.with_threads(name, threads))]
    singles = [name for name in ("memory", "start") if wanted(name)]
    if not items and not singles:
        raise processes.Unusable(f"--only {options.only.pattern}: no work has such a name")
    info = machine.parse_info(machine.output_of(options.keel, "--info"))
    if "cpu" not in info:
        raise processes.Unusable(f"--keel {options.keel}: expected keel-bench, found a program that does not know --info")
    if "start" in singles:
        single_runs.beside(options.keel)
    disturbance = machine.Disturbance()
    with tempfile.TemporaryDirectory() as folder:
        folders = {"unpacked": Path(folder) / "unpacked", "gz": Path(folder) / "gz"}
        for directory in folders.values():
            directory.mkdir()
        processes.lay_out(options.data, folders["unpacked"], folders["gz"])
        results, pytorch = measure(options, items, folders["unpacked"])
        threads = work.THREADS[-1]
        show("memory and start")
        memory = [single_runs.memory(options, folders["unpacked"], threads)] if "memory" in singles else []
        starts = single_runs.start(options, folders, options.rounds, threads) if "start" in singles else []
        show("")
    return {"machine": machine.describe(info, machine.commit_of(ROOT), pytorch, command_of(options)),
            "rounds": options.rounds, "disturbance": disturbance.percent(), "memory": memory,
            "results": [result.to_json() for result in [*results.all.values(), *starts]]}


def read(path):
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise processes.Unusable(f"{error.filename}: {error.strerror}") from error


def rendered(page):
    """The text of a page by the measurements beside it."""
    return report.document(json.loads(read(page.with_suffix(".json"))))


def main(arguments):
    options = parse(arguments)
    if options.render:
        options.render.write_text(rendered(options.render), encoding="utf-8")
        return
    if options.check:
        if read(options.check) != rendered(options.check):
            raise processes.Unusable(f"{options.check}: not what the measurements beside it give; --render "
                                     f"{options.check} writes it anew")
        return
    if not os.access(options.keel, os.X_OK):
        raise processes.Unusable(f"{options.keel}: no such program; to build it: cmake -S . -B build -DKEEL_BENCH=ON && "
                                 "cmake --build build")
    if options.out and not options.out.parent.is_dir():  # before minutes of measuring, not after
        raise processes.Unusable(f"--out: expected a file in a directory that exists, found {options.out}")
    options.python = processes.find_python(options.python)
    options.data = processes.find_images(options.data, ROOT / "data/mnist")
    start = time.monotonic()
    record = run(options)
    page = report.document(record)
    print(page)
    print(f"took {time.monotonic() - start:.0f} s", file=sys.stderr)
    if options.out:
        options.out.write_text(page, encoding="utf-8")
        options.out.with_suffix(".json").write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except processes.Unusable as error:
        sys.exit(f"error: {error}")
