#!/usr/bin/env python3
"""Checks that no kernel compiled for one instruction set level can end up in code for a lesser one.

usage: scripts/check_kernel_objects.py BUILD_DIR

The kernels are compiled once for each level. A function that the compiler emits as a weak symbol, such as an instance
of a template of the standard library, exists once in the program: the linker keeps any one of the copies, and every
caller gets it, on processors too that cannot run it. The same goes for a constant whose value depends on the level.
So the objects of the levels may define no weak and no unique symbols; helpers belong in unnamed namespaces.

Prints one line for each such symbol; exit code 1 if there are any, 77 for a sanitizer build, whose runtime adds some.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

EXIT_SKIPPED = 77  # what CTest is told to count as skipped

# W: weak function, V: weak object, u: unique object. A pointer to the runtime's exception handler is harmless.
WEAK = re.compile(r"^[0-9a-fA-F]* *([WVu]) (.+)$")
HARMLESS = re.compile(r"^DW\.ref\.")
KERNEL_FOLDER = re.compile(r"^keel_kernels_\w+\.dir$")


def kernel_objects(build: Path) -> list[Path]:
    folders = [path for part in (build, build / "bench") for path in (part / "CMakeFiles").glob("*.dir")
               if KERNEL_FOLDER.match(path.name)]
    return sorted(path for folder in folders for path in folder.rglob("*.o"))


def weak_symbols(nm: str, path: Path) -> list[str]:
    output = subprocess.run([nm, "--demangle", "--defined-only", str(path)], check=True, capture_output=True, text=True)
    matches = (WEAK.match(line) for line in output.stdout.splitlines())
    return [match.group(2) for match in matches if match and not HARMLESS.match(match.group(2))]


def is_sanitized(build: Path) -> bool:
    cache = build / "CMakeCache.txt"
    return cache.is_file() and bool(re.search(r"^KEEL_SANITIZE:\w+=.", cache.read_text(encoding="utf-8"), re.MULTILINE))


def main(arguments: list[str]) -> int:
    if arguments and arguments[0] in ("-h", "--help"):
        print(__doc__.strip())
        return 0
    if len(arguments) != 1:
        print(f"error: expected one build directory, found {len(arguments)} arguments", file=sys.stderr)
        return 2
    build = Path(arguments[0])
    if is_sanitized(build):
        print("kernel objects: skipped, a sanitizer adds symbols of its own")
        return EXIT_SKIPPED
    nm = shutil.which("nm")
    objects = kernel_objects(build)
    if nm is None or not objects:
        missing = "the program nm, of binutils" if nm is None else f"objects of the kernels in {build}"
        print(f"error: {missing}: expected, not found", file=sys.stderr)
        return 1
    bad = [(path, name) for path in objects for name in weak_symbols(nm, path)]
    for path, name in bad:
        print(f"{path.relative_to(build)}: weak symbol {name}", file=sys.stderr)
    if bad:
        print(f"error: {len(bad)} weak symbol(s) in the kernels: use unnamed namespaces, avoid std:: templates",
              file=sys.stderr)
        return 1
    print(f"kernel objects: no weak symbols in {len(objects)} files")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
