"""Networks and data of the study's settings for PyTorch, and how they are trained and looked at."""

from __future__ import annotations

import gzip
import math
import os
import struct
import sys
import time
import zlib
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

ETAS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5)


class Mnist:
    def __init__(self, directory: Path):
        self.x, self.test_x = (self.read(directory, f"{part}-images-idx3-ubyte").float() / 255
                               for part in ("train", "t10k"))
        self.y, self.test_y = (self.read(directory, f"{part}-labels-idx1-ubyte").long().reshape(-1)
                               for part in ("train", "t10k"))

    def record(self):
        """What the study's record has of its data: checksums of the shape, the pixels, and the labels as numbers."""
        def part(x, y):
            pixels = (255 * x).round().to(torch.uint8).numpy().tobytes()
            checksum = zlib.crc32(f"[{len(x)},28,28,1]/{int(y.max()) + 1}".encode())
            for content in (pixels, y.to(torch.int32).numpy().tobytes()):
                checksum = zlib.crc32(content, checksum)
            return {"examples": len(x), "crc32": f"{checksum:08x}"}
        return {"training": part(self.x, self.y), "test": part(self.test_x, self.test_y)}

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
    """A recurrent network that reads an image row by row; its first state is random in training."""

    def __init__(self, recurrent, state_noise):
        super().__init__()
        self.recurrent, self.last, self.state_noise = recurrent, nn.Linear(100, 10), state_noise

    def forward(self, x):
        state = torch.zeros(1, len(x), 100)
        noise = self.state_noise * torch.randn_like(state) if self.training else state
        return self.last(self.recurrent(x.view(-1, 28, 28), (state + noise, state))[0][:, -1])


class LayerNormLSTM(nn.Module):
    """LN of both products and of the cell in the output; started as nn.LSTM."""

    def __init__(self, features, units):
        super().__init__()
        bound = units ** -0.5
        self.of_input, self.of_state = (nn.Parameter(torch.empty(rows, 4 * units).uniform_(-bound, bound))
                                        for rows in (features, units))
        self.norm_input, self.norm_state, self.norm_cell = (nn.LayerNorm(size) for size in (4 * units, 4 * units, units))
        self.norm_state.bias.requires_grad_(False)  # one is enough
        nn.init.uniform_(self.norm_input.bias, -bound, bound)

    def forward(self, x, state):
        (h, c), outputs = (part[0] for part in state), []
        inputs = self.norm_input(x @ self.of_input)
        for step in inputs.unbind(1):
            i, f, g, o = (step + self.norm_state(h @ self.of_state)).chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * self.norm_cell(c).tanh()
            outputs.append(h)
        return torch.stack(outputs, 1), (h, c)


def batches(count, size, steps, seed):
    """Of indices, in another order in each epoch; what is left of one is dropped."""
    generator, order, begin = torch.Generator().manual_seed(seed), None, count
    for _ in range(steps):
        if begin + size > count:
            order, begin = torch.randperm(count, generator=generator), 0
        yield order[begin:begin + size]
        begin += size


def known(value):
    """None if it is not finite."""
    return value if math.isfinite(value) else None


def train(model, optimizer, x, y, size, steps, seed, clip=None):
    """The mean of the batches' losses."""
    total = torch.zeros(())
    for indices in batches(len(x), size, steps, seed):
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(x[indices]), y[indices])
        loss.backward()
        if clip:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        total += loss.detach()
    return known(total.item() / steps)


def accuracy_of(logits, y):
    """None of a network that diverged."""
    return (logits.argmax(1) == y).float().mean().item() if logits.isfinite().all() else None


def evaluate(model, x, y):
    """Accuracy and loss."""
    model.eval()
    with torch.no_grad():
        logits = model(x)
    model.train()
    return accuracy_of(logits, y), known(functional.cross_entropy(logits, y).item())


class OtherWork:
    """How many processors have been busy with something else since it was made."""

    def __init__(self):
        self.start = self.now()

    @staticmethod
    def now():
        with open("/proc/stat", encoding="ascii") as file:  # man 5 proc
            user, nice, system, _, _, irq, softirq, stolen = map(int, file.readline().split()[1:9])
        busy = (user + nice + system + irq + softirq + stolen) / os.sysconf("SC_CLK_TCK")
        return time.monotonic(), busy - time.process_time()

    def processors(self):
        passed, others = (end - start for start, end in zip(self.start, self.now()))
        return max(0.0, others / passed)


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
