"""What the scripts that plot runs have in common: options, titles, the look of a figure, files, matplotlib itself."""

from __future__ import annotations

import argparse
import difflib
import os
import subprocess
import sys
import textwrap
from pathlib import Path

from run_logs import MODEL, NORMS, PlotError, Run

LONGEST_LINE = 90  # of the title, in characters

REEXECUTED = "KEEL_PLOT_REEXECUTED"


def listed(names: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def subject(runs: list[Run]) -> str:
    """Which models on which data: "MLP and CNN on MNIST". Empty if that is not known."""
    models = {}
    for run in runs:
        names = models.setdefault(run.data_title, [])
        if run.model_title and run.model_title not in names:
            names.append(run.model_title)
    titles = (" on ".join(filter(None, (listed(names), data))) for data, names in models.items())
    return "; ".join(filter(None, titles))


def wrapped(title: str) -> str:
    return textwrap.fill(title, LONGEST_LINE)


def set_style() -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    # svg: text stays text, and the same data give the same bytes.
    plt.rcParams.update({"font.size": 10, "axes.titlesize": 11, "svg.fonttype": "none", "svg.hashsalt": "keel"})


def tidy(axes) -> None:
    axes.grid(True, linewidth=0.5, alpha=0.35)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def save(figure, prefix: Path) -> list[Path]:
    """Writes PREFIX.png and PREFIX.svg, each all at once."""
    written = []
    for suffix, metadata in ((".png", {"Software": None}), (".svg", {"Date": None})):
        path = prefix.with_name(prefix.name + suffix)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            figure.savefig(unfinished, format=suffix[1:], dpi=160, metadata=metadata)
            os.replace(unfinished, path)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            raise PlotError(f"{path}: cannot be written: {error.strerror}") from error
        written.append(path)
    return written


def has_matplotlib(python: str) -> bool:
    try:
        return subprocess.run([python, "-c", "import matplotlib"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def require_matplotlib() -> None:
    """Starts over in a Python that has matplotlib if this one does not: apt puts it into Debian's own."""
    try:
        import matplotlib  # noqa: F401

        return
    except ImportError:
        pass
    if REEXECUTED not in os.environ:
        for python in (os.environ.get("KEEL_PYTHON"), "/usr/bin/python3", "/usr/local/bin/python3"):
            if python and has_matplotlib(python):
                os.environ[REEXECUTED] = "1"
                os.execvp(python, [python, *sys.argv])
    raise PlotError(f"matplotlib is missing in {sys.executable} and in /usr/bin/python3: install it with "
                    "'sudo apt-get install python3-matplotlib', or name a Python that has it in KEEL_PYTHON")


def argument_parser(description: str, stem: str) -> argparse.ArgumentParser:
    """With the directories of runs, and where to write figures that are called `stem` unless told otherwise."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dirs", nargs="+", type=Path, metavar="DIR", help="directory of a run")
    parser.add_argument("--out", type=Path, metavar="PREFIX",
                        help=f"write PREFIX.png and PREFIX.svg (default: DIR/{stem}; with several DIRs, {stem} in the "
                             "directory above the first)")
    parser.add_argument("--arm", metavar="NAME[,NAME...]",
                        help="of runs of several models, only these: none, batch, ..., as --norm calls them")
    return parser


def unknown(option: str, name: str, names: list[str], most: int = 12) -> PlotError:
    """With the names that are near, or else the first ones."""
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"; near: {', '.join(near)}" if near else ""
    known = ", ".join(names[:most]) + (f", ... ({len(names)} in all)" if len(names) > most else "")
    return PlotError(f"{option}: expected one of {known}, found {name}{hint}")


def chosen_arms(options: argparse.Namespace, runs: list[Run]) -> list[str] | None:
    """The directories of the arms that --arm names, which some run must have; None for all."""
    if options.arm is None:
        return None
    words = {word: arm for word, (arm, _) in NORMS.items() if any(arm in run.arms for run in runs)}
    if not words:
        raise PlotError(f"--arm: expected a run of several models, found {listed([str(one) for one in options.dirs])}")
    chosen = []
    for name in filter(None, (name.strip() for name in options.arm.split(","))):
        arm = words.get(name, name if name in words.values() else None)
        if arm is None:
            raise unknown("--arm", name, list(words))
        chosen.append(arm)
    if not chosen:
        raise PlotError(f"--arm: expected one of {', '.join(words)}, found nothing")
    missing = [str(run.directory) for run in runs if MODEL not in run.arms and not set(chosen) & set(run.arms)]
    if missing:
        raise PlotError(f"--arm: expected a model of every run, found none of {options.arm} in {listed(missing)}")
    return chosen


def runs_of(options: argparse.Namespace) -> list[Run]:
    """As the arguments have them, with the arms that were asked for."""
    runs = [Run(directory) for directory in options.dirs]
    arms = chosen_arms(options, runs)
    for run in runs:
        run.only(arms)
    return runs


def parse_arguments(parser: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
    options = parser.parse_args(arguments)
    seen = {}
    for directory in options.dirs:
        first = seen.setdefault(directory.resolve(), directory)
        if first is not directory:
            parser.error(f"{directory}: expected every run once, found it twice")
    return options


def out_prefix(options: argparse.Namespace, stem: str) -> Path:
    first = options.dirs[0].resolve()
    return options.out or (first if len(options.dirs) == 1 else first.parent) / stem


def run_script(main, arguments: list[str]) -> int:
    """main(arguments), with what goes wrong on one line."""
    try:
        main(arguments)
    except PlotError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0
