#!/usr/bin/env python3
"""Writes tests/golden/*.json: values computed by PyTorch that Keel's operations and training must reproduce.

Run once, and again when a case is added; the tests read the files and need no Python. Everything is in Keel's layouts:
images [N,H,W,C], kernels [KH,KW,Cin,Cout], dense weights [in,out], so that a model flattens in the order H, W, C.

Inputs and weights are not stored. They come from a formula in integers (see `fill`) that both sides evaluate exactly.
"""

import argparse
import json
import math
import pathlib
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
SPREAD_RUNS, MOST_SPREAD = 20, 2e-6  # see require_comparable


# ---- Tensors both sides can make ------------------------------------------------------------------------------


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


# ---- Cases: inputs -> output and the gradient of every input for a random cotangent ----------------------------


class Cases:
    def __init__(self):
        self.list = []
        self.next_stream = 1

    def fill(self, *shape, bound=1.0):
        self.next_stream += 1
        return fill(shape, self.next_stream, bound)

    def labels(self, count, classes):
        self.next_stream += 1
        return labels(count, self.next_stream, classes)

    def add(self, name, function, inputs, **options):
        """Adds the case function(**inputs, **options); `options` are stored for the reader. Labels get no gradient."""
        tensors = {key: make(spec) for key, spec in inputs.items()}
        leaves = {key: t.requires_grad_() for key, t in tensors.items() if t.is_floating_point()}
        output = function(**tensors, **options)
        case = {"name": name, "inputs": inputs}
        if options:
            case["options"] = options
        if output.dim() > 0:
            case["cotangent"] = self.fill(*output.shape)
            output.backward(make(case["cotangent"]))
        else:
            output.backward()
        case["output"] = stored(output)
        case["gradients"] = {key: stored(leaf.grad) for key, leaf in leaves.items()}
        self.list.append(case)
        return case


def activation_cases():
    c = Cases()
    for name, function in [("relu", torch.relu), ("sigmoid", torch.sigmoid), ("tanh", torch.tanh)]:
        c.add(name, lambda x, f=function: f(x), {"x": c.fill(3, 2, 5, bound=4.0)})
    for name, function in [("softmax", torch.softmax), ("log_softmax", torch.log_softmax)]:
        c.add(name, lambda x, f=function: f(x, dim=-1), {"x": c.fill(4, 7, bound=8.0)})
    # So large that the exponential of a logit would overflow, even in float64.
    c.add("log_softmax_large", lambda x: torch.log_softmax(x, dim=-1), {"x": c.fill(3, 5, bound=1024.0)})
    return c.list


def dense_cases():
    c = Cases()
    c.add("dense", dense, {"x": c.fill(6, 5), "weight": c.fill(5, 7), "bias": c.fill(7)})
    return c.list


def loss_cases():
    c = Cases()
    cross_entropy = lambda logits, labels: F.cross_entropy(logits, labels)
    c.add("softmax_cross_entropy", cross_entropy, {"logits": c.fill(7, 5, bound=4.0), "labels": c.labels(7, 5)})
    c.add("softmax_cross_entropy_large", cross_entropy,
          {"logits": c.fill(4, 3, bound=1024.0), "labels": c.labels(4, 3)})
    c.add("mean_squared_error", lambda prediction, target: F.mse_loss(prediction, target),
          {"prediction": c.fill(5, 3), "target": c.fill(5, 3)})
    return c.list


def convolution_cases():
    c = Cases()
    c.add("conv2d", conv2d, {"x": c.fill(2, 5, 4, 3), "weight": c.fill(3, 3, 3, 4), "bias": c.fill(4)}, padding=1)
    c.add("conv2d_valid", conv2d, {"x": c.fill(2, 5, 6, 2), "weight": c.fill(3, 2, 2, 3)})
    c.add("conv2d_1x1", conv2d, {"x": c.fill(2, 3, 4, 5), "weight": c.fill(1, 1, 5, 3), "bias": c.fill(3)})
    c.add("conv2d_stride", conv2d, {"x": c.fill(2, 7, 6, 2), "weight": c.fill(3, 3, 2, 3)}, stride=2, padding=1)
    c.add("conv2d_dilation", conv2d, {"x": c.fill(2, 7, 8, 2), "weight": c.fill(3, 3, 2, 3)}, dilation=2, padding=2)
    c.add("conv2d_pairs", conv2d, {"x": c.fill(2, 6, 7, 2), "weight": c.fill(2, 3, 2, 3)},
          stride=(2, 1), padding=(1, 2), dilation=(3, 1))
    c.add("conv2d_groups", conv2d, {"x": c.fill(2, 4, 5, 4), "weight": c.fill(3, 3, 2, 6), "bias": c.fill(6)},
          groups=2, padding=1)
    c.add("conv2d_depthwise", conv2d, {"x": c.fill(2, 5, 4, 3), "weight": c.fill(3, 3, 1, 6)}, groups=3, padding=1)
    return c.list


def pooling_cases():
    c = Cases()
    for name, function in [("max_pool2d", max_pool2d), ("avg_pool2d", avg_pool2d)]:
        c.add(name, function, {"x": c.fill(2, 4, 6, 3)}, kernel_size=2, stride=2)
        c.add(name + "_uneven", function, {"x": c.fill(2, 5, 7, 3)}, kernel_size=2, stride=2)
        c.add(name + "_overlapping", function, {"x": c.fill(2, 7, 5, 3)}, kernel_size=3, stride=2)
    c.add("max_pool2d_padding", max_pool2d, {"x": c.fill(2, 6, 5, 3)}, kernel_size=3, stride=2, padding=1)
    for name, count_include_pad in [("avg_pool2d_padding", True), ("avg_pool2d_without_padding", False)]:
        c.add(name, avg_pool2d, {"x": c.fill(2, 6, 5, 3)}, kernel_size=3, stride=2, padding=1,
              count_include_pad=count_include_pad)
    c.add("max_pool2d_pairs", max_pool2d, {"x": c.fill(2, 5, 6, 2)}, kernel_size=(2, 3), stride=(1, 2), padding=(0, 1))
    c.add("avg_pool2d_pairs", avg_pool2d, {"x": c.fill(2, 5, 6, 2)}, kernel_size=(2, 3), stride=(1, 2))
    c.add("global_avg_pool2d", global_avg_pool2d, {"x": c.fill(2, 3, 5, 4)})
    return c.list


# ---- Batch normalisation: state beside the output --------------------------------------------------------------


def running_statistics(batches, momentum):
    """After 1 batch and after all of them; momentum None is the cumulative average."""
    features = batches[0].shape[-1]
    mean, variance = torch.zeros(features, dtype=torch.float64), torch.ones(features, dtype=torch.float64)
    found = {}
    for step, x in enumerate(batches, start=1):
        weight = 1.0 / step if momentum is None else momentum
        batch_norm(x, None, None, mean, variance, True, weight, 1e-5)
        if step in (1, len(batches)):
            found[f"after_{step}"] = {"running_mean": stored(mean), "running_var": stored(variance)}
    return found, mean, variance


def batch_norm_case(c, name, shape, momentum, epsilon):
    features = shape[-1]
    inputs = {"x": c.fill(*shape, bound=4.0), "gamma": c.fill(features, bound=2.0), "beta": c.fill(features)}

    def training(x, gamma, beta):
        return batch_norm(x, gamma, beta, None, None, True, 0.0, epsilon)

    case = c.add(name, training, inputs)
    case["options"] = {"momentum": momentum, "epsilon": epsilon}
    case["later_batches"] = [c.fill(*shape, bound=2.0), c.fill(*shape, bound=1.0)]
    batches = [make(spec) for spec in [inputs["x"], *case["later_batches"]]]
    case["statistics"], mean, variance = running_statistics(batches, momentum)

    def evaluation(x, gamma, beta):
        return batch_norm(x, gamma, beta, mean, variance, False, 0.0, epsilon)

    # In evaluation mode with the final statistics, on the first batch, for the same cotangent.
    leaves = {key: make(spec).requires_grad_() for key, spec in inputs.items()}
    output = evaluation(**leaves)
    output.backward(make(case["cotangent"]))
    case["evaluation"] = {
        "output": stored(output),
        "gradients": {key: stored(leaf.grad) for key, leaf in leaves.items()},
    }


def batch_norm_cases():
    c = Cases()
    batch_norm_case(c, "rows", (6, 5), momentum=0.1, epsilon=1e-5)
    batch_norm_case(c, "rows_cumulative", (6, 5), momentum=None, epsilon=1e-5)
    batch_norm_case(c, "images", (2, 3, 2, 4), momentum=0.1, epsilon=1e-5)
    batch_norm_case(c, "images_cumulative", (2, 3, 2, 4), momentum=None, epsilon=1e-5)
    batch_norm_case(c, "large_epsilon", (4, 3), momentum=0.01, epsilon=1e-3)
    return c.list


# ---- Trajectories: whole models, trained ten steps ---------------------------------------------------------------


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

    def conv2d(self, name, inputs, outputs):
        """3x3, same size. The bias stays at 0: the normalisation that follows takes it away, so its gradient is nothing
        but rounding errors, which Adam would scale up to steps of full size."""
        bound = math.sqrt(3.0) / math.sqrt(9 * inputs)
        weight = self._fill(f"{name}.weight", (3, 3, inputs, outputs), bound)
        self._parameter(f"{name}.bias", {**constant((outputs,), 0.0), "fixed": True})
        self.layers.append(lambda x, p, b, training: conv2d(x, p[weight], padding=1))

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


def cnn():
    m = Model()
    channels = 1
    for block, features in enumerate((32, 64), start=1):
        for layer in (1, 2):
            m.conv2d(f"conv{block}{layer}", channels, features)
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


def require_comparable(exact, model, batches, evaluation):
    """Exits unless float32 runs whose weights differ by one rounding have the same losses to MOST_SPREAD.

    The gradient of ReLU and of max pooling jumps. Where an activation lies within rounding of a jump, two correct
    programs may take different sides, and their losses differ by 1e-5 to 1e-2 a few steps later (PyTorch's float32
    from its float64 as well). Most data leads a convolutional model through such a point; a trajectory that tests
    float32 must not go through one.
    """
    for seed in range(SPREAD_RUNS):
        generator = torch.Generator().manual_seed(seed)

        def perturb(tensor):
            signs = torch.randint(0, 2, tensor.shape, generator=generator) * 2 - 1
            return tensor * (1.0 + torch.finfo(tensor.dtype).eps * signs)

        losses = train(model, batches, evaluation, torch.float32, perturb)["losses"]
        spread = max(abs(loss / expected - 1) for loss, expected in zip(losses, exact["losses"]))
        if not spread <= MOST_SPREAD:
            sys.exit(f"error: rounding alone moves a loss by {spread:.1e}; give the trajectory another first_stream")


def trajectory(model, batch_size, first_stream):
    # Five batches, each seen twice, so that the later losses tell of the updates before them.
    batches = [
        {"x": fill((batch_size, 28, 28, 1), first_stream + step % 5),
         "labels": labels(batch_size, first_stream + 5 + step % 5, 10)}
        for step in range(10)
    ]
    evaluation = fill((batch_size, 28, 28, 1), first_stream + 10)
    exact = train(model, batches, evaluation, torch.float64)
    require_comparable(exact, model, batches, evaluation)
    return {
        "optimizer": {"name": "adam", "lr": 1e-3, "betas": [0.9, 0.999], "eps": 1e-8},
        "parameters": model.parameters,
        "batches": batches,
        "evaluation": evaluation,
        "float64": exact,
        "float32": train(model, batches, evaluation, torch.float32),
    }


# ---- Files -----------------------------------------------------------------------------------------------------


TOPICS = {
    "activations": lambda: {"cases": activation_cases()},
    "dense": lambda: {"cases": dense_cases()},
    "losses": lambda: {"cases": loss_cases()},
    "convolutions": lambda: {"cases": convolution_cases()},
    "pooling": lambda: {"cases": pooling_cases()},
    "batch_norm": lambda: {"cases": batch_norm_cases()},
    "trajectory_mlp": lambda: trajectory(mlp(with_batch_norm=False), 16, first_stream=1000),
    "trajectory_mlp_bn": lambda: trajectory(mlp(with_batch_norm=True), 16, first_stream=1000),
    "trajectory_cnn_bn": lambda: trajectory(cnn(), 8, first_stream=1000),
}


def write(path, content):
    """One line for each item of the second level: as small as possible, and a change is a change of few lines."""
    def line(value):
        return json.dumps(value, separators=(",", ":"), allow_nan=False)

    def block(key, value):
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return f'"{key}":[\n' + ",\n".join(line(item) for item in value) + "\n]"
        if key in ("float64", "float32"):
            return f'"{key}":{{\n' + ",\n".join(f'"{k}":{line(v)}' for k, v in value.items()) + "\n}"
        return f'"{key}":{line(value)}'

    path.write_text("{\n" + ",\n".join(block(k, v) for k, v in content.items()) + "\n}\n")


def main():
    parser = argparse.ArgumentParser(description="Compute the golden values of the tests with PyTorch.")
    default = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden"
    parser.add_argument("topics", nargs="*", metavar="TOPIC", help="what to compute: " + ", ".join(TOPICS))
    parser.add_argument("--out", type=pathlib.Path, default=default, help="output directory (default: %(default)s)")
    options = parser.parse_args()
    unknown = [topic for topic in options.topics if topic not in TOPICS]
    if unknown:
        parser.error(f"unknown topic {unknown[0]}; there are {', '.join(TOPICS)}")
    torch.set_num_threads(1)  # sums in one order
    options.out.mkdir(parents=True, exist_ok=True)
    for topic in options.topics or TOPICS:
        path = options.out / f"{topic}.json"
        write(path, {"made_by": f"scripts/make_golden.py, PyTorch {torch.__version__}", **TOPICS[topic]()})
        print(f"{path}  {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
