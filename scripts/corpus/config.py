"""Records of runs: config.json."""

from __future__ import annotations

import json

Files = dict[str, bytes]

OPTIONS = {"model": "cnn", "batch-norm": "auto", "bn-position": "before", "bn-momentum": 0.1, "bn-epsilon": 1e-5,
           "dropout": 0.25, "init": "he_normal", "batch-size": 16, "drop-last": False, "optimizer": "sgd", "lr": 0.1,
           "weight-decay": 1e-4, "decay-all": True, "momentum": 0.9, "nesterov": True, "schedule": "step",
           "decay-every": "100steps", "decay-factor": 0.5, "warmup": 2, "clip-norm": 1, "clip-value": 0.5,
           "early-stopping": 3, "min-delta": 0.001}


def record(options: object = None, **others: object) -> bytes:
    return json.dumps({"program": "keel-train", "options": OPTIONS if options is None else options, **others},
                      separators=(",", ":")).encode()


def config_files() -> Files:
    deep = 30_000
    files = {
        "whole": record(data={"training": {"count": 1}}, model={"name": "cnn"}, resumed=[{"step": 3}]),
        "no_options": record({}),
        "adamw_cosine": record({"optimizer": "adamw", "beta1": 0.8, "beta2": 0.99, "adam-epsilon": 1e-6,
                                "schedule": "cosine", "final-lr": 1e-5, "lr": "0.01"}),
        "another_program": record().replace(b"keel-train", b"keel-other"),
        "options_a_list": record([]),
        "data_a_list": record(data=[]),
        "resumed_a_number": record(resumed=3),
        "option_unknown": record({"learning-rate": 1}),
        "option_an_object": record({"lr": {"value": 1}}),
        "option_null": record({"lr": None}),
        "option_of_control_characters": record({"\x1b[2J\n": 1}),
        "option_twice": b'{"program":"keel-train","options":{"lr":1,"lr":2}}',
        "model_a_device": record({"model": "/dev/zero"}),
        "model_unknown": record({"model": "cnnn"}),
        "empty": b"",
        "not_json": b"program: keel-train",
        "cut": record()[:-30],
        "deep_options": b'{"program":"keel-train","options":{"lr":' + b"[" * deep + b"]" * deep + b"}}",
        "deep_program": b'{"options":{},"program":' + b"[" * deep + b"]" * deep + b"}",
    }
    values = {"negative": -1, "0": 0, "fractional": 0.5, "2_64": 1 << 64, "infinite": "1e999", "nan": "nan", "empty": "",
              "hexadecimal": "0x10", "space_first": " 1", "true": True}
    for name in ("lr", "batch-size", "decay-every"):
        for kind, value in values.items():
            files[f"{name}_{kind}"] = record({"schedule": "step", name: value})
    return files
