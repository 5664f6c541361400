"""pytorch.json, what study_pytorch.py found for the claims of a study, beside the study's own record."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from pathlib import Path

NAME = "pytorch.json"


class PyTorchFileError(Exception):
    """What the user is told, on one line."""


def said(number) -> str:
    values = ("diverged" if value is None else f"{value:.4f}" for value in number["values"])
    return f"{number['label']}: {' '.join(values)}"


class PyTorchFile:
    """What stands in it is of one PyTorch, data set and length, which `about` says; whoever adds waits for others.

    throws: PyTorchFileError; the first time before anything is trained
    """

    def __init__(self, directory: Path, about: dict):
        self.directory, self.about, self.path = directory, about, directory / NAME
        self.add()

    def add(self, claim: str | None = None, numbers: list = ()) -> None:
        try:
            with self.locked():
                claims = self.claims()
                if claim:
                    claims[claim] = list(numbers)
                self.write(json.dumps({**self.about, "claims": claims}, indent=1, allow_nan=False) + "\n")
        except OSError as error:
            raise PyTorchFileError(f"{self.path}: cannot be written: {error.strerror}") from error

    @contextmanager
    def locked(self):
        directory = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(directory, fcntl.LOCK_EX)
            yield
        finally:
            os.close(directory)

    def claims(self) -> dict:
        if not self.path.exists():
            return {}
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise PyTorchFileError(f"{self.path}: expected what an earlier call wrote, found: {error}") from error
        if not isinstance(content, dict) or not isinstance(content.get("claims"), dict):
            raise PyTorchFileError(f"{self.path}: expected what an earlier call wrote, found something else")
        for key, value in self.about.items():
            if content.get(key) != value:
                raise PyTorchFileError(f"{self.path}: {key}: expected {json.dumps(value)}, found "
                                       f"{json.dumps(content.get(key))}; remove it, or name another directory by --out")
        return content["claims"]

    def write(self, text: str) -> None:
        unfinished = self.path.with_name(f".{NAME}.{os.getpid()}")
        try:
            unfinished.write_text(text, encoding="utf-8")
            os.replace(unfinished, self.path)
        finally:
            unfinished.unlink(missing_ok=True)
