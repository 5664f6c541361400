#!/usr/bin/env python3
"""Writes tests/golden/*.json: values computed by PyTorch that Keel's operations and training must reproduce.

Run once, and again when a case is added; the tests read the files and need no Python. Everything is in Keel's layouts:
images [N,H,W,C], kernels [KH,KW,Cin,Cout], dense weights [in,out], so that a model flattens in the order H, W, C.

Inputs and weights are not stored. They come from a formula in integers (see `fill`) that both sides evaluate exactly.
"""

import argparse
import json
import pathlib

from golden.cases import (
    activation_cases,
    batch_norm_cases,
    convolution_cases,
    dense_cases,
    embedding_cases,
    example_norm_cases,
    loss_cases,
    pooling_cases,
)
from golden.recurrent import recurrent_cases
from golden.trajectories import cnn, mlp, trajectory

import torch


TOPICS = {
    "activations": lambda: {"cases": activation_cases()},
    "dense": lambda: {"cases": dense_cases()},
    "embedding": lambda: {"cases": embedding_cases()},
    "losses": lambda: {"cases": loss_cases()},
    "convolutions": lambda: {"cases": convolution_cases()},
    "pooling": lambda: {"cases": pooling_cases()},
    "example_norms": lambda: {"cases": example_norm_cases()},
    "batch_norm": lambda: {"cases": batch_norm_cases()},
    "recurrent": lambda: {"cases": recurrent_cases()},
    "trajectory_mlp": lambda: trajectory(mlp(with_batch_norm=False), 16, first_stream=1000),
    "trajectory_mlp_bn": lambda: trajectory(mlp(with_batch_norm=True), 16, first_stream=1000),
    "trajectory_cnn": lambda: trajectory(cnn(with_batch_norm=False), 8, first_stream=8800, roundings=4),
    "trajectory_cnn_bn": lambda: trajectory(cnn(with_batch_norm=True), 8, first_stream=1000),
}


def write(path, content):
    """One line for each item of the second level: as small as possible, and a change is a change of few lines."""
    def line(value):
        return json.dumps(value, separators=(",", ":"), allow_nan=False)

    def block(key, value):
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return f'"{key}":[\n' + ",\n".join(line(item) for item in value) + "\n]"
        if key in ("float64", "float32"):
            return f'"{key}":{{\n' + ",\n".join(f'"{k}":{line(v)}' for k, v in value.items()) + "\n}"
        return f'"{key}":{line(value)}'

    path.write_text("{\n" + ",\n".join(block(k, v) for k, v in content.items()) + "\n}\n")


def main():
    parser = argparse.ArgumentParser(description="Compute the golden values of the tests with PyTorch.")
    default = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden"
    parser.add_argument("topics", nargs="*", metavar="TOPIC", help="what to compute: " + ", ".join(TOPICS))
    parser.add_argument("--out", type=pathlib.Path, default=default, help="output directory (default: %(default)s)")
    options = parser.parse_args()
    unknown = [topic for topic in options.topics if topic not in TOPICS]
    if unknown:
        parser.error(f"unknown topic {unknown[0]}; there are {', '.join(TOPICS)}")
    torch.set_num_threads(1)  # sums in one order
    options.out.mkdir(parents=True, exist_ok=True)
    for topic in options.topics or TOPICS:
        path = options.out / f"{topic}.json"
        write(path, {"made_by": f"scripts/make_golden.py, PyTorch {torch.__version__}", **TOPICS[topic]()})
        print(f"{path}  {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
