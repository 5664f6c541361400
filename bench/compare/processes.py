"""The processes that bench/compare_pytorch.py measures in turn."""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import json
import os
import subprocess
import sys
import time
from pathlib import Path

WORKER = Path(__file__).resolve().parent / "pytorch_worker.py"
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class Unusable(Exception):
    """Something is missing without which nothing can be measured."""


def find_python(asked):
    """A Python that has torch and numpy: the one asked for, this one, or Debian's."""
    candidates = [asked] if asked else [sys.executable, "/usr/bin/python3"]
    for candidate in candidates:
        try:
            found = subprocess.run([candidate, "-c", "import torch, numpy"], capture_output=True, check=False)
        except OSError as error:
            raise Unusable(f"--python {candidate}: {error.strerror}") from error
        if found.returncode == 0:
            return candidate
    raise Unusable(f"PyTorch and NumPy: found by none of {', '.join(candidates)}; on Debian: apt-get install "
                   "python3-torch, or name a Python that has them with --python")


def find_images(asked, default):
    """The directory of MNIST's files: the one asked for, KEEL_MNIST_DIR, or `default`."""
    for source, value in (("--data", asked), ("KEEL_MNIST_DIR", os.environ.get("KEEL_MNIST_DIR")), ("", default)):
        if value and any(Path(value).glob("train-images*")):
            return Path(value)
        if value and source:
            raise Unusable(f"{source}: expected a directory of MNIST's files, found {value}")
    raise Unusable("MNIST: not found; scripts/fetch_mnist.sh gets it, or name its directory with --data")


def lay_out(source, unpacked, packed):
    """MNIST's files of the directory `source`, as they are distributed and unpacked."""
    for path in sorted(source.iterdir()):
        if "ubyte" not in path.name:
            continue
        data = path.read_bytes()
        if path.suffix == ".gz":
            (packed / path.name).write_bytes(data)
            data = gzip.decompress(data)
        else:
            (packed / (path.name + ".gz")).write_bytes(gzip.compress(data, 9))
        (unpacked / path.name.removesuffix(".gz")).write_bytes(data)


@dataclasses.dataclass
class Span:
    """How long one measurement takes, and in how many parts."""
    seconds: float
    repetitions: int


def environment(threads):
    return {**os.environ, **{name: str(threads) for name in THREAD_VARIABLES}}


class Process:
    """A process that answers a line with a line."""

    def __init__(self, command, env=None):
        self.command = [str(word) for word in command]
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)

    def ask(self, line):
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # read() says what became of it
        return self.read()

    def read(self):
        answer = self.process.stdout.readline()
        if not answer:
            raise Unusable(f"{' '.join(self.command)}: ended with status {self.process.wait()}")
        return json.loads(answer)

    def wait_until_idle(self, most=1.0):
        """Threads may go on waiting actively for a while after they have answered."""
        end = time.monotonic() + most
        before = self.run_nanoseconds()
        while time.monotonic() < end:
            time.sleep(0.005)
            now = self.run_nanoseconds()
            if now == before:
                return
            before = now

    def run_nanoseconds(self):
        """Processor time of all threads so far; 0 where the system does not say."""
        total = 0
        for path in Path(f"/proc/{self.process.pid}/task").glob("*/schedstat"):
            try:
                total += int(path.read_text().split()[0])
            except OSError:
                pass  # a thread that has just ended
        return total

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Keel(Process):
    def __init__(self, program, images, span):
        super().__init__([program, "--serve", "--data", images, f"--benchmark_repetitions={span.repetitions}",
                          f"--benchmark_min_time={span.seconds / span.repetitions}"])

    def measure(self, name):
        """The answer of one benchmark, by its name."""
        answers = self.ask(f"^{name}/(real|manual)_time$")
        self.wait_until_idle()
        return answers[0] if answers else {"name": name, "error": "keel-bench has no such benchmark"}


class PyTorch(Process):
    def __init__(self, python, threads, images, span):
        super().__init__([python, "-B", WORKER, "serve", threads, images], environment(threads))
        self.span = span
        try:
            self.description = self.read()
        except Unusable:
            self.close()
            raise

    def measure(self, name):
        answer = self.ask(json.dumps({"name": name, **vars(self.span)}))
        self.wait_until_idle()
        return answer


class Contest:
    """Keel, and PyTorch once for each number of threads it is asked for."""

    def __init__(self, program, python, images, span):
        self.python, self.images, self.span = python, images, span
        self.keel = Keel(program, images, span)
        self.workers = {}

    def pytorch(self, threads):
        if threads not in self.workers:
            self.workers[threads] = PyTorch(self.python, threads, self.images, self.span)
        return self.workers[threads]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in (self.keel, *self.workers.values()):
            process.close()
