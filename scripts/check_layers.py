#!/usr/bin/env python3
"""Checks who includes whom, and how long files are.

usage: scripts/check_layers.py [ROOT]

The rooms of include/keel/ and src/ stand above each other:

    apps -> train -> {nn, optim, data} -> ops -> autograd -> core
                     {nn, optim, data} -> io -> core

and a file includes headers of its own room and of rooms below it only. The private loops in src/kernels are for the
sources of core, ops, optim and data; they include nothing of ours from outside src/kernels. Public headers need the
standard library and fmt only. OpenMP and cblas appear in src/kernels only. A file has at most 400 lines.

Prints one line for each violation; exit code 1 if there are any.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

# What a room may include besides itself.
BELOW = {
    "core": set(),
    "io": {"core"},
    "autograd": {"core"},
    "ops": {"core", "autograd"},
    "nn": {"core", "io", "autograd", "ops"},
    "optim": {"core", "io", "autograd"},
    "data": {"core", "io"},
    "train": {"core", "io", "autograd", "ops", "nn", "optim", "data"},
    "apps": {"core", "io", "autograd", "ops", "nn", "optim", "data", "train"},
    "kernels": set(),
}
USE_KERNELS = {"core", "ops", "optim", "data"}

MAX_LINES = 400

SOURCE_SUFFIXES = {".h", ".cpp"}
CHECKED_FOLDERS = ("include", "src", "apps")
MEASURED_FOLDERS = ("include", "src", "apps", "tests", "bench", "fuzz", "scripts")
MEASURED_SUFFIXES = SOURCE_SUFFIXES | {".py", ".sh"}

INCLUDE = re.compile(r'^\s*#\s*include\s*(<[^>]+>|"[^"]+")')
OPENMP_PRAGMA = re.compile(r"^\s*#\s*pragma\s+omp\b|\b_Pragma\s*\(\s*\"omp\b")
# <vector>, <sys/stat.h>: the standard library has no dots and no slashes in its names.
STANDARD_HEADER = re.compile(r"^[a-z0-9_]+$")
KERNEL_ONLY_HEADERS = {"omp.h", "cblas.h"}


def room_of(path: Path) -> str | None:
    """The room that a file of the project belongs to; path is relative to the root."""
    parts = path.parts
    if parts[:2] == ("include", "keel"):
        return parts[2] if len(parts) > 3 else None
    if parts[0] == "src":
        return parts[1] if len(parts) > 2 else None
    return parts[0]


def included_file(root: Path, source: Path, name: str) -> Path | None:
    """The project's file that an include of `name` in `source` means, relative to the root; None if it is not ours."""
    for folder in (root / source.parent, root / "include", root / "src"):
        candidate = (folder / name).resolve()
        if candidate.is_file() and candidate.is_relative_to(root):
            return candidate.relative_to(root)
    if name.startswith("keel/"):
        return Path("include") / name
    if name.split("/")[0] in BELOW:
        return Path("src") / name
    return None


def include_error(root: Path, source: Path, quoted: str) -> str | None:
    """What is wrong with one include; None if nothing is."""
    room, name = room_of(source), quoted[1:-1]
    ours = included_file(root, source, name)
    if name in KERNEL_ONLY_HEADERS and room != "kernels":
        return f"includes {quoted}: only src/kernels may"
    if ours is None:
        public = source.parts[0] == "include"
        if public and not (STANDARD_HEADER.match(name) or name.startswith("fmt/")):
            return f"includes {quoted}: a public header may include the standard library, fmt and keel only"
        return None
    target = room_of(ours)
    if target == room:
        return None
    if target == "kernels":
        if source.parts[0] == "include":
            return f"includes {quoted}: a public header may not include kernels, which are private"
        if room not in USE_KERNELS:
            return f"includes {quoted}: kernels are for {', '.join(sorted(USE_KERNELS))} only, not for {room}"
        return None
    if target not in BELOW[room]:
        below = ", ".join(sorted(BELOW[room])) or "nothing of ours"
        return f"includes {quoted}, of {target}: {room} may include {below} and itself only"
    return None


def source_files(root: Path, folders: tuple[str, ...], suffixes: set[str]) -> list[Path]:
    """Files relative to the root, in order."""
    found = [path for folder in folders for path in (root / folder).rglob("*")]
    return sorted(path.relative_to(root) for path in found if path.suffix in suffixes and path.is_file())


def violations(root: Path) -> list[str]:
    root = root.resolve()
    found = []
    for source in source_files(root, CHECKED_FOLDERS, SOURCE_SUFFIXES):
        room = room_of(source)
        if room not in BELOW:
            found.append(f"{source}: not in a room that this check knows: {', '.join(BELOW)}")
            continue
        for number, line in enumerate((root / source).read_text(encoding="utf-8").splitlines(), start=1):
            include = INCLUDE.match(line)
            error = include_error(root, source, include.group(1)) if include else None
            if OPENMP_PRAGMA.search(line) and room != "kernels":
                error = "uses OpenMP: only src/kernels may"
            if error:
                found.append(f"{source}:{number}: {error}")
    for source in source_files(root, MEASURED_FOLDERS, MEASURED_SUFFIXES):
        length = len((root / source).read_text(encoding="utf-8").splitlines())
        if length > MAX_LINES:
            found.append(f"{source}: {length} lines, expected at most {MAX_LINES}: split it by meaning")
    return found


def main(arguments: list[str]) -> int:
    if arguments and arguments[0] in ("-h", "--help"):
        print(__doc__.strip())
        return 0
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parent.parent
    if len(arguments) > 1 or not (root / "src").is_dir():
        print(f"error: expected one directory that holds src/, found {' '.join(arguments)}", file=sys.stderr)
        return 2
    found = violations(root)
    for line in found:
        print(line, file=sys.stderr)
    if found:
        print(f"error: {len(found)} violation(s)", file=sys.stderr)
        return 1
    print("layers: every #include points downwards")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
