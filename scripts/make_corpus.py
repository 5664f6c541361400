#!/usr/bin/env python3
"""Writes the hand-made part of tests/corpus: small inputs for each fuzz target, well-formed and hostile ones.

usage: scripts/make_corpus.py [TARGET...]

Other files of the corpus, such as crashes that scripts/fuzz.sh found, are left alone. Needs Python's own library only.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.dont_write_bytecode = True

from corpus.checkpoint import checkpoint_files
from corpus.config import config_files
from corpus.idx import gzip_files, idx_files
from corpus.image import image_files
from corpus.model_description import model_description_files
from corpus.safetensors import safetensors_files

CORPUS = Path(__file__).resolve().parent.parent / "tests" / "corpus"

TARGETS = {
    "checkpoint": checkpoint_files,
    "config": config_files,
    "gzip": idx_files,  # the target compresses them
    "idx": lambda: {**idx_files(), **{f"{name}.gz": content for name, content in gzip_files().items()}},
    "image": image_files,
    "model_description": model_description_files,
    "safetensors": safetensors_files,
}


def main(arguments: list[str]) -> int:
    if arguments and arguments[0] in ("-h", "--help"):
        print(__doc__.strip())
        return 0
    unknown = [name for name in arguments if name not in TARGETS]
    if unknown:
        print(f"error: {unknown[0]}: expected one of {', '.join(sorted(TARGETS))}", file=sys.stderr)
        return 2
    for name in arguments or sorted(TARGETS):
        files = TARGETS[name]()
        folder = CORPUS / name
        folder.mkdir(parents=True, exist_ok=True)
        for file, content in files.items():
            (folder / file).write_bytes(content)
        print(f"{folder}: {len(files)} files, {sum(map(len, files.values()))} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
