#!/usr/bin/env python3
"""Plots runs of keel-mnist-bn: loss and accuracy by epoch, with and without batch normalization.

Each DIR is a run's directory: DIR/no_bn/epochs.csv and DIR/bn/epochs.csv, or one of them, finished or still being
written. Training curves are dashed and validation curves solid; without batch normalization they are blue, with it red.

Several DIRs are overlaid. If they are one setting with several seeds (by their config.json) each curve is the mean
over the seeds, in a band of one standard deviation on both sides. Otherwise every run is a faint curve under their
mean. Means are over the epochs that all runs have.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import statistics
import subprocess
import sys
from pathlib import Path

ARMS = {"no_bn": ("no BN", "#0077bb"), "bn": ("BN", "#cc3311")}  # blue and red for the colour-blind too
PARTS = {"train": ("training", (0, (4, 2))), "val": ("validation", "-")}
COLUMNS = ("epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy")

# What may differ between runs of one setting: nothing of it changes what is learned, but for the seed.
NOT_SETTING = {"seed", "out", "overwrite", "threads"}
MODELS = {"mlp": "MLP", "cnn": "CNN"}
DATASETS = {"mnist": "MNIST", "synthetic": "synthetic digits"}

REEXECUTED = "KEEL_PLOT_REEXECUTED"


class PlotError(Exception):
    """What the user is told, on one line."""


def read_epochs(path: Path) -> dict[int, dict[str, float]]:
    """epochs.csv by epoch. An empty cell is NaN; a last line that is still being written does not count."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlotError(f"{path}: cannot be read: {error}") from error
    lines = list(csv.reader(text.splitlines()))
    header = lines[0] if lines else []
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        raise PlotError(f"{path}: expected the columns {','.join(COLUMNS)}, found no {','.join(missing)}")
    epochs = {}
    for number, cells in enumerate(lines[1:], start=2):
        if number == len(lines) and len(cells) < len(header) and not text.endswith("\n"):
            break
        if len(cells) != len(header):
            raise PlotError(f"{path}:{number}: expected {len(header)} cells, found {len(cells)}")
        row = dict(zip(header, cells))
        try:
            values = {column: float(row[column] or "nan") for column in COLUMNS}
            epoch = int(row["epoch"])
        except ValueError:
            raise PlotError(f"{path}:{number}: expected numbers, found {','.join(cells)}") from None
        epochs[epoch] = {name: value if math.isfinite(value) else math.nan for name, value in values.items()}
    return epochs


def read_config(run: Path) -> dict:
    """config.json of either arm; empty if there is none."""
    for arm in ARMS:
        path = run / arm / "config.json"
        try:
            config = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            raise PlotError(f"{path}: expected JSON, found: {error}") from error
        if isinstance(config, dict):
            return config
    return {}


def section(config: dict, name: str) -> dict:
    value = config.get(name)
    return value if isinstance(value, dict) else {}


class Run:
    def __init__(self, directory: Path):
        if not directory.is_dir():
            raise PlotError(f"{directory}: expected the directory of a run, found none")
        self.directory = directory
        self.config = read_config(directory)
        paths = {arm: directory / arm / "epochs.csv" for arm in ARMS}
        self.arms = {arm: read_epochs(path) for arm, path in paths.items() if path.exists()}
        if not self.arms:
            raise PlotError(f"{directory}: expected no_bn/epochs.csv or bn/epochs.csv, found neither")

    @property
    def seed(self):
        return section(self.config, "options").get("seed")

    @property
    def setting(self) -> str:
        """The same for two runs that differ in their seeds only."""
        options = {name: value for name, value in section(self.config, "options").items() if name not in NOT_SETTING}
        return json.dumps([section(self.config, "data"), section(self.config, "model"), options], sort_keys=True)

    @property
    def title(self) -> str:
        model = section(self.config, "model").get("name")
        data = section(self.config, "data").get("name")
        names = (MODELS.get(model, model), DATASETS.get(data, data))
        return " on ".join(str(name) for name in names if name)


def are_seeds(runs: list[Run]) -> bool:
    """Whether the runs are one setting, each with a seed of its own."""
    seeds = [run.seed for run in runs]
    return None not in seeds and len(set(seeds)) == len(runs) and len({run.setting for run in runs}) == 1


def curve(run: Run, arm: str, column: str, first_epoch: int) -> dict[int, float]:
    epochs = run.arms.get(arm, {})
    return {epoch: epochs[epoch][column] for epoch in sorted(epochs) if epoch >= first_epoch}


def mean_curve(curves: list[dict[int, float]]) -> tuple[list[int], list[float], list[float]]:
    """Epochs that all the curves have, and the mean and the sample standard deviation of each."""
    epochs = sorted(set.intersection(*(set(one) for one in curves)))
    columns = [[one[epoch] for one in curves] for epoch in epochs]
    means = [statistics.fmean(values) for values in columns]
    # statistics.stdev refuses NaN.
    deviations = [math.sqrt(sum((value - mean) ** 2 for value in values) / max(len(values) - 1, 1))
                  for values, mean in zip(columns, means)]
    return epochs, means, deviations


def draw_curves(axes, runs: list[Run], quantity: str, scale: float, options) -> None:
    """One panel: quantity is loss or accuracy."""
    seeds = are_seeds(runs)
    for arm, (arm_name, color) in ARMS.items():
        for part, (part_name, dashes) in PARTS.items():
            column = f"{part}_{quantity}"
            curves = [curve(run, arm, column, options.from_epoch) for run in runs if arm in run.arms]
            curves = [{epoch: scale * value for epoch, value in one.items()} for one in curves if one]
            if not curves:
                continue
            epochs, means, deviations = mean_curve(curves)
            # One epoch is a point, not a line.
            marker = {"marker": "o", "markerfacecolor": "white" if part == "train" else color}
            axes.plot(epochs, means, color=color, linestyle=dashes, linewidth=1.8,
                      label=f"{arm_name}, {part_name}", gid=f"{arm}-{column}", **(marker if len(epochs) == 1 else {}))
            if len(curves) > 1 and seeds:
                low = [mean - deviation for mean, deviation in zip(means, deviations)]
                high = [mean + deviation for mean, deviation in zip(means, deviations)]
                axes.fill_between(epochs, low, high, color=color, alpha=0.2, linewidth=0, gid=f"{arm}-{column}-band")
            elif len(curves) > 1:
                for index, one in enumerate(curves):
                    axes.plot(list(one), list(one.values()), color=color, linestyle=dashes, linewidth=0.8, alpha=0.3,
                              gid=f"{arm}-{column}-run{index}")
    axes.set_xlabel("epoch")
    axes.grid(True, linewidth=0.5, alpha=0.35)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def figure_title(runs: list[Run]) -> str:
    titles = list(dict.fromkeys(run.title for run in runs if run.title))
    arms = {arm for run in runs for arm in run.arms}
    compared = {"bn": "with", "no_bn": "without"}
    title = " and ".join(word for arm, word in compared.items() if arm in arms) + " batch normalization"
    title = f"{', '.join(titles)}, {title}" if titles else title.capitalize()
    if len(runs) > 1:
        title += f" ({len(runs)} seeds, mean ± 1 sd)" if are_seeds(runs) else f" ({len(runs)} runs and their mean)"
    return title


def draw(runs: list[Run], options):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

    # svg: text stays text, and the same data give the same bytes.
    plt.rcParams.update({"font.size": 10, "axes.titlesize": 11, "svg.fonttype": "none", "svg.hashsalt": "keel"})
    figure, (loss, accuracy) = plt.subplots(1, 2, figsize=(9.6, 4.0), constrained_layout=True)
    figure.set_constrained_layout_pads(w_pad=0.1, h_pad=0.1)
    draw_curves(loss, runs, "loss", 1, options)
    draw_curves(accuracy, runs, "accuracy", 100, options)
    loss.set_ylabel("cross-entropy loss")
    accuracy.set_ylabel("accuracy (%)")
    for axes in (loss, accuracy):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if options.log:
        loss.set_yscale("log")
        loss.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        loss.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        loss.yaxis.set_minor_formatter(NullFormatter())
    else:
        loss.set_ylim(bottom=0)
    loss.legend(frameon=False)
    figure.suptitle(figure_title(runs))
    return figure


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
                os.execvp(python, [python, os.path.abspath(__file__), *sys.argv[1:]])
    raise PlotError(f"matplotlib is missing in {sys.executable} and in /usr/bin/python3: install it with "
                    "'sudo apt-get install python3-matplotlib', or name a Python that has it in KEEL_PYTHON")


def parse_arguments(arguments: list[str]):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dirs", nargs="+", type=Path, metavar="DIR", help="directory of a run")
    parser.add_argument("--out", type=Path, metavar="PREFIX",
                        help="write PREFIX.png and PREFIX.svg (default: DIR/losses; with several DIRs, losses in the "
                             "directory above the first)")
    parser.add_argument("--from-epoch", type=int, default=1, metavar="N",
                        help="first epoch to show (default: 1; 0 is the untrained model, whose loss is far above)")
    parser.add_argument("--log", action="store_true", help="logarithmic axis for the loss")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    options = parse_arguments(arguments)
    try:
        runs = [Run(directory) for directory in options.dirs]
        if not any(epoch >= options.from_epoch for run in runs for epochs in run.arms.values() for epoch in epochs):
            raise PlotError(f"{options.dirs[0]}: expected epochs from {options.from_epoch} on, found none yet")
        require_matplotlib()
        first = options.dirs[0].resolve()
        prefix = options.out or (first if len(runs) == 1 else first.parent) / "losses"
        for path in save(draw(runs, options), prefix):
            print(path)
    except PlotError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
