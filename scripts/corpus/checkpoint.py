"""Checkpoints: safetensors files with a checksum, whose metadata hold JSON."""

from __future__ import annotations

import json
import math
import struct

from corpus.safetensors import safetensors

Files = dict[str, bytes]

MODEL = {"input": [2], "classes": 2, "layers": [{"layer": "dense", "units": "classes"}, {"layer": "batch_norm"}]}
SIZES = {"0.weight": [2, 2], "0.bias": [2], "1.weight": [2], "1.bias": [2], "1.running_mean": [2], "1.running_var": [2]}
MOMENTS = [name for name in SIZES if "running" not in name]
STEPS = "1.num_batches_tracked"
STATE = {"epoch": 2, "batch": 1, "step": 5, "learning_rate": 0.001, "loss_sum": 0.5, "correct": 3, "examples": 4,
         "seconds": 0.25, "optimizer_steps": 5, "log": [[0, 0, 2.5, 0.1, 2.25, 0.125, 0.001, 0],
                                                        [1, 4, 0.5, 0.9, 0.75, 0.875, 0.001, 1.5]]}


def numbers(shape: list[int]) -> tuple[str, list[int], bytes]:
    count = 1
    for extent in shape:
        count *= extent
    return "F32", shape, struct.pack(f"<{count}f", *(0.5 + i for i in range(count)))


def weights(prefix: str = "", kind: str = "I32") -> dict:
    """A model's; `kind` is the element type of its one integer, an [1] of Keel's and a scalar of PyTorch's."""
    steps = ("I32", [1], struct.pack("<i", 5)) if kind == "I32" else ("I64", [], struct.pack("<q", 5))
    return {**{prefix + name: numbers(shape) for name, shape in SIZES.items()}, prefix + STEPS: steps}


def checkpoint(tensors: dict | None = None, **metadata: str | None) -> bytes:
    """A whole checkpoint; metadata under other values (None: without that key), which may be of any form."""
    values = {"format": "checkpoint 1", "version": "0.1.0", "model": json.dumps(MODEL), "options": '{"lr":0.001}',
              "classes": '["zero","one"]', "state": json.dumps(STATE), **metadata}
    if tensors is None:
        tensors = weights("model.")
        for moment in ("m", "v"):
            tensors |= {f"optimizer.{name}.{moment}": numbers(SIZES[name]) for name in MOMENTS}
    return safetensors(tensors, {f"keel.{key}": value for key, value in values.items() if value is not None})


def with_text(key: str, value: str) -> str:
    """STATE with any text as one value."""
    return json.dumps({**STATE, key: "@"}).replace('"@"', value)


def residual_of(depth: int) -> dict:
    """Residuals, each in the body of another: the innermost layer runs once for each."""
    layer = {"layer": "tanh"}
    for _ in range(depth):
        layer = {"layer": "residual", "body": [layer]}
    return layer


def checkpoint_files() -> Files:
    whole = checkpoint()
    damaged = bytearray(whole)
    damaged[200] ^= 1
    deep = 20_000
    files = {
        "whole": whole,
        "damaged": bytes(damaged),
        "cut": whole[:-4],
        "without_a_checksum": whole.replace(b"keel.crc32", b"keel.crc33", 1),
        "no_tensors": checkpoint({}),
        "tensor_of_neither": checkpoint({"weight": numbers([2])}),
        "tensor_with_the_prefix_only": checkpoint({"model.": numbers([2]), "optimizer.": numbers([1])}),
        "weights_of_another_shape": checkpoint({"model.0.weight": numbers([4])}),
        "weights_too_many": checkpoint({f"model.{i}.weight": numbers([1]) for i in range(300)}),
        "other_format": checkpoint(format="checkpoint 2"),
        "model_larger_than_its_weights": checkpoint(model=json.dumps({"model": "vgg-small", "input": [32, 32, 3],
                                                                      "classes": 10})),
        "model_not_json": checkpoint(model="mlp"),
        "classes_more_than_the_model_has": checkpoint(classes='["zero","one","two"]'),
        "classes_not_a_list": checkpoint(classes='{"0":"zero"}'),
        "classes_not_text": checkpoint(classes="[0,1]"),
        "classes_deep": checkpoint(classes="[" * deep + "]" * deep),
        "classes_100000": checkpoint(classes=json.dumps([""] * 20_000)),
        "state_not_json": checkpoint(state="{"),
        "state_a_list": checkpoint(state="[]"),
        "state_deep": checkpoint(state='{"epoch":' * 5000 + "1" + "}" * 5000),
        "state_deep_epoch": checkpoint(state=with_text("epoch", "[" * deep + "]" * deep)),
        "log_deep": checkpoint(state=with_text("log", "[" * deep + "]" * deep)),
        "log_of_a_short_row": checkpoint(state=json.dumps({**STATE, "log": [[1, 2]]})),
        "log_of_text": checkpoint(state=json.dumps({**STATE, "log": [["1"] * 8]})),
        "log_of_5000_rows": checkpoint(state=json.dumps({**STATE, "log": STATE["log"] * 2500}, separators=(",", ":"))),
        "log_not_utf8_in_a_message": checkpoint(state=json.dumps({**STATE, "log": ["\ud800"]})),
        "log_empty": checkpoint(state=json.dumps({**STATE, "log": []})),
        "log_empty_before_all": checkpoint(state=json.dumps({**STATE, "epoch": 0, "batch": 0, "step": 0, "log": []})),
        "log_with_a_row_too_many": checkpoint(state=json.dumps({**STATE, "log": STATE["log"] + STATE["log"][1:]})),
        "log_with_an_epoch_twice": checkpoint(state=json.dumps({**STATE, "log": STATE["log"][:1] * 2})),
        "log_ahead_of_the_step": checkpoint(state=json.dumps({**STATE, "log": [STATE["log"][0], [1, 400, *[0.5] * 6]]})),
        "log_of_steps_near_2_63": checkpoint(state=json.dumps({
            **STATE, "epoch": 3, "step": (1 << 63) - 1,
            "log": [STATE["log"][0], [1, (1 << 63) - 1, *[0.5] * 6], [2, (1 << 63) - 2, *[0.5] * 6]]})),
        "batch_beyond_the_step": checkpoint(state=json.dumps({**STATE, "batch": 6})),
        "batch_beyond_the_epoch": checkpoint(state=json.dumps({**STATE, "batch": 5, "step": 9})),
        "step_of_another_epoch": checkpoint(state=json.dumps({**STATE, "step": 9})),
        "log_of_rows_without_numbers": checkpoint(state=json.dumps({**STATE, "log": [[]] * 20_000})),
        "weights_infinite": checkpoint({**weights("model."), "model.0.bias": ("F32", [2], struct.pack("<2f", 1, math.inf))}),
        "statistics_no_numbers": checkpoint({**weights("model."),
                                             "model.1.running_var": ("F32", [2], struct.pack("<2f", math.nan, 1))}),
        "outputs_of_many_layers": checkpoint(model=json.dumps({
            "input": [2048, 2048, 1], "classes": 1, "layers": [{"layer": "tanh"}] * 2000 + [{"layer": "flatten"}]})),
        "outputs_of_residuals_in_residuals": checkpoint(model=json.dumps({
            "input": [2048, 2048, 1], "classes": 1, "layers": [residual_of(28), {"layer": "flatten"}]})),
        "classes_that_steer_a_terminal": checkpoint(classes=json.dumps(["\x1b[2J", "one"])),
        "classes_of_two_lines": checkpoint(classes=json.dumps(["zero\n", "one"])),
        "tensor_that_steers_a_terminal": checkpoint({**weights("model."), "model.\x1b[2J": numbers([1])}),
        "key_twice": checkpoint(state=json.dumps(STATE)[:-1] + ',"epoch":3}'),
    }
    for layout in ("native", "pytorch", "other"):
        files[f"exported_{layout}"] = checkpoint(
            weights(kind="I64" if layout == "pytorch" else "I32"), format="model 1", layout=layout)
    center_only = {**MODEL, "layers": [MODEL["layers"][0], {"layer": "batch_norm", "scale": False}]}
    files["exported_pytorch_without_an_equivalent"] = checkpoint(
        weights(kind="I64"), format="model 1", layout="pytorch", model=json.dumps(center_only))
    for key in ("format", "version", "model", "options", "classes", "state"):
        files[f"without_{key}"] = checkpoint(**{key: None})
    for name, value in {"negative": -1, "fractional": 1.5, "true": True, "null": None, "text": "2", "2_63": 1 << 63,
                        "2_63_less_1": (1 << 63) - 1, "2_64": 1 << 64}.items():
        files[f"epoch_{name}"] = checkpoint(state=json.dumps({**STATE, "epoch": value, "batch": value, "step": value}))
        files[f"examples_{name}"] = checkpoint(state=json.dumps({**STATE, "examples": value, "correct": value}))
        files[f"optimizer_steps_{name}"] = checkpoint(state=json.dumps({**STATE, "optimizer_steps": value}))
    return files
