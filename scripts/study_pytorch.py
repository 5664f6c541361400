#!/usr/bin/env python3
"""Trains some settings of keel-study with PyTorch, to tell which of two measurements that differ is right.

Each NAME is a claim with numbers that were not what was expected of them. Its arms are trained in the study's setting,
where lines are named as the claim's numbers, and in variants of it; a line has the values of all seeds. Needs PyTorch.

--out DIR, the directory of a full study, keeps them in DIR/pytorch.json, where study_report.py finds them for its pages.
"""

from __future__ import annotations

import argparse
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

from study.pytorch_file import PyTorchFile, PyTorchFileError, said
from study.pytorch_networks import (LayerNormLSTM, Mnist, OtherWork, Residual, Rows, accuracy_of, batches, evaluate, known,
                                    look, network, train)


class Runs:
    """The settings, a method for each claim; `steps` of them at most."""

    def __init__(self, mnist, seeds, steps):
        self.mnist, self.seeds, self.steps = mnist, seeds, steps
        self.claim, self.found = None, []

    def of(self, claim):
        """What is found for a claim."""
        self.claim, self.found = claim, []
        CLAIMS[claim](self)
        return self.found

    def measure(self, one):
        """one(seed) gives numbers by their labels."""
        by_seed = []
        for seed in range(1, self.seeds + 1):
            torch.manual_seed(seed)
            by_seed.append(one(seed))
        for label in by_seed[0]:
            number = {"label": label, "values": [found[label] for found in by_seed]}
            print(f"{self.claim}, {said(number)}", flush=True)
            self.found.append(number)

    def accuracy(self, label, make, rate, size, steps, data=None, test=None):
        """Of a network that SGD trains, by seed. make() gives it, data(seed) what it is trained on."""
        def one(seed):
            x, y = data(seed) if data else (self.mnist.x, self.mnist.y)
            model = make()
            train(model, torch.optim.SGD(model.parameters(), rate), x, y, size, min(steps, self.steps), seed)
            return {label: evaluate(model, *(test or (self.mnist.test_x, self.mnist.test_y)))[0]}
        self.measure(one)

    def regularization(self):
        def images(is_first):
            picked = torch.arange(2000) if is_first else torch.randperm(len(self.mnist.x))[:2000]
            return self.mnist.x[picked], self.mnist.y[picked]
        for words, is_first in (("", True), (", random images", False)):
            for name, norm, dropout in (("none", None, 0), ("batch", nn.BatchNorm1d, 0), ("dropout", None, 0.5),
                                        ("batch+dropout", nn.BatchNorm1d, 0.5), ("layer", nn.LayerNorm, 0)):
                self.accuracy(f"test accuracy, {name}{words}",
                              lambda norm=norm, dropout=dropout: network([512] * 2, nn.ReLU, norm, dropout=dropout),
                              0.1, 60, 3300, lambda seed, is_first=is_first: images(is_first))

    def keras_example(self):
        mnist, kept = self.mnist, 48000
        for words, data, held_out in (
                ("", (mnist.x, mnist.y), (mnist.test_x, mnist.test_y)),
                (", 48,000 images", (mnist.x[:kept], mnist.y[:kept]), (mnist.x[kept:], mnist.y[kept:]))):
            for name, norm in (("none", None), ("BN", lambda units: nn.BatchNorm1d(units, 1e-3, 0.01))):
                def one(seed, name=name + words, norm=norm, data=data, held_out=held_out):
                    model = network([128], nn.ReLU, norm, norm_after=True)
                    for layer in model:
                        if isinstance(layer, nn.Linear):
                            nn.init.xavier_uniform_(layer.weight)
                    adam, steps = torch.optim.Adam(model.parameters(), 1e-3), min(len(data[0]) // 32, self.steps)
                    losses = []
                    for epoch in range(10):
                        last = train(model, adam, *data, 32, steps, 100 * seed + epoch)
                        losses.append(evaluate(model, *held_out)[1])
                    return {f"held-out loss after the first epoch, {name}": losses[0],
                            f"best held-out loss, {name}": min(filter(None, losses), default=None), f"training loss of the last epoch, {name}": last}
                self.measure(one)

    def paper_mnist(self):
        mnist = self.mnist
        for words, change in (("", lambda x: x), (", black and white pixels", lambda x: (x > 0.5).float())):
            data, test = (change(mnist.x), mnist.y), (change(mnist.test_x), mnist.test_y)
            for rate in (0.1, 0.5, 1):
                for name, norm in (("none", None), ("BN", nn.BatchNorm1d)):
                    self.accuracy(f"rate {rate}: accuracy at the end, {name}{words}",
                                  lambda norm=norm: network([100] * 3, nn.Sigmoid, norm, deviation=0.05),
                                  rate, 60, 50000, lambda seed, data=data: data, test)

    def bn_helps_rnns(self):
        for words, steps, momentum in (("", 2400, 0.9), (", momentum 0", 2400, 0), (", 1,200 steps", 1200, 0.9)):
            for name, make in (("none", lambda: nn.LSTM(28, 100, batch_first=True)),
                               ("layer", lambda: LayerNormLSTM(28, 100))):
                for size in (100, 4):
                    def one(seed, label=f"accuracy, {name}, batches of {size}{words}", make=make, size=size, steps=steps,
                            momentum=momentum):
                        model = Rows(make(), state_noise=0.1)
                        parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
                        train(model, torch.optim.RMSprop(parameters, 1e-3, momentum=momentum), self.mnist.x,
                              self.mnist.y, size, min(steps, self.steps), seed, clip=1)
                        return {label: evaluate(model, self.mnist.test_x[:5000], self.mnist.test_y[:5000])[0]}
                    self.measure(one)

    def small_batches(self):
        for groups in (25, 10, 4):
            for size in (8, 16):
                self.accuracy(f"accuracy, group, batches of {size}" + ("" if groups == 25 else f", {groups} groups"),
                              lambda groups=groups: network([100] * 3, nn.ReLU, lambda units: nn.GroupNorm(groups, units)),
                              0.1 * size / 64, size, 60000 // size)

    def very_deep_networks(self):
        for last_norm in (True, False):
            self.accuracy("accuracy, 100 residual blocks, rate 0.1, BN" + ("" if last_norm else ", none behind the last"),
                          lambda last_norm=last_norm: Residual(100, last_norm), 0.1, 60, 1000)

    def calibrated_averages(self):
        for momentum in (0.001, 0.01, 0.1):
            self.accuracy(f"accuracy, momentum {momentum}", lambda momentum=momentum: network(
                [100] * 3, nn.ReLU, lambda units: nn.BatchNorm1d(units, 1e-5, momentum)), 0.1, 60, 100)

    def step_microseconds(self, models, seed):
        """Of a training step of each, medians of repetitions in which all take their turn; and what others did."""
        x, y, steps, repetitions = self.mnist.x, self.mnist.y, min(50, self.steps), 26
        arms = [(name, model, torch.optim.SGD(model.parameters(), 0.1), batches(len(x), 60, steps * repetitions, seed))
                for name, model in models.items()]
        taken, others = {name: [] for name in models}, OtherWork()
        for repetition in range(repetitions):
            for name, model, optimizer, order in arms:
                start = time.process_time()
                for _ in range(steps):
                    indices = next(order)
                    optimizer.zero_grad()
                    functional.cross_entropy(model(x[indices]), y[indices]).backward()
                    optimizer.step()
                if repetition:  # the first warms up
                    taken[name].append(1e6 * (time.process_time() - start) / steps)
            arms.reverse()  # so that none is always the one behind another
        return {name: statistics.median(values) for name, values in taken.items()}, others.processors()

    def overhead(self):
        for width in (100, 512):
            def one(seed, width=width):
                times, others = self.step_microseconds({"none": network([width] * 3, nn.ReLU),
                                                        "BN": network([width] * 3, nn.ReLU, nn.BatchNorm1d)}, seed)
                return {**{f"microseconds for a step of training, width {width}, {name}": value
                           for name, value in times.items()},
                        f"time of a step, width {width}, BN over none": times["BN"] / times["none"],
                        f"processors that others kept busy, width {width}": others}
            self.measure(one)

    def dropout_slows_training(self):
        def one(seed):
            times, others = self.step_microseconds({"none": network([512] * 2, nn.ReLU),
                                                    "BN": network([512] * 2, nn.ReLU, nn.BatchNorm1d),
                                                    "dropout": network([512] * 2, nn.ReLU, dropout=0.5)}, seed)
            return {**{f"seconds for 10 epochs, {name}": 1e-6 * 10000 * value for name, value in times.items()},
                    "processors that others kept busy": others}
        self.measure(one)

    def consistent_inference(self):
        test_x, test_y = self.mnist.test_x, self.mnist.test_y
        every = ("", len(test_x))
        for words, batch, steps, parts in (
                ("", 60, 3000, (every,)),
                (", one epoch, batches of 64", 64, len(self.mnist.x) // 64, (every, (", first 5,000 test images", 5000)))):
            def one(seed, words=words, batch=batch, steps=steps, parts=parts):
                model = network([100] * 3, nn.ReLU, nn.BatchNorm1d)
                train(model, torch.optim.SGD(model.parameters(), 0.1), self.mnist.x, self.mnist.y, batch,
                      min(steps, self.steps), seed)
                found = {f"accuracy with running averages{words}": evaluate(model, test_x, test_y)[0]}
                for part, images in parts:
                    count = min(images, len(test_x))
                    for size in (2, 16, 256):
                        with torch.no_grad():  # in training mode
                            seen = [(model(test_x[indices]), test_y[indices])
                                    for indices in batches(count, min(size, count), count // size or 1, seed)]
                        label = f"accuracy with batch statistics, {size}{words}{part}"
                        found[label] = accuracy_of(*map(torch.cat, zip(*seen)))
                return found
            self.measure(one)

    def smooths_the_loss(self):
        x, y = self.mnist.x, self.mnist.y
        for rate in (0.1, 0.5):
            for name, norm in (("none", None), ("BN", nn.BatchNorm1d)):
                def one(seed, name=name, norm=norm, rate=rate):
                    model, looks = network([100] * 3, nn.ReLU, norm), []
                    sgd = torch.optim.SGD(model.parameters(), rate)
                    for step, indices in enumerate(batches(len(x), 60, min(1000, self.steps), seed)):
                        if step % 20 == 0:
                            looks.append(look(model, x[indices], y[indices]))
                        sgd.zero_grad()
                        functional.cross_entropy(model(x[indices]), y[indices]).backward()
                        sgd.step()
                    return {f"relu, rate {rate}: {quantity}, {name}{words}": known(reduce(values))
                            for quantity, values in zip(("range of the loss along the gradient",
                                                         "largest change of the gradient (predictiveness)",
                                                         "effective smoothness"), zip(*looks))
                            for words, reduce in (("", statistics.fmean), (", medians", statistics.median))}
                self.measure(one)


CLAIMS = {"regularization": Runs.regularization, "keras-example": Runs.keras_example, "paper-mnist": Runs.paper_mnist,
          "bn-helps-rnns": Runs.bn_helps_rnns, "layer-norm-for-rnns": Runs.bn_helps_rnns,
          "small-batches": Runs.small_batches, "very-deep-networks": Runs.very_deep_networks, "overhead": Runs.overhead,
          "dropout-slows-training": Runs.dropout_slows_training, "calibrated-averages": Runs.calibrated_averages,
          "consistent-inference": Runs.consistent_inference, "smooths-the-loss": Runs.smooths_the_loss}


def positive(word):
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number, 1 or more, found {word}")
    return int(word)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", metavar="NAME", nargs="+", choices=[*CLAIMS, "all"], help=", ".join(CLAIMS) + ", or all")
    parser.add_argument("--data", metavar="DIR", type=Path, default=os.environ.get("KEEL_MNIST_DIR", "data/mnist"),
                        help="the four files of MNIST, as they are or with .gz (default: KEEL_MNIST_DIR)")
    parser.add_argument("--seeds", metavar="K", type=positive, default=3, help="1 to K (default: 3)")
    parser.add_argument("--steps", metavar="N", type=positive, help="at most, for a look (default: the study's)")
    parser.add_argument("--out", metavar="DIR", type=Path, help="keep what is found in DIR/pytorch.json, with what "
                        "is there of other claims")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    mnist = Mnist(Path(options.data))
    try:
        file = options.out and PyTorchFile(options.out, {"pytorch": torch.__version__, "data": mnist.record(),
                                                         "steps": options.steps})
        runs, done = Runs(mnist, options.seeds, options.steps or sys.maxsize), {}
        for claim in CLAIMS if "all" in options.names else options.names:
            setting = CLAIMS[claim]
            if setting not in done:  # two claims may have the same numbers
                done[setting] = runs.of(claim)
            if file:
                file.add(claim, done[setting])
    except PyTorchFileError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
