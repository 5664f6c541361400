"""What the programs write into a run's directory, read for plots: each epoch, the options, what became of the models.

A run of keel-mnist-bn has several models, its arms, in directories of their own; one of keel-train has one.
"""

from __future__ import annotations

import csv
import json
import math
import re
from pathlib import Path

from study.styles import COLORS, NAMED

PAIR = "keel-mnist-bn"
# By the word of --norm: the directory of the arm, and what it is called.
NORMS = {
    "none": ("no_bn", "no norm"),
    "batch": ("bn", "BatchNorm"),
    "layer": ("layer", "LayerNorm"),
    "group": ("group", "GroupNorm"),
    "instance": ("instance", "InstanceNorm"),
    "rms": ("rms", "RMSNorm"),
    "renorm": ("renorm", "BatchRenorm"),
    "weight": ("weight", "WeightNorm"),
    "bln": ("bln", "BatchLayerNorm"),
    "full": ("full", "FullNorm"),
}
# Arms by directory: what they are called, their colours and their markers, those of the pages of studies.
ARMS = {arm: (name, COLORS[NAMED[word][0]][0]) for word, (arm, name) in NORMS.items()}
ARM_MARKERS = {arm: NAMED[word][1] for word, (arm, _) in NORMS.items()}
ARTICLES_ARMS = {"no_bn": "no BN", "bn": "BN"}  # what they are called where there are no others
MODEL = "model"  # in the place of an arm's name, for a run that has one model
COLUMNS = ("epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy")

# Options that do not change what is learned. Of the data, their checksums count, wherever they lie.
NOT_LEARNED = {"data", "out", "overwrite", "threads", "jobs", "resume", "config", "checkpoint-every", "recalibrate-bn",
               "log-distributions"}
NOT_DATA = {"source", "description"}
MODELS = {"mlp": "MLP", "cnn": "CNN", "lenet5": "LeNet-5", "vgg-small": "VGG-small", "resnet20": "ResNet-20"}
DATASETS = {"mnist": "MNIST", "synthetic": "synthetic digits"}
LONGEST_LABEL = 32


class PlotError(Exception):
    """What the user is told, on one line."""


def read_rows(path: Path, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """The rows of a CSV file with at least these columns: numbers of lines, and cells by column. A last line that is
    still being written does not count."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlotError(f"{path}: cannot be read: {error}") from error
    if not text.strip():
        raise PlotError(f"{path}: expected the columns {','.join(columns)}, found an empty file")
    lines = list(csv.reader(text.splitlines()))
    header = lines[0]
    missing = [column for column in columns if column not in header]
    if missing:
        raise PlotError(f"{path}: expected the columns {','.join(columns)}, found no {','.join(missing)}")
    rows = []
    for number, cells in enumerate(lines[1:], start=2):
        if number == len(lines) and len(cells) < len(header) and not text.endswith("\n"):
            break
        if len(cells) != len(header):
            raise PlotError(f"{path}:{number}: expected {len(header)} cells, found {len(cells)}")
        rows.append((number, dict(zip(header, cells))))
    return rows


def read_epochs(path: Path) -> dict[int, dict[str, float]]:
    """epochs.csv by epoch. An empty cell is NaN."""
    epochs = {}
    for number, row in read_rows(path, COLUMNS):
        try:
            values = {column: float(row[column] or "nan") for column in COLUMNS}
            epoch = int(row["epoch"])
        except ValueError:
            raise PlotError(f"{path}:{number}: expected numbers, found {','.join(row.values())}") from None
        epochs[epoch] = {name: value if math.isfinite(value) else math.nan for name, value in values.items()}
    return epochs


def diverged_epoch(path: Path, message) -> int | None:
    """The epoch in which a model diverged, by what the run's summary says of it, or by what epochs.csv has that is not
    finite; 0 if it is not known which. None if it did not diverge."""
    found = re.search(r"\bepoch (\d+)", str(message or ""))
    if found:
        return int(found[1])
    for _, row in read_rows(path, COLUMNS):
        if any(row[column] and not math.isfinite(float(row[column])) for column in COLUMNS[1:]):
            return int(row["epoch"])
    return 0 if message else None


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
        self.directory = directory
        if (directory / "epochs.csv").exists():
            self._read_model()
        else:
            self._read_arms()
        options = section(self.config, "options")
        self.options = {name: canonical(value) for name, value in options.items() if name not in NOT_LEARNED}
        if "model" in options:
            # A file with the model's description goes by its name; `setting` compares what is in it.
            self.options["model"] = Path(str(options["model"])).name

    def _read_model(self) -> None:
        self.config = read_json(self.directory / "config.json")
        directory = self.directory.resolve()
        if self.config.get("program", PAIR if directory.name in ARMS else None) == PAIR:
            raise PlotError(f"{self.directory}: expected the directory of a run, found that of one of its models; "
                            f"the run is {directory.parent}")
        path = self.directory / "epochs.csv"
        self.arms = {MODEL: read_epochs(path)}
        self._find_diverged({MODEL: path}, {MODEL: read_json(self.directory / "summary.json")})

    def _read_arms(self) -> None:
        configs = {arm: read_json(self.directory / arm / "config.json") for arm in ARMS}
        paths = {arm: self.directory / arm / "epochs.csv" for arm, config in configs.items()
                 if config.get("program", PAIR) == PAIR}
        self.arms = {arm: read_epochs(path) for arm, path in paths.items() if path.exists()}
        if not self.arms:
            raise PlotError(f"{self.directory}: expected epochs.csv (of keel-train), or epochs.csv in "
                            f"{', '.join(ARMS)} (of {PAIR}), found none of them")
        # All arms have the same options and data.
        self.config = next(filter(None, (configs[arm] for arm in paths)), {})
        self._find_diverged({arm: paths[arm] for arm in self.arms},
                            section(read_json(self.directory / "summary.json"), "arms"))

    def _find_diverged(self, paths: dict, results: dict) -> None:
        found = {arm: diverged_epoch(path, section(results, arm).get("diverged")) for arm, path in paths.items()}
        self.diverged = {arm: epoch for arm, epoch in found.items() if epoch is not None}

    def only(self, arms: list[str] | None) -> None:
        """Leaves out all other arms. A run of one model stays as it is."""
        if arms and MODEL not in self.arms:
            self.arms = {arm: epochs for arm, epochs in self.arms.items() if arm in arms}
            self.diverged = {arm: epoch for arm, epoch in self.diverged.items() if arm in arms}

    @property
    def norm_arm(self) -> str | None:
        """Of a run of one model, the arm whose norm it has. None if its model is one that decides that by itself."""
        word = self.options.get("norm", {"on": "batch", "off": "none"}.get(self.options.get("batch-norm")))
        return NORMS[word][0] if MODEL in self.arms and word in NORMS else None

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
    def model_title(self) -> str:
        """Empty if it is not known. A model that was described in a file has no name but the file's."""
        name = str(section(self.config, "model").get("name") or Path(self.options.get("model", "")).stem)
        return MODELS.get(name, name)

    @property
    def data_title(self) -> str:
        name = str(section(self.config, "data").get("name") or "")
        return DATASETS.get(name, name)

    @property
    def best_epoch(self) -> int | None:
        """The trained epoch of the one model that has the lowest validation loss, the first of equal ones."""
        losses = {epoch: row["val_loss"] for epoch, row in self.arms.get(MODEL, {}).items()
                  if epoch > 0 and math.isfinite(row["val_loss"])}
        return min(losses, key=losses.get, default=None)


def are_seeds(runs: list[Run]) -> bool:
    """Whether the runs are one setting, each with a seed of its own."""
    seeds = [run.seed for run in runs]
    return None not in seeds and len(set(seeds)) == len(runs) and len({run.setting for run in runs}) == 1


def arm_names(arms) -> dict[str, str]:
    """What these arms are called, in the order of ARMS."""
    if set(arms) <= set(ARTICLES_ARMS):
        return {arm: name for arm, name in ARTICLES_ARMS.items() if arm in arms}
    return {arm: name for arm, (name, _) in ARMS.items() if arm in arms}


def diverged_text(epoch: int) -> str:
    return f"diverged at epoch {epoch}" if epoch else "diverged"


def arms_of(runs: list[Run]) -> dict[str, str]:
    """The arms that any of the runs has, and their names."""
    return arm_names({arm for run in runs for arm in run.arms if arm in ARMS})


def option_text(name: str, value) -> str:
    if isinstance(value, bool):
        return name if value else f"no {name}"
    return f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"


def run_labels(runs: list[Run]) -> list[str]:
    """What differs between the runs' options if that is short and tells them all apart; else their directories.

    Options of different programs are not compared: their defaults differ.
    """
    names = dict.fromkeys(name for run in runs for name in run.options)
    differing = [name for name in names if len({json.dumps(run.options.get(name)) for run in runs}) > 1]
    by_options = [", ".join(option_text(name, run.options[name]) for name in differing if name in run.options)
                  for run in runs]
    by_name = [run.directory.resolve().name for run in runs]
    one_program = all(run.config.get("program") == runs[0].config.get("program") for run in runs)
    for labels in (by_options, by_name) if one_program else (by_name,):
        if all(labels) and len(set(labels)) == len(runs) and max(map(len, labels)) <= LONGEST_LABEL:
            return labels
    return by_name if len(set(by_name)) == len(runs) else [str(run.directory) for run in runs]
