"""Weights go to PyTorch and come back: the same logits on both sides. Needs PyTorch; exit code 77 without it.

usage: pytorch_test.py PROGRAM       (PROGRAM is keel_interop, see interop.cpp)

Where the safetensors package is installed as well, PyTorch's side also goes through it.
"""

import json
import os
import struct
import subprocess
import sys
import tempfile
from collections import OrderedDict
from pathlib import Path

try:
    import torch
    from torch import nn
except ImportError:
    # Debian's Python has Debian's PyTorch; the first on the PATH may be another.
    if os.path.exists("/usr/bin/python3") and "KEEL_INTEROP_RETRIED" not in os.environ:
        os.environ["KEEL_INTEROP_RETRIED"] = "1"
        os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])
    print("PyTorch was not found")
    sys.exit(77)

try:
    import safetensors.torch as safetensors
except ImportError:
    safetensors = None

TOLERANCE = 1e-5
DTYPES = {"F32": torch.float32, "I64": torch.int64}


def read(path):
    content = path.read_bytes()
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8:8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        data = bytearray(content[8 + length + begin:8 + length + end])
        tensors[name] = torch.frombuffer(data, dtype=DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def write(path, tensors):
    names = {dtype: name for name, dtype in DTYPES.items()}
    header, data = {}, b""
    for name, tensor in tensors.items():
        content = tensor.detach().contiguous().numpy().tobytes()
        header[name] = {"dtype": names[tensor.dtype], "shape": list(tensor.shape),
                        "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def mlp(features, batch_norm=False, dropout=False):
    norm = [nn.BatchNorm1d(128)] if batch_norm else []
    drop = [nn.Dropout(0.5)] if dropout else []
    return nn.Sequential(nn.Flatten(), nn.Linear(features, 128), nn.ReLU(), *norm, *drop, nn.Linear(128, 10))


def cnn(channels, pixels, norm=None, dropout=False):
    layers = []
    for features in (32, 64):
        for _ in range(2):
            layers.append(nn.Conv2d(channels, features, 3, padding=1))
            if norm == "before":
                layers.append(nn.BatchNorm2d(features))
            layers.append(nn.ReLU())
            if norm == "after":
                layers.append(nn.BatchNorm2d(features))
            channels = features
        layers.append(nn.MaxPool2d(2))
    layers += [nn.Flatten(), nn.Linear(64 * pixels, 128), nn.ReLU()]
    return nn.Sequential(*layers, *([nn.Dropout(0.5)] if dropout else []), nn.Linear(128, 10))


def flattened_batch_norm():
    return nn.Sequential(nn.Conv2d(2, 6, (3, 2), stride=2, groups=2), nn.Tanh(), nn.Flatten(), nn.BatchNorm1d(72),
                         nn.Dropout(0.3), nn.Linear(72, 7), nn.BatchNorm1d(7), nn.ReLU(), nn.Linear(7, 7, bias=False))


def pooled():
    block = nn.Sequential(nn.Conv2d(3, 5, 3, padding=1, bias=False), nn.BatchNorm2d(5), nn.Sigmoid(), nn.AvgPool2d(2))
    pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(OrderedDict(block=block, pool=pool, head=nn.Linear(5, 4)))


class Residual(nn.Module):
    def __init__(self, body, shortcut=None):
        super().__init__()
        self.body = body
        if shortcut is not None:
            self.shortcut = shortcut

    def forward(self, x):
        return self.body(x) + (self.shortcut(x) if hasattr(self, "shortcut") else x)


def with_residuals():
    body = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4))
    shortcut = nn.Sequential(nn.Conv2d(3, 4, 1, stride=2))
    return nn.Sequential(Residual(body, shortcut), nn.ReLU(), nn.Flatten(), nn.Linear(48, 6),
                         Residual(nn.Sequential(nn.Linear(6, 6))), nn.BatchNorm1d(6))


MODELS = {
    "mlp": lambda: mlp(784),
    "mlp_colour_bn_dropout": lambda: mlp(288, batch_norm=True, dropout=True),
    "cnn": lambda: cnn(1, 49),
    "cnn_bn_before": lambda: cnn(1, 49, "before"),
    "cnn_bn_after_dropout": lambda: cnn(3, 6, "after", dropout=True),
    "flattened_batch_norm": flattened_batch_norm,
    "pooled": pooled,
    "with_residuals": with_residuals,
}


def logits_of(model, x):
    """Of images [N,H,W,C]."""
    with torch.no_grad():
        return model.eval()(x.permute(0, 3, 1, 2).contiguous())


def check_from_keel(directory, name):
    values = read(directory / f"{name}.values.safetensors")
    path = directory / f"{name}.safetensors"
    states = [read(path)] + ([safetensors.load_file(path)] if safetensors else [])
    for state in states:
        model = MODELS[name]()
        model.load_state_dict(state, strict=True)
        assert list(state) == list(model.state_dict()) or state is not states[0], "the order of PyTorch's own"
        worst = (logits_of(model, values["x"]) - values["logits"]).abs().max().item()
        print(f"{name}: Keel's weights give logits that differ by {worst:.1e}")
        assert worst < TOLERANCE, (name, worst)


def write_for_keel(directory, name):
    model = MODELS[name]()
    x = read(directory / f"{name}.values.safetensors")["x"]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.02 * torch.randn_like(parameter)
        for _ in range(3):  # moves the running statistics
            model.train()(torch.randn_like(x).permute(0, 3, 1, 2))
    path = directory / f"{name}.torch.safetensors"
    if safetensors:
        safetensors.save_file(model.state_dict(), path)
    else:
        write(path, model.state_dict())
    write(directory / f"{name}.torch.values.safetensors", {"x": x, "logits": logits_of(model, x)})


def main():
    torch.manual_seed(7)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        subprocess.run([sys.argv[1], "write", directory], check=True)
        written = {path.name[:-len(".values.safetensors")] for path in directory.glob("*.values.safetensors")}
        assert written == set(MODELS), written
        for model in MODELS:
            check_from_keel(directory, model)
            write_for_keel(directory, model)
        subprocess.run([sys.argv[1], "check", directory], check=True)


if __name__ == "__main__":
    main()
