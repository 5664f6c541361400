"""Whole models, trained ten steps."""

import math
import sys

from golden.tensors import batch_norm, constant, conv2d, dense, fill, labels, make, max_pool2d, number, stored

import torch
import torch.nn.functional as F

SPREAD_RUNS, MOST_SPREAD = 20, 2e-6  # see require_comparable


class Model:
    """Layers added in order. Parameters and running statistics are listed in the order in which Keel registers them."""

    def __init__(self):
        self.layers, self.parameters, self.buffers = [], [], []

    def _parameter(self, name, spec):
        self.parameters.append({"name": name, **spec})
        return len(self.parameters) - 1

    def _fill(self, name, shape, bound):
        return self._parameter(name, fill(shape, len(self.parameters) + 1, bound))

    def dense(self, name, inputs, outputs):
        bound = 1.0 / math.sqrt(inputs)
        weight = self._fill(f"{name}.weight", (inputs, outputs), bound)
        bias = self._fill(f"{name}.bias", (outputs,), bound)
        self.layers.append(lambda x, p, b, training: dense(x, p[weight], p[bias]))

    def conv2d(self, name, inputs, outputs, normalised):
        """3x3, same size. The bias stays at 0 if a normalisation follows: that takes it away, so its gradient is nothing
        but rounding errors, which Adam would scale up to steps of full size."""
        weight = self._fill(f"{name}.weight", (3, 3, inputs, outputs), math.sqrt(3.0) / math.sqrt(9 * inputs))
        if normalised:
            self._parameter(f"{name}.bias", {**constant((outputs,), 0.0), "fixed": True})
            self.layers.append(lambda x, p, b, training: conv2d(x, p[weight], padding=1))
        else:
            bias = self._fill(f"{name}.bias", (outputs,), 1.0 / math.sqrt(9 * inputs))
            self.layers.append(lambda x, p, b, training: conv2d(x, p[weight], p[bias], padding=1))

    def batch_norm(self, name, features):
        gamma = self._parameter(f"{name}.gamma", constant((features,), 1.0))
        beta = self._parameter(f"{name}.beta", constant((features,), 0.0))
        mean = len(self.buffers)
        self.buffers += [{"name": f"{name}.running_mean", **constant((features,), 0.0)},
                         {"name": f"{name}.running_var", **constant((features,), 1.0)}]
        self.layers.append(
            lambda x, p, b, training: batch_norm(x, p[gamma], p[beta], b[mean], b[mean + 1], training, 0.1, 1e-5)
        )

    def apply(self, function):
        self.layers.append(lambda x, p, b, training: function(x))

    def forward(self, x, parameters, buffers, training):
        for layer in self.layers:
            x = layer(x, parameters, buffers, training)
        return x


def flatten(x):
    return x.reshape(x.shape[0], -1)


def mlp(with_batch_norm):
    m = Model()
    m.apply(flatten)
    m.dense("dense1", 784, 128)
    m.apply(torch.relu)
    if with_batch_norm:
        m.batch_norm("batch_norm", 128)
    m.dense("dense2", 128, 10)
    return m


def cnn(with_batch_norm):
    m = Model()
    channels = 1
    for block, features in enumerate((32, 64), start=1):
        for layer in (1, 2):
            m.conv2d(f"conv{block}{layer}", channels, features, normalised=with_batch_norm)
            if with_batch_norm:
                m.batch_norm(f"batch_norm{block}{layer}", features)
            m.apply(torch.relu)
            channels = features
        m.apply(lambda x: max_pool2d(x, kernel_size=2, stride=2))
    m.apply(flatten)
    m.dense("dense1", 7 * 7 * 64, 128)
    m.apply(torch.relu)
    m.dense("dense2", 128, 10)
    return m


def summary(spec, tensor):
    values = tensor.detach().double().reshape(-1)
    return {"name": spec["name"], "first": [number(v) for v in values[:5].tolist()],
            "sum": number(values.sum().item()), "sum_of_squares": number((values * values).sum().item())}


def train(model, batches, evaluation, dtype, perturb=lambda tensor: tensor):
    parameters = [perturb(make(spec, dtype)).requires_grad_("fixed" not in spec) for spec in model.parameters]
    buffers = [make(spec, dtype) for spec in model.buffers]
    optimizer = torch.optim.Adam([p for p in parameters if p.requires_grad])
    losses = []
    for batch in batches:
        logits = model.forward(make(batch["x"], dtype), parameters, buffers, training=True)
        loss = F.cross_entropy(logits, make(batch["labels"]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(number(loss.item()))
    with torch.no_grad():
        logits = model.forward(make(evaluation, dtype), parameters, buffers, training=False)
    return {
        "losses": losses,
        "parameters": [summary(spec, t) for spec, t in zip(model.parameters, parameters)],
        "buffers": [summary(spec, t) for spec, t in zip(model.buffers, buffers)],
        "evaluation_logits": stored(logits),
    }


def require_comparable(exact, model, batches, evaluation, roundings):
    """Exits unless float32 runs whose weights differ by so many roundings have the same losses, to MOST_SPREAD for one
    and, as errors wander, to twice that for four: for a convolution that computes its sums in another way.

    The gradient of ReLU and of max pooling jumps. Where an activation lies within rounding of a jump, two correct
    programs may take different sides, and their losses differ by 1e-5 to 1e-2 a few steps later (PyTorch's float32
    from its float64 as well). Most data leads a convolutional model through such a point; a trajectory that tests
    float32 must not go through one.
    """
    for seed in range(SPREAD_RUNS):
        generator = torch.Generator().manual_seed(seed)

        def perturb(tensor):
            signs = torch.randint(0, 2, tensor.shape, generator=generator) * 2 - 1
            return tensor * (1.0 + roundings * torch.finfo(tensor.dtype).eps * signs)

        losses = train(model, batches, evaluation, torch.float32, perturb)["losses"]
        spread = max(abs(loss / expected - 1) for loss, expected in zip(losses, exact["losses"]))
        if not spread <= MOST_SPREAD * math.sqrt(roundings):
            sys.exit(f"error: rounding alone moves a loss by {spread:.1e}; give the trajectory another first_stream")


def trajectory(model, batch_size, first_stream, roundings=1):
    # Five batches, each seen twice, so that the later losses tell of the updates before them.
    batches = [
        {"x": fill((batch_size, 28, 28, 1), first_stream + step % 5),
         "labels": labels(batch_size, first_stream + 5 + step % 5, 10)}
        for step in range(10)
    ]
    evaluation = fill((batch_size, 28, 28, 1), first_stream + 10)
    exact = train(model, batches, evaluation, torch.float64)
    require_comparable(exact, model, batches, evaluation, roundings)
    return {
        "optimizer": {"name": "adam", "lr": 1e-3, "betas": [0.9, 0.999], "eps": 1e-8},
        "parameters": model.parameters,
        "batches": batches,
        "evaluation": evaluation,
        "float64": exact,
        "float32": train(model, batches, evaluation, torch.float32),
    }
