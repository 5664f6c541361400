"""The pieces of work that bench/compare_pytorch.py measures, in PyTorch. Names are those of keel-bench's benchmarks."""

import gzip

import numpy as np
import torch
from torch import nn


def set_threads(threads):
    torch.set_num_threads(threads)
    torch.manual_seed(1)


def describe():
    parallel = {key.strip(): value.strip() for key, _, value in
                (line.partition(":") for line in torch.__config__.parallel_info().splitlines())}
    show = torch.__config__.show()
    capability = [line.split(":")[1].strip() for line in show.splitlines() if "CPU capability usage" in line]
    dnn = [line.strip(" -") for line in show.splitlines() if "MKL-DNN" in line]
    return {"torch": torch.__version__, "threads": torch.get_num_threads(), "capability": "".join(capability),
            "onednn": "".join(dnn), "hardware_concurrency": parallel.get("std::thread::hardware_concurrency()", "")}


def read_idx(directory, pattern):
    """The elements of a file in MNIST's format, plain or gzipped."""
    path = next(iter([*directory.glob(pattern), *directory.glob(pattern + ".gz")]))
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return np.frombuffer(bytearray(data), np.uint8, offset=4 + 4 * data[3])


class Images:
    """The training set in memory, as floats and as bytes."""

    def __init__(self, directory):
        self.bytes = torch.from_numpy(read_idx(directory, "train-images*idx3-ubyte")).reshape(-1, 1, 28, 28)
        self.labels = torch.from_numpy(read_idx(directory, "train-labels*idx1-ubyte")).long()
        self._floats = None

    @property
    def floats(self):
        if self._floats is None:
            self._floats = self.bytes.float().div_(255)
        return self._floats


class Batches:
    """Gathers shuffled batches, an epoch after the other."""

    def __init__(self, images, size, gather, channels_last):
        self.source = images.floats if gather == "float" else images.bytes
        self.images, self.size, self.gather, self.channels_last = images, size, gather, channels_last
        self.order, self.position = torch.randperm(len(images.labels)), 0

    def next(self):
        if self.position + self.size > len(self.order):
            self.order, self.position = torch.randperm(len(self.order)), 0
        indices = self.order[self.position:self.position + self.size]
        self.position += self.size
        inputs = self.source.index_select(0, indices)
        if self.gather == "uint8":
            inputs = inputs.float().div_(255)
        if self.channels_last:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        return inputs, self.images.labels.index_select(0, indices)


def mlp(batch_norm):
    layers = [nn.Flatten(), nn.Linear(784, 128), nn.ReLU()]
    if batch_norm:
        layers.append(nn.BatchNorm1d(128))
    return nn.Sequential(*layers, nn.Linear(128, 10))


def cnn(batch_norm):
    layers, channels = [], 1
    for filters in (32, 64):
        for _ in range(2):
            layers.append(nn.Conv2d(channels, filters, 3, padding=1))
            if batch_norm:
                layers.append(nn.BatchNorm2d(filters))
            layers.append(nn.ReLU(inplace=True))
            channels = filters
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(7 * 7 * 64, 128), nn.ReLU(inplace=True), nn.Linear(128, 10))


class Trainer:
    """A model, its optimiser and its batches; calling it is one training step, with loss and accuracy counted."""

    def __init__(self, model, batch_norm, batch, images, variant):
        channels_last = variant.get("layout") == "channels_last"
        self.model = {"mlp": mlp, "cnn": cnn}[model](batch_norm)
        if channels_last:
            self.model = self.model.to(memory_format=torch.channels_last)
        self.adam = torch.optim.Adam(self.model.parameters(), lr=1e-3, **adam_options(variant))
        self.batches = Batches(images, batch, variant["gather"], channels_last)
        self.loss_sum = self.correct = self.examples = 0

    def __call__(self):
        inputs, labels = self.batches.next()
        logits = self.model(inputs)
        loss = nn.functional.cross_entropy(logits, labels)
        value = loss.item()
        self.adam.zero_grad(set_to_none=True)
        loss.backward()
        self.adam.step()
        self.loss_sum += value * len(labels)
        self.correct += (logits.detach().argmax(1) == labels).sum().item()
        self.examples += len(labels)


def adam_options(variant):
    # Versions before 1.12 have no foreach.
    return {"foreach": True} if variant["adam"] == "foreach" else {}


def adam_variants():
    parameter = [nn.Parameter(torch.zeros(1))]
    try:
        torch.optim.Adam(parameter, foreach=True)
    except TypeError:
        return ["default"]
    return ["foreach", "default"]


def variants(name):
    """For each choice there is, its values."""
    kind, *rest = name.split("/")
    if kind == "step":
        axes = {"adam": adam_variants(), "gather": ["float", "uint8"]}
        return axes | ({"layout": ["channels_last", "contiguous"]} if rest[0] == "cnn" else {})
    raise ValueError(f"{name}: not known to pytorch_work.py")


def make(name, images, variant):
    """What to call to do the work once."""
    kind, *rest = name.split("/")
    if kind == "step":
        model, norm, batch = rest
        return Trainer(model, norm == "bn", int(batch.split(":")[1]), images, variant)
    raise ValueError(f"{name}: not known to pytorch_work.py")


def in_words(variant):
    words = {("adam", "foreach"): "foreach Adam", ("adam", "default"): "", ("gather", "float"): "float images",
             ("gather", "uint8"): "byte images"}
    return ", ".join(filter(None, (words.get(choice, choice[1]) for choice in variant.items())))
