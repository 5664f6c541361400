#!/usr/bin/env python3
"""Puts a finished run of keel-mnist-bn into the documentation, so that no figure there is typed by hand.

Copies RUN/losses.png to docs/mnist_bn.png and RUN/summary.json to docs/mnist_bn.json, and writes the table between the
markers <!-- run:begin --> and <!-- run:end --> of README.md from them. With --check it changes nothing, and fails if the
table in README.md is not the one that docs/mnist_bn.json gives.

usage: scripts/publish_run.py RUN
       scripts/publish_run.py --check
"""

import argparse
import json
import pathlib
import shutil
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
RECORD = ROOT / "docs" / "mnist_bn.json"
BEGIN, END = "<!-- run:begin -->\n", "<!-- run:end -->"

ROWS = [
    ("training loss, last epoch", "final_train_loss", "{:.4f}"),
    ("validation loss, last epoch", "final_val_loss", "{:.4f}"),
    ("validation loss, best", "best_val_loss", "{:.4f}"),
    ("validation accuracy, last epoch", "final_val_accuracy", "{:.2%}"),
    ("test accuracy", "test_accuracy", "{:.2%}"),
    ("epochs until 97 % validation accuracy", "epochs_to_97_percent", "{}"),
    ("seconds per epoch", "seconds_per_epoch", "{:.2f}"),
]


ARMS = ("no_bn", "bn")  # whose results the table has

# The options that the command in the documentation names; a run that is published has the defaults of the others.
COMMAND = ("model", "epochs", "seed")


def table(record):
    """The Markdown between the markers."""
    arms = record["summary"]["arms"]
    sizes = {part: record["summary"]["data"][part]["examples"] for part in ("training", "validation", "test")}
    lines = [
        f"`{record['command']}` on {record['threads']} threads ({record['isa']}): {sizes['training']} training, "
        f"{sizes['validation']} validation and {sizes['test']} test images of MNIST.",
        "",
        "| | without BN | with BN |",
        "|---|---|---|",
    ]
    for label, key, form in ROWS:
        cells = [form.format(arms[arm][key]) if arms[arm][key] is not None else "never" for arm in ARMS]
        lines.append(f"| {label} | {cells[0]} | {cells[1]} |")
    return "\n".join(lines) + "\n"


def with_table(readme, text):
    before, rest = readme.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    return before + BEGIN + text + END + after


def as_typed(name, value):
    """An option of config.json, whose value may be text, a number or a boolean, as one would type it."""
    if value is True or value == "true":
        return [f"--{name}"]
    if value is False or value == "false":
        return []
    return [f"--{name} {int(value) if isinstance(value, float) and value.is_integer() else value}"]


def command(config):
    """What to type for such a run."""
    options = config["options"]
    return " ".join(sum((as_typed(name, options[name]) for name in COMMAND if name in options), ["keel-mnist-bn"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?", type=pathlib.Path, help="directory of the run")
    parser.add_argument("--check", action="store_true", help="only compare README.md with docs/mnist_bn.json")
    options = parser.parse_args()
    if (options.run is None) != options.check:
        parser.error("expected either the directory of a run or --check")
    if options.check:
        expected = with_table(README.read_text(), table(json.loads(RECORD.read_text())))
        if expected != README.read_text():
            sys.exit("error: README.md: the table differs from docs/mnist_bn.json: run scripts/publish_run.py RUN")
        return
    summary = json.loads((options.run / "summary.json").read_text())
    if sorted(summary["arms"]) != sorted(ARMS):
        sys.exit(f"error: {options.run}: expected a run of {' and '.join(ARMS)}, found {', '.join(summary['arms'])}")
    config = json.loads((options.run / "bn" / "config.json").read_text())
    if summary["data"]["name"] != "mnist":
        sys.exit(f"error: {options.run}: expected a run on MNIST, found {summary['data']['name']}")
    for arm, results in summary["arms"].items():
        problem = results.get("diverged") or results.get("failed")
        if problem:
            sys.exit(f"error: {options.run}: expected a run without a failure, found {arm}: {problem}")
    if config.get("jobs", 1) != 1:
        sys.exit(f"error: {options.run}: expected seconds of one model at a time, found --jobs {config['jobs']}")
    summary["data"].pop("source", None)
    summary["data"].pop("description", None)
    record = {
        "command": command(config),
        "threads": config["threads"],
        "isa": config["isa"],
        "version": config["version"],
        "compiler": config["compiler"],
        "started": config["started"],
        "summary": summary,
    }
    RECORD.parent.mkdir(exist_ok=True)
    RECORD.write_text(json.dumps(record, indent=2) + "\n")
    shutil.copyfile(options.run / "losses.png", ROOT / "docs" / "mnist_bn.png")
    README.write_text(with_table(README.read_text(), table(record)))


if __name__ == "__main__":
    main()
