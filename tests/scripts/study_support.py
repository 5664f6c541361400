"""Results of keel-study made up for the tests of scripts/study_report.py: every kind of figure, number and verdict.

usage: study_support.py DIR    writes DIR/study.json, to look at the pages made of it
"""

import copy
import json
import math
import random
import statistics
import sys
from pathlib import Path

SEEDS = [1, 2, 3, 4, 5]
T_QUANTILE = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776}  # Student's, two-sided 95 %, by degrees of freedom

ARTICLES = {"transforms": "How Batch Normalization Transforms Deep Learning Efficiency",
            "glossary": "Batch normalization: a glossary entry",
            "faster": "Training networks faster",
            "dropout": "Normalization & <dropout>"}


DATA = {"training": {"examples": 60000, "crc32": "0f1e2d3c"}, "test": {"examples": 10000, "crc32": "a1b2c3d4"}}


def summary(values):
    known = [value for value in values if value is not None]
    if not known:
        return {"mean": None, "low": None, "high": None}
    mean = statistics.fmean(known)
    if len(known) == 1:
        return {"mean": mean, "low": None, "high": None}
    half = T_QUANTILE[len(known) - 1] * statistics.stdev(known) / math.sqrt(len(known))
    return {"mean": mean, "low": mean - half, "high": mean + half}


def point(x, values):
    return {**summary(values), "x": x, "values": values}


def number(label, values, expected=None, expected_to=None):
    made = {"label": label, "values": values, **summary(values)}
    if expected is not None:
        made["expected"] = expected
    if expected_to is not None:
        made["expected_to"] = expected_to
    if expected is not None and made["low"] is not None:
        made["beside_expected"] = ("higher" if made["low"] > max(expected, expected_to or expected) else
                                   "lower" if made["high"] < min(expected, expected_to or expected) else "as expected")
    return made


def check(statement, rule, outcome, values):
    return {"statement": statement, "rule": rule, "outcome": outcome, **summary(values)}


def figure(title, x_label, y_label, series, log_x=False, log_y=False, categories=()):
    return {"title": title, "x_label": x_label, "y_label": y_label, "log_x": log_x, "log_y": log_y,
            "categories": list(categories),
            "series": [{"name": name, "points": points} for name, points in series.items()]}


def sources(*articles, quote="it makes training 5-10 times faster & more stable"):
    return [{"article": article, "quote": quote} for article in articles]


def claim(identifier, title, verdict, sentence, **parts):
    made = {"id": identifier, "title": title, "sources": sources("transforms"), "question": "Does it, when each arm has its own best learning rate?",
            "setting": "MNIST, 784-100-100-100-10 with ReLU, SGD, batches of 60, 6000 steps.",
            "measure": "Steps to 97 % test accuracy. Holds if the interval of the ratio none / batch lies above 5.",
            "seconds": 312.4, "complete": True, "verdict": verdict, "sentence": sentence, "checks": [], "numbers": [],
            "figures": [], "notes": []}
    return {**made, **parts}


class Noise:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def around(self, mean, spread, seeds=len(SEEDS)):
        return [mean + spread * self.random.gauss(0, 1) for _ in range(seeds)]

    def share(self, mean, spread):
        return [min(max(value, 0.05), 1.0) for value in self.around(mean, spread)]


def speed(noise):
    curves = {"none": 420, "batch": 180}
    lines = {name: [point(step, noise.share(0.98 - 0.88 * math.exp(-step / scale), 0.004))
                    for step in range(0, 6001, 100)] for name, scale in curves.items()}
    steps = {name: noise.around(mean, 120) for name, mean in (("none", 2350), ("batch", 1150))}
    ratio = [one / other for one, other in zip(steps["none"], steps["batch"])]
    return claim(
        "faster-training", "BN makes training 5 to 10 times faster", "holds in part",
        "At its own best learning rate BN needs 2.0 times fewer steps to 97 %, not 5 to 10.",
        sources=sources("transforms", "glossary"),
        checks=[check("BN reaches 97 % in fewer steps", "the interval of the ratio lies above 1", "yes", ratio),
                check("BN is at least 5 times as fast", "the interval of the ratio lies above 5", "no", ratio)],
        numbers=[number("steps to 97 %, none", steps["none"], 2350),
                 number("steps to 97 %, batch", steps["batch"], 900),
                 number("test accuracy, batch", noise.share(0.976, 0.001), 0.975, 0.977),
                 number("ratio of steps", ratio, 2, 2.2)],
        figures=[figure("Test accuracy by step, each at its best learning rate", "step", "test accuracy", lines)],
        notes=["The earlier figure for batch, 900, was of one seed & of a grid of learning rates half as fine."])


def learning_rates(noise):
    rates = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100]

    def line(last):
        return [point(rate, noise.share(0.97 - 0.02 * abs(math.log10(rate / last)), 0.004) if rate < last else
                      ([None, 0.31, 0.09, None, 0.11] if rate < 3 * last else [None] * 5)) for rate in rates]

    return claim(
        "higher-learning-rates", "BN allows higher learning rates", "holds",
        "The highest learning rate that still trains is 10 times higher with BN.",
        checks=[check("the last good learning rate is higher", "the interval of the ratio lies above 3", "yes",
                      [10.0] * 5)],
        numbers=[number("last good learning rate, none", [0.3] * 5, 0.3),
                 number("last good learning rate, batch", [3, 3, 3, 1, 3], 3)],
        figures=[figure("Accuracy after 6000 steps by learning rate, ReLU", "learning rate", "test accuracy",
                        {"none": line(0.5), "batch": line(5), "layer": line(2)}, log_x=True),
                 figure("The same, sigmoid", "learning rate", "test accuracy",
                        {"none": line(5), "batch": line(50)}, log_x=True)])


def batch_sizes(noise):
    sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256]
    names = ["none", "batch", "layer", "group", "instance", "rms", "renorm", "weight", "bln", "full", "noisy"]

    def line(index, name):
        loss = 0.6 if name in ("batch", "noisy") else 0
        return [point(size, [None] * 5 if loss and size == 1 else
                      noise.share(0.965 - 0.004 * index - loss / size ** 2, 0.005)) for size in sizes]

    return claim(
        "small-batches", "BN fails with small batches", "holds in part",
        "BN collapses at a batch of 2 and loses 2.1 points at 4; from 8 on it is the best of the family.",
        sources=sources("transforms", "glossary", "faster"),
        checks=[check("BN is worse than layer normalization at a batch of 2",
                      "the interval of the difference lies above 0.01", "yes", noise.around(0.41, 0.02)),
                check("BN is worse than layer normalization at a batch of 8",
                      "the interval of the difference lies above 0.01", "unclear", noise.around(0.01, 0.004))],
        numbers=[number(f"accuracy, {name}, batch of 2", noise.share(0.9 - 0.03 * index, 0.004), 0.42 + 0.05 * index)
                 for index, name in enumerate(names[:7])],
        figures=[figure("Test accuracy after one epoch by batch size", "batch size", "test accuracy (%)",
                        {name: line(index, name) for index, name in enumerate(names)}, log_x=True)])


def deep(noise):
    depths = [10, 20, 50, 100]
    norms = {name: [point(depth, [10 ** value for value in noise.around(rate * depth, 0.1)]) for depth in depths]
             for name, rate in (("none", 0.003), ("batch", 0.083), ("batch, residual", 0.004))}
    places = ["plain, He", "plain, s = 0.05", "residual, before activation", "residual, after activation"]
    bars = {name: [point(index, noise.share(0.95 - shift * (index < 2), 0.02)) for index in range(4)]
            for name, shift in (("none", 0.7), ("batch", 0.3), ("layer", 0.2))}
    bars["batch"][1] = point(1, [None] * 5)
    return claim(
        "very-deep", "BN makes networks of over 100 layers trainable", "does not hold",
        "Plain networks of 100 layers stay at chance with BN; it is the shortcut that trains them.",
        sources=sources("faster"),
        checks=[check("BN trains 100 plain layers", "the interval lies above 0.5", "no", noise.around(0.11, 0.004))],
        numbers=[number("norm ratio, batch, 100 layers", [10 ** value for value in noise.around(8.3, 0.1)], 2e8),
                 number("norm ratio, none, 100 layers", noise.around(2, 0.1), 2)],
        figures=[figure("Gradient of the first layer over that of the last", "depth (layers)", "ratio of norms", norms,
                        log_y=True),
                 figure("Accuracy of 50 layers", "network", "test accuracy", bars, categories=places)])


def little_data(noise):
    names = ["none", "batch", "dropout", "both"]
    bars = {"accuracy": [point(index, noise.share(0.924 + 0.004 * index, 0.002)) for index in range(4)]}
    losses = {name: [point(epoch, [max(value, 1e-4) for value in noise.around(2 * 0.93 ** epoch + 0.01 * index, 0.01)])
                     for epoch in range(1, 101)] for index, name in enumerate(names)}
    return claim(
        "regularizes", "BN is a mild regularizer", "not shown", "BN gains 0.4 points, within what seeds differ by.",
        sources=sources("dropout"), checks=[check("BN generalizes better", "the interval of the difference lies above 0",
                                            "unclear", noise.around(0.001, 0.002))],
        numbers=[number("test accuracy, dropout (1 of 5 diverged)", noise.share(0.936, 0.002), 0.936),
                 number("µs a step", [812.0, None, 822.5, 820.0, 815.25])],
        figures=[figure("2000 images, 100 epochs", "", "test accuracy (%)", bars, categories=names),
                 figure("Training loss", "epoch", "loss", losses, log_y=True),
                 figure("Percentiles of the pre-activations", "step", "pre-activation",
                        {f"{percent} %": [point(step, noise.around(shift * (1 + step / 50000), 0.1))
                                          for step in range(0, 50001, 2500)]
                         for percent, shift in ((15, -3), (50, -0.5), (85, 2))})])


def exact():
    return claim(
        "zero-mean", "BN makes zero mean and unit variance", "holds",
        "The mean is 0 and the variance 1 to 2.4e-07.", sources=sources("glossary"), seconds=0.02,
        checks=[{"statement": "|mean| is tiny", "rule": "every value is at most 1e-06", "outcome": "yes",
                 "mean": 2.4e-7, "low": 2.4e-7, "high": 2.4e-7}],
        numbers=[number("largest |mean|", [2.4e-7])])


def unfinished():
    made = claim("recurrent", "BN is worse in recurrent networks", "", "", sources=sources("glossary", quote=""), complete=False,
                 failed="out of memory")
    return {key: value for key, value in made.items()
            if key not in ("seconds", "verdict", "sentence", "checks", "numbers", "figures", "notes")}


def pytorch():
    """What study_pytorch.py would have found for one of the claims, and for one that is not finished."""
    numbers = [{"label": "test accuracy, dropout", "values": [0.9351, 0.9362]},
               {"label": "test accuracy, <random> images", "values": [0.945, None]},
               {"label": "µs a step", "values": [1234.5, 1300.25]}]
    return {"pytorch": "1.13.1", "data": copy.deepcopy(DATA), "steps": None,
            "claims": {"regularizes": numbers, "recurrent": numbers[:1]}}


def study():
    noise = Noise(7)
    return {"program": "keel-study", "version": "0.1.0", "compiler": "GCC 12.2.0", "isa": "x86-64-v4", "length": "full",
            "seeds": SEEDS, "jobs": 2, "command": "build/bin/keel-study --full --all --jobs 2 --out /home/me/study",
            "data": {"name": "mnist", **DATA},
            "machine": {"processor": "Example CPU @ 2.50GHz", "cores": 2, "load_at_start": 0.125, "system": "Linux 6.1"},
            "started": "2026-03-01T12:34:56Z", "seconds": 10234.5, "wall_seconds": 5400.0, "commits": {"0123abc": 1451}, "articles": ARTICLES,
            "claims": [speed(noise), learning_rates(noise), batch_sizes(noise), deep(noise), little_data(noise),
                       exact(), unfinished()]}


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    (Path(sys.argv[1]) / "study.json").write_text(json.dumps(study()))
