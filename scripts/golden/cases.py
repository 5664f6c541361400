"""Cases of operations: inputs, output, and the gradient of every input for a random cotangent."""

from golden.tensors import (
    avg_pool2d,
    batch_norm,
    conv2d,
    dense,
    fill,
    global_avg_pool2d,
    group_norm,
    instance_norm,
    labels,
    layer_norm,
    make,
    max_pool2d,
    rms_norm,
    stored,
)

import torch
import torch.nn.functional as F


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
    # Both sides of every kink, and of the threshold of softplus_threshold.
    for name, function, options in [
        ("leaky_relu", F.leaky_relu, {"negative_slope": 0.125}),
        ("elu", F.elu, {"alpha": 1.5}),
        ("selu", F.selu, {}),
        ("gelu", F.gelu, {}),
        ("gelu_tanh", F.gelu, {"approximate": "tanh"}),
        ("silu", F.silu, {}),
        ("softplus", F.softplus, {}),
        ("softplus_threshold", F.softplus, {"beta": 2.0, "threshold": 3.0}),
        # Not F.hardsigmoid, whose slope is 1/6 in float32 for float64, too.
        ("hard_sigmoid", lambda x: F.relu6(x + 3) / 6, {}),
    ]:
        c.add(name, lambda x, f=function, **o: f(x, **o), {"x": c.fill(3, 2, 5, bound=4.0)}, **options)
    return c.list


def dense_cases():
    c = Cases()
    c.add("dense", dense, {"x": c.fill(6, 5), "weight": c.fill(5, 7), "bias": c.fill(7)})
    return c.list


def embedding_cases():
    c = Cases()

    def embedding(weight, ids, padding_idx=None):
        return F.embedding(ids, weight, padding_idx=padding_idx)

    # More places than ids, so that rows are looked up more than once.
    c.add("embedding", embedding, {"weight": c.fill(4, 3), "ids": c.labels(11, 4)})
    c.add("embedding_padding", embedding, {"weight": c.fill(5, 2), "ids": c.labels(12, 5)}, padding_idx=2)
    c.add("embedding_padding_first", embedding, {"weight": c.fill(3, 4), "ids": c.labels(9, 3)}, padding_idx=0)
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


# ---- Normalisation of each example by itself -------------------------------------------------------------------


def example_norm_cases():
    c = Cases()

    def inputs(shape, of_affine):
        return {"x": c.fill(*shape, bound=4.0), "gamma": c.fill(*of_affine, bound=2.0), "beta": c.fill(*of_affine)}

    c.add("layer_norm", layer_norm, inputs((4, 7), (7,)))
    c.add("layer_norm_large_epsilon", layer_norm, inputs((3, 5), (5,)), epsilon=1e-3)
    c.add("layer_norm_sequence", layer_norm, inputs((2, 3, 5), (5,)))
    c.add("layer_norm_images", layer_norm, inputs((2, 3, 2, 4), (3, 2, 4)), axes=3)
    c.add("layer_norm_plain", layer_norm, {"x": c.fill(3, 6)})
    c.add("group_norm", group_norm, inputs((2, 3, 2, 6), (6,)), groups=3)
    c.add("group_norm_rows", group_norm, inputs((4, 6), (6,)), groups=2, epsilon=1e-3)
    c.add("group_norm_one", group_norm, inputs((2, 2, 3, 4), (4,)), groups=1)
    c.add("instance_norm", instance_norm, inputs((2, 3, 2, 4), (4,)))
    c.add("instance_norm_plain", instance_norm, {"x": c.fill(2, 5, 3)})
    c.add("rms_norm", rms_norm, {"x": c.fill(4, 7, bound=4.0), "gamma": c.fill(7, bound=2.0)})
    return c.list
