#!/usr/bin/env python3
"""Trains some settings of keel-study with PyTorch, to tell which of two measurements that differ is right.

Each NAME is a claim with numbers that were not what was expected of them. Its arms are trained in the study's setting
and in variants of it; a line for each has the test accuracies (or what else it names) of all seeds. Needs PyTorch.
"""

from __future__ import annotations

import argparse
import gzip
import os
import struct
import sys
from pathlib import Path

try:
    import torch
    from torch import nn
    from torch.nn import functional
except ModuleNotFoundError as missing:
    sys.exit(f"error: expected a Python that has PyTorch, found {sys.executable} without {missing.name}")

ETAS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5)


class Mnist:
    def __init__(self, directory: Path):
        self.x, self.test_x = (self.read(directory, f"{part}-images-idx3-ubyte").float() / 255
                               for part in ("train", "t10k"))
        self.y, self.test_y = (self.read(directory, f"{part}-labels-idx1-ubyte").long().reshape(-1)
                               for part in ("train", "t10k"))

    @staticmethod
    def read(directory, name):
        """A row an example."""
        for path, opener in ((directory / f"{name}.gz", gzip.open), (directory / name, open)):
            if path.exists():
                with opener(path, "rb") as file:
                    content = file.read()
                rank = content[3]
                count, = struct.unpack(">I", content[4:8])
                return torch.frombuffer(bytearray(content[4 + 4 * rank:]), dtype=torch.uint8).reshape(count, -1)
        sys.exit(f"error: {directory}: expected {name} or {name}.gz, found neither")


def started(layer, deviation=None):
    """With He's normal weights, or those of a deviation, and biases 0."""
    if deviation is None:
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    else:
        nn.init.normal_(layer.weight, 0, deviation)
    nn.init.zeros_(layer.bias)
    return layer


def network(hidden, activation, norm=None, *, norm_after=False, deviation=None, dropout=0):
    layers, inputs = [], 784
    for units in hidden:
        layers.append(started(nn.Linear(inputs, units), deviation))
        block = [activation()]
        if norm:
            block.insert(1 if norm_after else 0, norm(units))
        layers += block + ([nn.Dropout(dropout)] if dropout else [])
        inputs = units
    return nn.Sequential(*layers, started(nn.Linear(inputs, 10), deviation))


class Residual(nn.Module):
    """x + Dense(ReLU(BN(x))), so many times."""

    def __init__(self, blocks, last_norm):
        super().__init__()
        self.first = started(nn.Linear(784, 100))
        self.blocks = nn.ModuleList(nn.Sequential(nn.BatchNorm1d(100), nn.ReLU(), started(nn.Linear(100, 100)))
                                    for _ in range(blocks))
        self.last = nn.Sequential(*([nn.BatchNorm1d(100), nn.ReLU()] if last_norm else []),
                                  started(nn.Linear(100, 10)))

    def forward(self, x):
        x = self.first(x)
        for block in self.blocks:
            x = x + block(x)
        return self.last(x)


class Rows(nn.Module):
    """An LSTM that reads an image row by row; its first state is random in training."""

    def __init__(self, state_noise):
        super().__init__()
        self.lstm, self.last, self.state_noise = nn.LSTM(28, 100, batch_first=True), nn.Linear(100, 10), state_noise

    def forward(self, x):
        state = torch.zeros(1, len(x), 100)
        noise = self.state_noise * torch.randn_like(state) if self.training else state
        return self.last(self.lstm(x.view(-1, 28, 28), (state + noise, state))[0][:, -1])


def batches(count, size, steps, seed):
    """Of indices, in another order in each epoch; what is left of one is dropped."""
    generator, order, begin = torch.Generator().manual_seed(seed), None, count
    for _ in range(steps):
        if begin + size > count:
            order, begin = torch.randperm(count, generator=generator), 0
        yield order[begin:begin + size]
        begin += size


def train(model, optimizer, x, y, size, steps, seed, clip=None):
    for indices in batches(len(x), size, steps, seed):
        optimizer.zero_grad()
        functional.cross_entropy(model(x[indices]), y[indices]).backward()
        if clip:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()


def evaluate(model, x, y):
    model.eval()
    with torch.no_grad():
        logits = model(x)
    model.train()
    return (logits.argmax(1) == y).float().mean().item(), functional.cross_entropy(logits, y).item()


class Runs:
    """The settings, a method each; `steps` of them at most."""

    def __init__(self, mnist, seeds, steps):
        self.mnist, self.seeds, self.steps = mnist, seeds, steps

    def say(self, words, one):
        found = []
        for seed in range(1, self.seeds + 1):
            torch.manual_seed(seed)
            found.append(one(seed))
        print(f"{words}: {' '.join(f'{value:.4f}' for value in found)}", flush=True)

    def accuracy(self, model, rate, size, steps, seed, data=None, test=None):
        x, y = data or (self.mnist.x, self.mnist.y)
        train(model, torch.optim.SGD(model.parameters(), rate), x, y, size, min(steps, self.steps), seed)
        return evaluate(model, *(test or (self.mnist.test_x, self.mnist.test_y)))[0]

    def regularization(self):
        for which in ("the first", "random"):
            for name, norm, dropout in (("none", None, 0), ("batch", nn.BatchNorm1d, 0), ("dropout", None, 0.5)):
                def one(seed, norm=norm, dropout=dropout):
                    picked = torch.arange(2000) if which == "the first" else torch.randperm(len(self.mnist.x))[:2000]
                    model = network([512, 512], nn.ReLU, norm, dropout=dropout)
                    return self.accuracy(model, 0.1, 60, 3300, seed, (self.mnist.x[picked], self.mnist.y[picked]))
                self.say(f"regularization, {name}, {which} 2000 images", one)

    def keras_example(self):
        mnist, kept = self.mnist, 48000
        for words, data, held_out in (
                ("60000 images, the test images held out", (mnist.x, mnist.y), (mnist.test_x, mnist.test_y)),
                ("48000 images, the 12000 others held out", (mnist.x[:kept], mnist.y[:kept]),
                 (mnist.x[kept:], mnist.y[kept:]))):
            for name, norm in (("none", None), ("batch", lambda units: nn.BatchNorm1d(units, 1e-3, 0.01))):
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
                for which, pick in (("first", lambda found: found[0]), ("best", min)):
                    def one(seed, pick=pick, losses=losses, known=known):
                        if seed not in known:
                            known[seed] = losses(seed)
                        return pick(known[seed])
                    self.say(f"keras-example, {name}, {words}, {which} loss", one)

    def paper_mnist(self):
        mnist = self.mnist
        for words, change in (("grey", lambda x: x), ("black or white", lambda x: (x > 0.5).float())):
            for name, norm in (("none", None), ("batch", nn.BatchNorm1d)):
                self.say(f"paper-mnist, {name}, rate 0.1, pixels {words}", lambda seed, norm=norm, change=change:
                         self.accuracy(network([100] * 3, nn.Sigmoid, norm, deviation=0.05), 0.1, 60, 50000, seed,
                                       (change(mnist.x), mnist.y), (change(mnist.test_x), mnist.test_y)))

    def bn_helps_rnns(self):
        for noise in (0.1, 0):
            for size in (100, 4):
                def one(seed, noise=noise, size=size):
                    model = Rows(noise)
                    train(model, torch.optim.RMSprop(model.parameters(), 1e-3, momentum=0.9), self.mnist.x,
                          self.mnist.y, size, min(2400, self.steps), seed, clip=1)
                    return evaluate(model, self.mnist.test_x[:5000], self.mnist.test_y[:5000])[0]
                self.say(f"bn-helps-rnns, none, state noise {noise}, batches of {size}", one)

    def small_batches(self):
        for groups in (25, 10, 4):
            for size in (8, 16):
                self.say(f"small-batches, GN of {groups} groups, batches of {size}",
                         lambda seed, groups=groups, size=size: self.accuracy(
                             network([100] * 3, nn.ReLU, lambda units: nn.GroupNorm(groups, units)), 0.1 * size / 64,
                             size, 60000 // size, seed))

    def very_deep_networks(self):
        for last_norm in (True, False):
            self.say(f"very-deep-networks, 100 residual blocks, BN, {'a' if last_norm else 'no'} norm behind the last",
                     lambda seed, last_norm=last_norm: self.accuracy(Residual(100, last_norm), 0.1, 60, 1000, seed))

    def calibrated_averages(self):
        for momentum in (0.001, 0.01, 0.1):
            self.say(f"calibrated-averages, momentum {momentum}, 100 steps", lambda seed, momentum=momentum:
                     self.accuracy(network([100] * 3, nn.ReLU, lambda units: nn.BatchNorm1d(units, 1e-5, momentum)),
                                   0.1, 60, 100, seed))

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
            self.say("consistent-inference, " + (f"statistics of batches of {size}" if size else "running averages"),
                     lambda seed, size=size: one(seed, size))

    def smooths_the_loss(self):
        for name, norm, rate in (("none", None, 0.1), ("batch", nn.BatchNorm1d, 0.1), ("none", None, 0.5),
                                 ("batch", nn.BatchNorm1d, 0.5)):
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
            for column, quantity in enumerate(("range", "change", "beta")):
                for kind, reduce in (("mean", torch.mean), ("median", torch.median)):
                    def one(seed, column=column, reduce=reduce, known=known, looks=looks):
                        if seed not in known:
                            known[seed] = looks(seed)
                        return reduce(known[seed][:, column]).item()
                    self.say(f"smooths-the-loss, relu, {name}, rate {rate}: {quantity}, {kind} of the looks", one)


def look(model, x, y):
    """Along the gradient of a batch: the loss's range, and the gradient's largest change, also over the distance."""
    parameters = list(model.parameters())

    def gradients():
        model.zero_grad()
        loss = functional.cross_entropy(model(x), y)
        loss.backward()
        return loss.item(), torch.cat([parameter.grad.reshape(-1) for parameter in parameters])
    start = [parameter.detach().clone() for parameter in parameters]
    first = gradients()[1]
    losses, changes = [], []
    for eta in ETAS:
        begin = 0
        with torch.no_grad():
            for parameter, value in zip(parameters, start):
                parameter.copy_(value - eta * first[begin:begin + value.numel()].view_as(value))
                begin += value.numel()
        loss, gradient = gradients()
        losses.append(loss)
        changes.append((gradient - first).norm().item())
    with torch.no_grad():
        for parameter, value in zip(parameters, start):
            parameter.copy_(value)
    return (max(losses) - min(losses), max(changes),
            max(change / (eta * first.norm().item()) for change, eta in zip(changes, ETAS)))


def main(arguments=None):
    names = {name.replace("_", "-"): name for name in vars(Runs)
             if not name.startswith("_") and name not in ("say", "accuracy")}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", metavar="NAME", nargs="+", choices=names, help=", ".join(names))
    parser.add_argument("--data", metavar="DIR", type=Path, default=os.environ.get("KEEL_MNIST_DIR", "data/mnist"),
                        help="the four files of MNIST, as they are or with .gz (default: KEEL_MNIST_DIR)")
    parser.add_argument("--seeds", metavar="K", type=int, default=2, help="1 to K (default: 2)")
    parser.add_argument("--steps", metavar="N", type=int, default=sys.maxsize, help="at most (default: the study's)")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    runs = Runs(Mnist(Path(options.data)), options.seeds, options.steps)
    for name in options.names:
        getattr(runs, names[name])()


if __name__ == "__main__":
    main()
