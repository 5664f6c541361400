"""What keel-mnist-bn writes into a run's directory, read for plots: each epoch, the options, what became of the models."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

ARMS = {"no_bn": ("no BN", "#0077bb"), "bn": ("BN", "#cc3311")}  # blue and red for the colour-blind too
COLUMNS = ("epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy")

# Options that do not change what is learned. Of the data, their checksums count, wherever they lie.
NOT_LEARNED = {"data", "out", "overwrite", "threads", "jobs"}
NOT_DATA = {"source", "description"}
MODELS = {"mlp": "MLP", "cnn": "CNN"}
DATASETS = {"mnist": "MNIST", "synthetic": "synthetic digits"}
LONGEST_LABEL = 32


class PlotError(Exception):
    """What the user is told, on one line."""


def read_epochs(path: Path) -> dict[int, dict[str, float]]:
    """epochs.csv by epoch. An empty cell is NaN; a last line that is still being written does not count."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlotError(f"{path}: cannot be read: {error}") from error
    if not text.strip():
        raise PlotError(f"{path}: expected the columns {','.join(COLUMNS)}, found an empty file")
    lines = list(csv.reader(text.splitlines()))
    header = lines[0]
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


def read_json(path: Path) -> dict:
    """Empty if there is no such file."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise PlotError(f"{path}: expected JSON, found: {error}") from error
    return value if isinstance(value, dict) else {}


def section(config: dict, name: str) -> dict:
    value = config.get(name)
    return value if isinstance(value, dict) else {}


def canonical(value):
    """The value of an option, equal for 0.001, "1e-3" and "0.001", and for true and "true"."""
    if isinstance(value, str):
        if value in ("true", "false"):
            return value == "true"
        try:
            return float(value)
        except ValueError:
            return value
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


class Run:
    def __init__(self, directory: Path):
        if not directory.is_dir():
            raise PlotError(f"{directory}: expected the directory of a run, found none")
        if (directory / "epochs.csv").exists():
            raise PlotError(f"{directory}: expected the directory of a run, found that of one of its models; "
                            f"the run is {directory.resolve().parent}")
        self.directory = directory
        # Both arms have the same options and data.
        self.config = next(filter(None, (read_json(directory / arm / "config.json") for arm in ARMS)), {})
        paths = {arm: directory / arm / "epochs.csv" for arm in ARMS}
        self.arms = {arm: read_epochs(path) for arm, path in paths.items() if path.exists()}
        if not self.arms:
            raise PlotError(f"{directory}: expected no_bn/epochs.csv or bn/epochs.csv, found neither")
        results = section(read_json(directory / "summary.json"), "arms")
        self.diverged = {arm for arm in self.arms if section(results, arm).get("diverged")}
        options = section(self.config, "options")
        self.options = {name: canonical(value) for name, value in options.items() if name not in NOT_LEARNED}

    @property
    def seed(self):
        return self.options.get("seed")

    @property
    def setting(self) -> str:
        """The same for two runs that differ in their seeds only."""
        options = {name: value for name, value in self.options.items() if name != "seed"}
        data = {name: value for name, value in section(self.config, "data").items() if name not in NOT_DATA}
        return json.dumps([data, section(self.config, "model"), options], sort_keys=True)

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


def option_text(name: str, value) -> str:
    if isinstance(value, bool):
        return name if value else f"no {name}"
    return f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"


def run_labels(runs: list[Run]) -> list[str]:
    """What differs between the runs' options if that is short and tells them all apart; else their directories."""
    names = dict.fromkeys(name for run in runs for name in run.options)
    differing = [name for name in names if len({json.dumps(run.options.get(name)) for run in runs}) > 1]
    by_options = [", ".join(option_text(name, run.options[name]) for name in differing if name in run.options)
                  for run in runs]
    by_name = [run.directory.resolve().name for run in runs]
    for labels in (by_options, by_name):
        if all(labels) and len(set(labels)) == len(runs) and max(map(len, labels)) <= LONGEST_LABEL:
            return labels
    return by_name if len(set(by_name)) == len(runs) else [str(run.directory) for run in runs]
