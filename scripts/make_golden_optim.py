#!/usr/bin/env python3
"""Writes tests/golden/optim.json: what PyTorch's optimisers make of given parameters and gradients, and what its
clipping makes of gradients.

Needs PyTorch (made with 1.13). The gradients are given rather than computed, so that only the update rules are
compared. Every number of the input is exact in float32. Run it again after changing a case, and commit the result.
"""

import json
import pathlib
import sys

try:
    import numpy
    import torch
except ImportError as error:
    sys.exit(f"error: {sys.executable} cannot import {error.name}; on Debian, apt install python3-torch "
             "python3-numpy, then run this with /usr/bin/python3")

DIGITS = 13  # significant digits of a stored result: more than the tests need
# Unequal sizes; the second one is not a multiple of any vector's width.
SHAPES = [(3, 5), (7,)]
STEPS = 6
RATES = [0.1, 0.1, 0.05, 0.02, 0.2, 0.1]  # the learning rate changes from step to step, as under a schedule

CASES = {
    "adam": (torch.optim.Adam, {}),
    "adam_l2": (torch.optim.Adam, {"weight_decay": 0.1}),
    "adam_other_numbers": (torch.optim.Adam, {"betas": (0.7, 0.9), "eps": 1e-3}),
    "adamw": (torch.optim.AdamW, {"weight_decay": 0.1}),
    "rmsprop": (torch.optim.RMSprop, {}),
    "rmsprop_l2": (torch.optim.RMSprop, {"weight_decay": 0.1}),
    "rmsprop_momentum": (torch.optim.RMSprop, {"alpha": 0.9, "eps": 1e-3, "momentum": 0.9, "weight_decay": 0.1}),
    "sgd": (torch.optim.SGD, {}),
    "sgd_l2": (torch.optim.SGD, {"weight_decay": 0.1}),
    "momentum": (torch.optim.SGD, {"momentum": 0.9, "weight_decay": 0.1}),
    "nesterov": (torch.optim.SGD, {"momentum": 0.8, "nesterov": True, "weight_decay": 0.1}),
}
# The group of the second parameter, in the cases with this suffix.
OTHER_GROUP = {"learning_rate_scale": 0.25, "weight_decay": 0.0}


def numbers(array):
    return [float(x) for x in numpy.asarray(array).reshape(-1)]


def rounded(tensor):
    return [float(f"{x:.{DIGITS}g}") for x in numbers(tensor)]


CLIP = {"max_norm": 2.0, "max_value": 0.25}


def clipped(gradients):
    """Both gradients after clipping by norm and by value, in float64, and their norm before."""
    parameters = [torch.nn.Parameter(torch.zeros(gradient.shape, dtype=torch.float64)) for gradient in gradients]

    def restore():
        for parameter, gradient in zip(parameters, gradients):
            parameter.grad = torch.tensor(gradient, dtype=torch.float64)

    restore()
    norm = torch.nn.utils.clip_grad_norm_(parameters, CLIP["max_norm"])
    by_norm = [rounded(parameter.grad) for parameter in parameters]
    restore()
    torch.nn.utils.clip_grad_value_(parameters, CLIP["max_value"])
    by_value = [rounded(parameter.grad) for parameter in parameters]
    return {"norm": float(norm), "by_norm": by_norm, "by_value": by_value}


def trajectory(make, options, values, gradients, groups):
    """Both parameters after each step, in float64."""
    parameters = [torch.nn.Parameter(torch.tensor(value, dtype=torch.float64)) for value in values]
    # PyTorch wants a rate here; that of each step is set below.
    if groups:
        optimizer = make([{"params": [parameters[0]], "scale": 1.0},
                          {"params": [parameters[1]], "scale": OTHER_GROUP["learning_rate_scale"],
                           "weight_decay": OTHER_GROUP["weight_decay"]}], lr=1.0, **options)
    else:
        optimizer = make([{"params": parameters, "scale": 1.0}], lr=1.0, **options)
    after = []
    for rate, step_gradients in zip(RATES, gradients):
        for group in optimizer.param_groups:
            group["lr"] = rate * group["scale"]
        for parameter, gradient in zip(parameters, step_gradients):
            parameter.grad = torch.tensor(gradient, dtype=torch.float64)
        optimizer.step()
        after.append([rounded(parameter.detach()) for parameter in parameters])
    return after


def main():
    rng = numpy.random.default_rng(20)

    def draw(shape, scale):
        return (scale * rng.standard_normal(shape)).astype(numpy.float32)

    values = [draw(shape, 1) for shape in SHAPES]
    # Of very different sizes, as gradients are; Adam's epsilon matters for the small ones.
    gradients = [[draw(shape, scale) for shape in SHAPES] for scale in (1, 1e-3, 1e-7, 0.3, 10, 0.1)]
    assert len(gradients) == len(RATES) == STEPS

    cases = {}
    for name, (make, options) in CASES.items():
        for suffix, groups in (("", False), ("_groups", True)):
            cases[name + suffix] = trajectory(make, options, values, gradients, groups)
    golden = {
        "pytorch": torch.__version__,
        "shapes": [list(shape) for shape in SHAPES],
        "learning_rates": RATES,
        "other_group": OTHER_GROUP,
        "values": [numbers(value) for value in values],
        "gradients": [[numbers(gradient) for gradient in step] for step in gradients],
        "after": cases,
        "clip": CLIP,
        "clipped": [clipped(step) for step in gradients],
    }
    path = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "optim.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    print(f"wrote {path} ({path.stat().st_size} bytes)")


if __name__ == "__main__":
    main()
