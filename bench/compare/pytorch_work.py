"""The pieces of work that bench/compare_pytorch.py compares, in PyTorch, each in all ways worth trying."""

import ctypes
import gzip

import numpy as np
import torch
from torch import nn
from torch.nn import functional


def set_threads(threads):
    torch.set_num_threads(threads)
    torch.manual_seed(1)


def describe():
    """What this PyTorch is, for the record."""
    show = torch.__config__.show().splitlines()
    lines = [line.strip(" -") for line in show if "CPU capability usage" in line or "MKL-DNN" in line or "oneDNN" in line]
    return {"version": torch.__version__, "threads": torch.get_num_threads(), "config": lines, "blas": blas_core()}


def blas_core():
    """OpenBLAS's name for the processor whose kernels it runs; empty if BLAS is another library."""
    try:
        name = ctypes.CDLL("libblas.so.3").openblas_get_corename
    except (OSError, AttributeError):
        return ""
    name.restype = ctypes.c_char_p
    return f"OpenBLAS, {name().decode()}"


def read_idx(directory, pattern):
    """The elements of a file in MNIST's format, plain or gzipped."""
    path = sorted([*directory.glob(pattern), *directory.glob(pattern + ".gz")])[0]
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return np.frombuffer(bytearray(data), np.uint8, offset=4 + 4 * data[3])


class Images:
    """The training set in memory, as bytes and, once they are wanted, as floats."""

    def __init__(self, directory):
        self.bytes = torch.from_numpy(read_idx(directory, "train-images?idx3-ubyte")).reshape(-1, 1, 28, 28)
        self.labels = torch.from_numpy(read_idx(directory, "train-labels?idx1-ubyte")).long()
        self._floats = None

    @property
    def floats(self):
        if self._floats is None:
            self._floats = self.bytes.float().div_(255)
        return self._floats


class Batches:
    """Gathers shuffled batches, an epoch after the other."""

    def __init__(self, images, size, gather, layout):
        self.source = images.floats if gather == "float images" else images.bytes
        self.images, self.size, self.gather, self.layout = images, size, gather, layout
        self.order, self.position = torch.randperm(len(images.labels)), 0

    def next(self):
        if self.position + self.size > len(self.order):
            self.order, self.position = torch.randperm(len(self.order)), 0
        indices = self.order[self.position:self.position + self.size]
        self.position += self.size
        inputs = self.source.index_select(0, indices)
        if self.gather == "byte images":
            inputs = inputs.float().div_(255)
        return in_layout(inputs, self.layout), self.images.labels.index_select(0, indices)


def in_layout(images, layout):
    return images.contiguous(memory_format=torch.channels_last) if layout == "channels_last" else images


def mlp(batch_norm):
    norm = [nn.BatchNorm1d(128)] if batch_norm else []
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(inplace=True), *norm, nn.Linear(128, 10))


def cnn(batch_norm):
    layers, channels = [], 1
    for filters in (32, 64):
        for _ in range(2):
            layers.append(nn.Conv2d(channels, filters, 3, padding=1))
            layers += [nn.BatchNorm2d(filters)] if batch_norm else []
            layers.append(nn.ReLU(inplace=True))
            channels = filters
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(7 * 7 * 64, 128), nn.ReLU(inplace=True), nn.Linear(128, 10))


MODELS = {"mlp": mlp, "cnn": cnn}
ADAMS = {"foreach Adam": {"foreach": True}, "Adam": {}}


def make_adam(model, way):
    return torch.optim.Adam(model.parameters(), lr=1e-3, **ADAMS[way])


def adams():
    try:
        make_adam(nn.Linear(1, 1), "foreach Adam")
    except TypeError:  # before PyTorch 1.12
        return ["Adam"]
    return list(ADAMS)


class TrainingStep:
    """Gathers a batch, forward, backward, Adam, and counts loss and accuracy, as Keel's fit() does."""

    def __init__(self, name, images, way):
        _, model, norm, batch = name.split("/")
        layout = way.get("layout", "contiguous")
        self.model = MODELS[model](norm == "bn")
        if layout == "channels_last":
            self.model = self.model.to(memory_format=torch.channels_last)
        self.adam = make_adam(self.model, way["adam"])
        self.batches = Batches(images, int(batch.split(":")[1]), way["images"], layout)
        self.loss_sum = self.correct = self.examples = 0

    def prepare(self):
        pass

    def run(self):
        inputs, labels = self.batches.next()
        logits = self.model(inputs)
        loss = functional.cross_entropy(logits, labels)
        value = loss.item()
        self.adam.zero_grad(set_to_none=True)
        loss.backward()
        self.adam.step()
        self.loss_sum += value * len(labels)
        self.correct += (logits.detach().argmax(1) == labels).sum().item()
        self.examples += len(labels)


class AdamStep:
    def __init__(self, name, way):
        model = MODELS[name.split("/")[2]](True)
        for parameter in model.parameters():
            parameter.grad = torch.rand_like(parameter) * 2 - 1
        self.adam = make_adam(model, way["adam"])

    def prepare(self):
        pass

    def run(self):
        self.adam.step()


class Operation:
    """Forward alone, or backward alone after a forward pass that is not timed."""

    def __init__(self, inputs, forward, backward):
        self.inputs, self.forward, self.backward = inputs, forward, backward
        self.y, self.seed = None, None

    def prepare(self):
        if not self.backward:
            return
        for x in self.inputs:
            x.grad = None
        self.y = self.forward()
        if self.seed is None:
            self.seed = torch.rand_like(self.y.detach()) * 2 - 1

    def run(self):
        if self.backward:
            self.y.backward(self.seed)
        else:
            self.forward()


def leaf(*shape, layout="contiguous", requires_grad=True):
    return in_layout(torch.rand(*shape) * 2 - 1, layout).requires_grad_(requires_grad)


def conv2d(sizes, way, kind):
    n, h, w, c, k = sizes
    x = leaf(n, c, h, w, layout=way["layout"], requires_grad="weight_only" not in kind)
    weight, bias = leaf(k, c, 3, 3, layout=way["layout"]), leaf(k)
    return [x, weight, bias], lambda: functional.conv2d(x, weight, bias, padding=1)


def batch_norm(sizes, way, kind):
    n, h, w, c = sizes
    x, layer = leaf(n, c, h, w, layout=way["layout"]), nn.BatchNorm2d(c)
    inputs = [x, *layer.parameters()]
    if "relu" in kind:
        return inputs, lambda: functional.relu(layer(x), inplace=True)
    return inputs, lambda: layer(x)


def dense(sizes, way, kind):
    n, c, k = sizes
    x, weight, bias = leaf(n, c), leaf(k, c), leaf(k)
    return [x, weight, bias], lambda: functional.linear(x, weight, bias)


OPERATIONS = {"conv2d": conv2d, "batch_norm": batch_norm, "dense": dense}
LAYOUTS = ["channels_last", "contiguous"]


def operation_of(kind):
    return next(make for name, make in OPERATIONS.items() if kind.startswith(name))


def ways(name):
    """The choices there are, each with its values."""
    group, kind, *_ = name.split("/")
    if group == "step":
        layout = {"layout": LAYOUTS} if kind == "cnn" else {}
        return {**layout, "adam": adams(), "images": ["float images", "byte images"]}
    if kind == "adam_step":
        return {"adam": adams()}
    return {"layout": LAYOUTS} if operation_of(kind) is not dense else {}


def make(name, images, way):
    """The work: an object whose run() is timed, after a prepare() that is not."""
    group, kind, *rest = name.split("/")
    if group == "step":
        return TrainingStep(name, images(), way)
    if kind == "adam_step":
        return AdamStep(name, way)
    sizes = [int(size) for size in rest[0].split("x")]
    inputs, forward = operation_of(kind)(sizes, way, kind)
    return Operation(inputs, forward, kind.endswith("backward"))
