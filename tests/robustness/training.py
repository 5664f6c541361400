"""A small training run of one of the programs, and what must be the same however often it is cut off."""

import csv
import json
import os
import random
import struct
import subprocess
from pathlib import Path

PROGRAMS = Path(os.environ["KEEL_PROGRAMS"])
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("KEEL_MNIST_DIR", "KEEL_ISA")}

# Of a state of training (train/checkpoint.cpp), what a clock says: these members, and this column of its log.
CLOCKS = ("seconds",)
SECONDS_IN_LOG = 7

# Every kind of state: running statistics, dropout's random numbers, moments, a schedule, an epoch whose last batch is
# smaller.
MODEL = {"layers": [{"layer": "conv2d", "filters": 4, "kernel": 3, "stride": 2}, {"layer": "batch_norm"},
                    {"layer": "relu"}, {"layer": "flatten"}, {"layer": "dense", "units": 32}, {"layer": "relu"},
                    {"layer": "dropout", "rate": 0.3}, {"layer": "dense", "units": "classes"}]}


def write_data(folder, train=44, test=10, size=8, classes=10):
    """Noise, in MNIST's format."""
    noise = random.Random(1)
    folder.mkdir()
    for part, count in (("train", train), ("t10k", test)):
        images = struct.pack(">IIII", 0x803, count, size, size) + noise.randbytes(count * size * size)
        labels = struct.pack(">II", 0x801, count) + bytes(i % classes for i in range(count))
        (folder / f"{part}-images-idx3-ubyte").write_bytes(images)
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(labels)


def read_checkpoint(path):
    """The tensors by name, and the metadata without what a clock says."""
    content = path.read_bytes()
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8: 8 + length])
    metadata = header.pop("__metadata__")
    del metadata["keel.crc32"]  # of the clock's figures too; the program checks it
    state = json.loads(metadata.pop("keel.state"))
    for clock in CLOCKS:
        del state[clock]
    state["log"] = [row[:SECONDS_IN_LOG] + row[SECONDS_IN_LOG + 1:] for row in state["log"]]
    data = content[8 + length:]
    tensors = {name: (entry["dtype"], entry["shape"], data[slice(*entry["data_offsets"])])
               for name, entry in header.items()}
    return {"tensors": tensors, "metadata": metadata, "state": state}


def read_log(path):
    """The rows of a CSV log without the seconds. A second header would be one of them."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    seconds = rows[0].index("seconds")
    return [row[:seconds] + row[seconds + 1:] for row in rows]


def results(out):
    """All that a finished run comes to, by file."""
    found = {}
    for log in sorted(out.rglob("epochs.csv")):
        found[str(log.relative_to(out))] = read_log(log)
        for name in ("last", "best"):
            checkpoint = log.parent / "checkpoints" / f"{name}.safetensors"
            found[str(checkpoint.relative_to(out))] = read_checkpoint(checkpoint)
    return found


class Training:
    """One program's run, with its data and model, below a folder."""

    def __init__(self, folder, program, epochs=3, checkpoint_every="2steps"):
        self.program = program
        self.data = folder / "data"
        write_data(self.data)
        model = folder / "model.json"
        model.write_text(json.dumps(MODEL), encoding="utf-8")
        own = {"keel-mnist-bn": ["--dropout", "0.2"],
               "keel-train": ["--model", str(model), "--schedule", "cosine", "--clip-norm", "1"]}
        self.options = ["--epochs", str(epochs), "--batch-size", "8", "--checkpoint-every", checkpoint_every,
                        *own[program]]
        # keel-mnist-bn trains the other model when one has failed, and writes its summary.
        self.most_errors = 3 if program == "keel-mnist-bn" else 1

    def command(self, out, resume=False):
        where = ["--resume", str(out)] if resume else ["--out", str(out), "--overwrite", *self.options]
        return [str(PROGRAMS / self.program), *where, "--data", str(self.data), "--threads", "1"]

    def start(self, out, resume=False, **options):
        return subprocess.Popen(self.command(out, resume), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, **options)

    def run(self, out, resume=False, **options):
        """The exit status and stderr."""
        process = self.start(out, resume, **options)
        _, errors = process.communicate(timeout=120)
        return process.returncode, errors

    def has_started(self, out):
        """Whether there is a run to go on with."""
        return any(out.rglob("config.json"))

    def straight_run(self, out):
        """What a run that is left alone comes to."""
        status, errors = self.run(out)
        if status != 0:
            raise AssertionError(f"the straight run ended with {status}: {errors}")
        return results(out)
