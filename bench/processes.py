"""The two processes that bench/compare_pytorch.py measures in turn."""

import gzip
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
REPETITIONS = 5


class Unusable(Exception):
    """Something is missing without which nothing can be measured."""


def find_python(asked):
    """A Python that has torch and numpy: the one asked for, this one, or Debian's."""
    candidates = [asked] if asked else [sys.executable, "/usr/bin/python3"]
    for candidate in candidates:
        try:
            found = subprocess.run([candidate, "-c", "import torch, numpy"], capture_output=True, text=True)
        except OSError as error:
            raise Unusable(f"--python {candidate}: {error.strerror}") from error
        if found.returncode == 0:
            return candidate
    raise Unusable(f"PyTorch was found by none of {', '.join(candidates)}; on Debian: apt-get install python3-torch, or "
                   "name a Python that has it with --python")


def find_images(asked):
    """The directory of MNIST's files."""
    candidates = [asked, os.environ.get("KEEL_MNIST_DIR"), HERE.parent / "data/mnist"]
    for candidate in filter(None, candidates):
        if any(Path(candidate).glob("train-images*")):
            return Path(candidate)
        if candidate in candidates[:2]:
            raise Unusable(f"{candidate}: expected MNIST's files, found none; scripts/fetch_mnist.sh gets them")
    raise Unusable("MNIST was not found: scripts/fetch_mnist.sh gets it, or name its directory with --data")


def unpack(source, target):
    """Copies MNIST's files, unpacked, to the directory `target`."""
    for path in sorted(source.iterdir()):
        if "ubyte" in path.name:
            data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            (target / path.name.removesuffix(".gz")).write_bytes(data)


class Process:
    """A process that answers a line with a line."""

    def __init__(self, command, environment=None):
        self.command = [str(word) for word in command]
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, **(environment or {})})

    def ask(self, line):
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        return self.read()

    def read(self):
        answer = self.process.stdout.readline()
        if not answer:
            raise Unusable(f"{' '.join(self.command)} ended with status {self.process.wait()}")
        return json.loads(answer)

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Keel(Process):
    def __init__(self, program, images, seconds):
        super().__init__([program, "--serve", "--data", images, f"--benchmark_repetitions={REPETITIONS}",
                          f"--benchmark_min_time={seconds / REPETITIONS}"])

    def measure(self, name):
        """One benchmark's answer, by its name."""
        answers = self.ask(f"^{name}/real_time$")
        return answers[0] if answers else {"name": name, "error": "keel-bench has no such benchmark"}


class PyTorch(Process):
    def __init__(self, python, threads, images, seconds):
        super().__init__([python, "-B", HERE / "pytorch_worker.py", threads, images],
                         {name: str(threads) for name in THREAD_VARIABLES})
        self.seconds = seconds
        self.description = self.read()

    def measure(self, name):
        return self.ask(json.dumps({"name": name, "seconds": self.seconds, "repetitions": REPETITIONS}))


class Pair:
    """Keel, and PyTorch once for each number of threads it is asked for."""

    def __init__(self, options):
        if not os.access(options.keel, os.X_OK):
            raise Unusable(f"{options.keel}: not found; to build it: cmake -S . -B build -DKEEL_BENCH=ON && "
                           "cmake --build build --target keel-bench")
        self.python = find_python(options.python)
        self.options = options
        source = find_images(options.data)
        self.folder = tempfile.TemporaryDirectory()
        self.images = Path(self.folder.name)
        unpack(source, self.images)
        self.keel = Keel(options.keel, self.images, options.seconds)
        self.workers = {}

    def pytorch(self, threads):
        if threads not in self.workers:
            self.workers[threads] = PyTorch(self.python, threads, self.images, self.options.seconds)
        return self.workers[threads]

    def describe(self):
        return {threads: worker.description for threads, worker in self.workers.items()}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in (self.keel, *self.workers.values()):
            process.close()
        self.folder.cleanup()
