#!/usr/bin/env python3
"""Trains some settings of keel-study with PyTorch, to tell which of two measurements that differ is right.

Each NAME is a claim with numbers that were not what was expected of them. Its arms are trained in the study's setting,
where lines are named as the claim's numbers, and in variants of it; a line has the values of all seeds. Needs PyTorch.

--out DIR, the directory of a study, keeps them in DIR/pytorch.json, where study_report.py finds them for its pages.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path

try:
    import torch
    from torch import nn
    from torch.nn import functional
except ModuleNotFoundError as missing:
    sys.exit(f"error: expected a Python that has PyTorch, found {sys.executable} without {missing.name}")

sys.dont_write_bytecode = True

from study.pytorch_networks import (LayerNormLSTM, Mnist, Residual, Rows, batches, evaluate, look, network, train)


class Runs:
    """The settings, a method each; `steps` of them at most."""

    def __init__(self, mnist, seeds, steps):
        self.mnist, self.seeds, self.steps = mnist, seeds, steps
        self.claim, self.found = None, []

    def say(self, label, one):
        found = []
        for seed in range(1, self.seeds + 1):
            torch.manual_seed(seed)
            found.append(one(seed))
        print(f"{self.claim}, {label}: {' '.join(f'{value:.4f}' for value in found)}", flush=True)
        self.found.append({"label": label, "values": found})

    def of(self, claim):
        """What is found for a claim."""
        self.claim, self.found = claim, []
        CLAIMS[claim](self)
        return self.found

    def accuracy(self, model, rate, size, steps, seed, data=None, test=None):
        x, y = data or (self.mnist.x, self.mnist.y)
        train(model, torch.optim.SGD(model.parameters(), rate), x, y, size, min(steps, self.steps), seed)
        return evaluate(model, *(test or (self.mnist.test_x, self.mnist.test_y)))[0]

    def regularization(self):
        for words, is_first in (("", True), (", random images", False)):
            for name, norm, dropout in (("none", None, 0), ("batch", nn.BatchNorm1d, 0), ("dropout", None, 0.5)):
                def one(seed, norm=norm, dropout=dropout, is_first=is_first):
                    picked = torch.arange(2000) if is_first else torch.randperm(len(self.mnist.x))[:2000]
                    model = network([512, 512], nn.ReLU, norm, dropout=dropout)
                    return self.accuracy(model, 0.1, 60, 3300, seed, (self.mnist.x[picked], self.mnist.y[picked]))
                self.say(f"test accuracy, {name}{words}", one)

    def keras_example(self):
        mnist, kept = self.mnist, 48000
        for words, data, held_out in (
                ("", (mnist.x, mnist.y), (mnist.test_x, mnist.test_y)),
                (", 48,000 images", (mnist.x[:kept], mnist.y[:kept]),
                 (mnist.x[kept:], mnist.y[kept:]))):
            for name, norm in (("none", None), ("BN", lambda units: nn.BatchNorm1d(units, 1e-3, 0.01))):
                def losses(seed, norm=norm, data=data, held_out=held_out):
                    model = network([128], nn.ReLU, norm, norm_after=True)
                    for layer in model:
                        if isinstance(layer, nn.Linear):
                            nn.init.xavier_uniform_(layer.weight)
                    adam, epoch_steps = torch.optim.Adam(model.parameters(), 1e-3), len(data[0]) // 32
                    found = []
                    for epoch in range(10):
                        train(model, adam, *data, 32, min(epoch_steps, self.steps), 100 * seed + epoch)
                        found.append(evaluate(model, *held_out)[1])
                    return found
                known = {}
                for which, pick in (("held-out loss after the first epoch", lambda found: found[0]),
                                    ("best held-out loss", min)):
                    def one(seed, pick=pick, losses=losses, known=known):
                        if seed not in known:
                            known[seed] = losses(seed)
                        return pick(known[seed])
                    self.say(f"{which}, {name}{words}", one)

    def paper_mnist(self):
        mnist = self.mnist
        for words, change in (("", lambda x: x), (", black and white pixels", lambda x: (x > 0.5).float())):
            for name, norm in (("none", None), ("BN", nn.BatchNorm1d)):
                self.say(f"rate 0.1: accuracy at the end, {name}{words}", lambda seed, norm=norm, change=change:
                         self.accuracy(network([100] * 3, nn.Sigmoid, norm, deviation=0.05), 0.1, 60, 50000, seed,
                                       (change(mnist.x), mnist.y), (change(mnist.test_x), mnist.test_y)))

    def bn_helps_rnns(self):
        def train_rows(make, noise, size, seed):
            model = Rows(make(), noise)
            parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
            train(model, torch.optim.RMSprop(parameters, 1e-3, momentum=0.9), self.mnist.x, self.mnist.y, size,
                  min(2400, self.steps), seed, clip=1)
            return evaluate(model, self.mnist.test_x[:5000], self.mnist.test_y[:5000])[0]
        for name, make, noises in (("none", lambda: nn.LSTM(28, 100, batch_first=True), (0.1, 0)),
                                   ("layer", lambda: LayerNormLSTM(28, 100), (0.1,))):
            for noise in noises:
                for size in (100, 4):
                    self.say(f"accuracy, {name}, batches of {size}" + ("" if noise else ", first state 0"),
                             lambda seed, make=make, noise=noise, size=size: train_rows(make, noise, size, seed))

    def small_batches(self):
        for groups in (25, 10, 4):
            for size in (8, 16):
                self.say(f"accuracy, group m {size}" + ("" if groups == 25 else f", {groups} groups"),
                         lambda seed, groups=groups, size=size: self.accuracy(
                             network([100] * 3, nn.ReLU, lambda units: nn.GroupNorm(groups, units)), 0.1 * size / 64,
                             size, 60000 // size, seed))

    def very_deep_networks(self):
        for last_norm in (True, False):
            self.say("accuracy, 100 residual blocks, rate 0.1, BN" + ("" if last_norm else ", none behind the last"),
                     lambda seed, last_norm=last_norm: self.accuracy(Residual(100, last_norm), 0.1, 60, 1000, seed))

    def calibrated_averages(self):
        for momentum in (0.001, 0.01, 0.1):
            self.say(f"accuracy, momentum {momentum}", lambda seed, momentum=momentum:
                     self.accuracy(network([100] * 3, nn.ReLU, lambda units: nn.BatchNorm1d(units, 1e-5, momentum)),
                                   0.1, 60, 100, seed))

    def step_microseconds(self, models, seed):
        """Of a training step of each, medians of repetitions in which all take their turn."""
        x, y = self.mnist.x, self.mnist.y
        optimizers = {name: torch.optim.SGD(model.parameters(), 0.1) for name, model in models.items()}
        steps, taken = min(50, self.steps), {name: [] for name in models}
        for repetition in range(26):
            for name, model in models.items():
                start = time.process_time()
                train(model, optimizers[name], x, y, 60, steps, seed)
                if repetition:  # the first warms up
                    taken[name].append(1e6 * (time.process_time() - start) / steps)
        return {name: statistics.median(values) for name, values in taken.items()}

    def say_times(self, words, scale, make):
        """One number for each of the models, of which each seed has its own."""
        known = {}

        def one(seed, name):
            if seed not in known:
                known[seed] = self.step_microseconds(make(), seed)
            return scale * known[seed][name]
        for name in make():
            self.say(words.format(name), lambda seed, name=name: one(seed, name))

    def overhead(self):
        for width in (100, 512):
            self.say_times(f"microseconds for a step of training, width {width}, {{}}", 1, lambda width=width: {
                name: network([width] * 3, nn.ReLU, norm) for name, norm in (("none", None), ("BN", nn.BatchNorm1d))})

    def dropout_slows_training(self):
        self.say_times("seconds for 10 epochs, {}", 1e-6 * 10000, lambda: {
            name: network([512] * 2, nn.ReLU, norm, dropout=dropout)
            for name, norm, dropout in (("none", None, 0), ("BN", nn.BatchNorm1d, 0), ("dropout", None, 0.5))})

    def consistent_inference(self):
        def one(seed, size):
            model = network([100] * 3, nn.ReLU, nn.BatchNorm1d)
            averaged = self.accuracy(model, 0.1, 60, 3000, seed)
            if size == 0:
                return averaged
            with torch.no_grad():  # in training mode
                right = [(model(x).argmax(1) == y).sum().item() for x, y in
                         zip(self.mnist.test_x.split(size), self.mnist.test_y.split(size)) if len(x) == size]
            return sum(right) / (size * len(right))
        for size in (0, 2, 16, 256):
            self.say(f"accuracy with batch statistics, {size}" if size else "accuracy with running averages",
                     lambda seed, size=size: one(seed, size))

    def smooths_the_loss(self):
        for name, norm, rate in (("none", None, 0.1), ("BN", nn.BatchNorm1d, 0.1), ("none", None, 0.5),
                                 ("BN", nn.BatchNorm1d, 0.5)):
            known = {}

            def looks(seed, norm=norm, rate=rate):
                model = network([100] * 3, nn.ReLU, norm)
                sgd = torch.optim.SGD(model.parameters(), rate)
                found = []
                for step, indices in enumerate(batches(len(self.mnist.x), 60, min(1000, self.steps), seed)):
                    x, y = self.mnist.x[indices], self.mnist.y[indices]
                    if step % 20 == 0:
                        found.append(look(model, x, y))
                    sgd.zero_grad()
                    functional.cross_entropy(model(x), y).backward()
                    sgd.step()
                return torch.tensor(found)
            for column, quantity in enumerate(("range of the loss along the gradient",
                                                "largest change of the gradient (predictiveness)",
                                                "effective smoothness")):
                for kind, reduce in (("mean", torch.mean), ("median", torch.median)):
                    def one(seed, column=column, reduce=reduce, known=known, looks=looks):
                        if seed not in known:
                            known[seed] = looks(seed)
                        return reduce(known[seed][:, column]).item()
                    self.say(f"relu, rate {rate}: {quantity}, {name}" + ("" if kind == "mean" else ", medians"), one)


CLAIMS = {"regularization": Runs.regularization, "keras-example": Runs.keras_example, "paper-mnist": Runs.paper_mnist,
          "bn-helps-rnns": Runs.bn_helps_rnns, "small-batches": Runs.small_batches,
          "very-deep-networks": Runs.very_deep_networks, "overhead": Runs.overhead,
          "dropout-slows-training": Runs.dropout_slows_training, "calibrated-averages": Runs.calibrated_averages,
          "consistent-inference": Runs.consistent_inference, "smooths-the-loss": Runs.smooths_the_loss}
SHARED = {"bn-helps-rnns": "layer-norm-for-rnns"}  # a claim of the same numbers


def kept(path):
    """What is in the file already, by claim."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version, claims = content["pytorch"], content["claims"]
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.exit(f"error: {path}: expected what an earlier call wrote, found: {error!r}")
    if version != torch.__version__:
        sys.exit(f"error: {path}: expected what PyTorch {torch.__version__} found, found that of {version}: remove it, or "
                 "name another directory")
    return claims


def keep(path, claims):
    """All at once."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_text(json.dumps({"pytorch": torch.__version__, "claims": claims}, indent=1) + "\n", encoding="utf-8")
    os.replace(unfinished, path)


def main(arguments=None):
    claims = list(CLAIMS)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", metavar="NAME", nargs="+", choices=[*claims, "all"], help=", ".join(claims) + ", or all")
    parser.add_argument("--data", metavar="DIR", type=Path, default=os.environ.get("KEEL_MNIST_DIR", "data/mnist"),
                        help="the four files of MNIST, as they are or with .gz (default: KEEL_MNIST_DIR)")
    parser.add_argument("--seeds", metavar="K", type=int, default=3, help="1 to K (default: 3)")
    parser.add_argument("--steps", metavar="N", type=int, default=sys.maxsize, help="at most (default: the study's)")
    parser.add_argument("--out", metavar="DIR", type=Path, help="keep what is found in DIR/pytorch.json, with what "
                        "is there of other claims")
    options = parser.parse_args(arguments)
    if options.out and not options.out.is_dir():
        parser.error(f"--out: expected a directory, found {options.out}")
    torch.set_num_threads(1)
    if options.out:
        kept(options.out / "pytorch.json")  # before anything is trained
    runs = Runs(Mnist(Path(options.data)), options.seeds, options.steps)
    for claim in claims if "all" in options.names else options.names:
        found = runs.of(claim)
        if options.out:
            path = options.out / "pytorch.json"
            keep(path, {**kept(path), claim: found, **({SHARED[claim]: found} if claim in SHARED else {})})


if __name__ == "__main__":
    main()
