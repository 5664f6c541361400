"""Tensors that Keel and PyTorch can both make, and PyTorch's operations in Keel's layouts."""

import math
import sys

try:
    import numpy as np
    import torch
    import torch.nn.functional as F
except ImportError as error:
    sys.exit(
        f"error: {sys.executable} cannot import {error.name}. The golden values are computed by PyTorch: on Debian,"
        " apt install python3-torch python3-numpy, then run this with /usr/bin/python3"
    )

DIGITS = 13  # significant digits of a stored float64: fewer than differ between processors, more than tests need


def random_bits(stream, count):
    """Element i: splitmix64 (Steele, Lea, Flood, OOPSLA'14) of stream * 2^32 + i, its upper 24 bits."""
    with np.errstate(over="ignore"):
        z = (np.uint64(stream) << np.uint64(32)) + np.arange(count, dtype=np.uint64)
        z += np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return z >> np.uint64(40)


def fill(shape, stream, bound=1.0):
    """Uniform in [-bound, bound): (bits / 2^23 - 1) * bound. Exact in float32 too if bound is a power of two."""
    return {"shape": list(shape), "stream": stream, "bound": bound}


def constant(shape, value):
    return {"shape": list(shape), "constant": value}


def labels(count, stream, classes):
    """bits mod classes."""
    return {"shape": [count], "stream": stream, "classes": classes}


def make(spec, dtype=torch.float64):
    count = math.prod(spec["shape"])
    if "constant" in spec:
        return torch.full(spec["shape"], spec["constant"], dtype=dtype)
    bits = random_bits(spec["stream"], count)
    if "classes" in spec:
        return torch.from_numpy((bits % np.uint64(spec["classes"])).astype(np.int64))
    values = (bits.astype(np.float64) / 2.0**23 - 1.0) * spec["bound"]
    return torch.from_numpy(values.reshape(spec["shape"])).to(dtype)


def number(value):
    return float(f"{value:.{DIGITS}g}")


def stored(tensor):
    return {"shape": list(tensor.shape), "values": [number(v) for v in tensor.detach().reshape(-1).tolist()]}


# ---- The operations in Keel's layouts -------------------------------------------------------------------------


def channels_first(x):
    return x.movedim(-1, 1)


def channels_last(x):
    return x.movedim(1, -1)


def dense(x, weight, bias):
    return x @ weight + bias


def conv2d(x, weight, bias=None, **options):
    return channels_last(F.conv2d(channels_first(x), weight.permute(3, 2, 0, 1), bias, **options))


def max_pool2d(x, **options):
    return channels_last(F.max_pool2d(channels_first(x), **options))


def avg_pool2d(x, **options):
    return channels_last(F.avg_pool2d(channels_first(x), **options))


def global_avg_pool2d(x):
    return x.mean(dim=(1, 2))


def batch_norm(x, gamma, beta, mean, variance, training, momentum, epsilon):
    """momentum as in PyTorch: the weight of the new batch. mean and variance are updated in place in training."""
    y = F.batch_norm(channels_first(x), mean, variance, gamma, beta, training, momentum, epsilon)
    return channels_last(y)


def layer_norm(x, gamma=None, beta=None, axes=1, epsilon=1e-5):
    return F.layer_norm(x, x.shape[-axes:], gamma, beta, epsilon)


def group_norm(x, gamma=None, beta=None, groups=1, epsilon=1e-5):
    return channels_last(F.group_norm(channels_first(x), groups, gamma, beta, epsilon))


def instance_norm(x, gamma=None, beta=None, epsilon=1e-5):
    return channels_last(F.instance_norm(channels_first(x), weight=gamma, bias=beta, eps=epsilon))


def rms_norm(x, gamma, epsilon=1e-5):
    """By its formula: PyTorch has it from version 2.4 on."""
    return x / torch.sqrt((x * x).mean(dim=-1, keepdim=True) + epsilon) * gamma
