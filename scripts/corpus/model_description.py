"""Model descriptions."""

from __future__ import annotations

import json

Files = dict[str, bytes]

NESTED_BODY = '{"layer":"residual","body":['


def text(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def layers(*items: object, **others: object) -> bytes:
    return text({"layers": list(items), **others})


def model_description_files() -> Files:
    flatten, output = {"layer": "flatten"}, {"layer": "dense", "units": "classes"}
    size = {"input": [8, 8, 1], "classes": 3}
    every_layer = [
        {"layer": "conv2d", "filters": 2, "kernel": [3, 1], "padding": "same", "stride": 1, "dilation": 1, "groups": 1,
         "bias": False, "algorithm": "direct", "init": "he_normal"},
        {"layer": "batch_norm", "epsilon": 1e-3, "momentum": None, "scale": False, "center": True,
         "track_running_stats": True, "initial_gamma": 1, "initial_beta": 0.5, "initial_running_mean": 0,
         "initial_running_var": 1},
        {"layer": "relu"},
        {"layer": "max_pool2d", "kernel": 2, "stride": [1, 2], "padding": 0},
        {"layer": "residual", "body": [{"layer": "conv2d", "filters": 2, "kernel": 1}, {"layer": "tanh"}],
         "shortcut": [{"layer": "conv2d", "filters": 2, "kernel": 1}]},
        {"layer": "avg_pool2d", "kernel": 2, "count_include_pad": False},
        {"layer": "dropout", "rate": 0.25}, {"layer": "sigmoid"}, {"layer": "global_avg_pool2d"}, output]
    huge = [1, 1 << 31, 1 << 32, 1 << 62, (1 << 63) - 1, 1 << 63, 1 << 64, 10 ** 400]
    files = {
        **{f"named_{name}": text({"model": name}) for name in ("mlp", "cnn", "lenet5", "vgg-small", "resnet20")},
        "named_with_options": text({"model": "mlp", "batch_norm": True, "norm_position": "before",
                                    "norm": {"momentum": None}, "dropout": 0.5, "init": "he_uniform", **size}),
        "every_layer": layers(*every_layer, init="glorot_uniform", **size),
        "smallest": layers(flatten, output),
        "no_layers": layers(**size),
        "model_and_layers": text({"model": "mlp", "layers": []}),
        "neither_model_nor_layers": b"{}",
        "unknown_model": text({"model": "mpl"}),
        "unknown_layer": layers({"layer": "dens"}),
        "unknown_key": layers(flatten, {"layer": "relu", "slope": 1}),
        "key_twice": b'{"layers":[],"layers":[{"layer":"relu"}]}',
        "key_twice_by_an_escape": b'{"layers":[],"l\\u0061yers":[]}',
        "empty": b"",
        "null": b"null",
        "cut": layers(*every_layer)[:-20],
        "not_utf8": b'{"model":"\xff\xfe"}',
        "comment": b'{"model":"mlp"}// a comment',
        "two_texts": b'{"model":"mlp"}{"model":"cnn"}',
        "control_characters_in_a_name": text({"model": "\x1b[2Jmlp\n\x00"}),
        "name_of_60000_characters": text({"model": "m" * 60_000}),
        "units_0": layers({"layer": "dense", "units": 0}, **size),
        "units_negative": layers({"layer": "dense", "units": -1}, **size),
        "units_fractional": layers({"layer": "dense", "units": 1.5}, **size),
        "units_true": layers({"layer": "dense", "units": True}, **size),
        "extents_negative": text({"model": "mlp", "input": [-8, -8, 1], "classes": 3}),
        "extents_0": text({"model": "mlp", "input": [0, 8, 1], "classes": 3}),
        "rank_9": text({"model": "mlp", "input": [1] * 9, "classes": 3}),
        "scalar_input": text({"model": "mlp", "input": [], "classes": 3}),
        "kernel_larger_than_the_input": layers({"layer": "max_pool2d", "kernel": 9}, flatten, output, **size),
        "kernel_of_three": layers({"layer": "max_pool2d", "kernel": [2, 2, 2]}, flatten, output, **size),
        "groups_that_do_not_divide": layers({"layer": "conv2d", "filters": 3, "kernel": 1, "groups": 2}, **size),
        "infinity": b'{"layers":[{"layer":"dropout","rate":1e999}]}',
        "nan": b'{"layers":[{"layer":"dropout","rate":NaN}]}',
        "epsilon_negative": layers({"layer": "batch_norm", "epsilon": -1}),
        "shortcut_of_another_shape": layers({"layer": "residual", "body": [flatten]}, output, **size),
        "dense_of_a_large_square": layers(flatten, *[{"layer": "dense", "units": 1 << 20}] * 2, **size),
        "images_grow": layers(*[{"layer": "conv2d", "filters": 1, "kernel": 1, "padding": 1000}] * 50, **size),
        "layers_5000": layers(*[{"layer": "relu"}] * 5000, **size),
        "deep_arrays": b'{"layers":' + b"[" * 30_000,
        "deep_residuals": b'{"layers":[' + NESTED_BODY.encode() * 2000 + b"]}" * 2000 + b"]}",
        "residuals_as_deep_as_may_be": b'{"layers":[' + NESTED_BODY.encode() * 30 + b"]}" * 30 + b"]}",
    }
    for number in huge:
        name = str(number) if number < 10 ** 20 else "of_400_digits"
        pad = {"layer": "conv2d", "filters": 1, "kernel": 1, "padding": number, "stride": number, "dilation": number}
        files[f"units_{name}"] = layers(flatten, {"layer": "dense", "units": number}, output, **size)
        files[f"padding_{name}"] = layers(pad, flatten, output, **size)
        files[f"input_{name}"] = text({"model": "cnn", "input": [number, number, 1], "classes": number})
    return files
