"""Recurrent layers: PyTorch's own, and with a normalisation in each step composed of PyTorch's operations.

Inputs carry the names of Keel's parameters; weights are in Keel's layout, transposed to PyTorch's.
"""

from golden.cases import Cases

import torch
import torch.nn.functional as F

GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}
N, T, FEATURES, UNITS = 4, 3, 2, 5
EPSILON = 1e-2  # so that values far from it weigh as much as those near


def plain(kind):
    """All steps' h."""
    def function(x, **p):
        weights = [p["weight_ih_l0"].T, p["weight_hh_l0"].T, p["bias_ih_l0"], p["bias_hh_l0"]]
        zeros = torch.zeros(1, len(x), UNITS, dtype=x.dtype)
        state = (zeros, zeros) if kind == "lstm" else zeros
        return getattr(torch, kind)(x, state, weights, True, 1, 0.0, False, False, True)[0]

    return function


def normalized(kind, norm):
    """LSTM: arXiv:1603.09025, equations 6 to 8, and arXiv:1607.06450, supplement, "LSTM".
    GRU: the same supplement, "GRU", whose candidate has a Layer Normalization of its own.
    RNN: arXiv:1607.06450, equation 4: one normalisation, of the summed inputs.
    """
    def normalize(x, p, name):
        gamma, beta = p[f"{name}.weight"], p.get(f"{name}.bias")
        if norm == "batch":
            return F.batch_norm(x, None, None, gamma, beta, True, 0.0, EPSILON)
        apart = x.shape[-1] - UNITS if kind == "gru" else 0
        beta = torch.zeros_like(gamma) if beta is None else beta
        parts = [F.layer_norm(x[:, part], x[:, part].shape[-1:], gamma[part], beta[part], EPSILON)
                 for part in (slice(0, apart), slice(apart, None)) if x[:, part].shape[-1] > 0]
        return torch.cat(parts, dim=1)

    def function(x, **p):
        h = c = torch.zeros(len(x), UNITS, dtype=x.dtype)
        outputs = []
        for t in range(x.shape[1]):
            of_x, of_h = x[:, t] @ p["weight_ih_l0"], h @ p["weight_hh_l0"]
            if kind in ("lstm", "gru"):
                a, b = normalize(of_x, p, "norm_ih"), normalize(of_h, p, "norm_hh")
            if kind == "lstm":
                i, f, g, o = (a + b).split(UNITS, dim=1)
                c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
                h = torch.sigmoid(o) * torch.tanh(normalize(c, p, "norm_cell"))
            elif kind == "gru":
                (a_r, a_u, a_n), (b_r, b_u, b_n) = a.split(UNITS, dim=1), b.split(UNITS, dim=1)
                r, u = torch.sigmoid(a_r + b_r), torch.sigmoid(a_u + b_u)
                h = (1 - u) * torch.tanh(a_n + r * b_n) + u * h
            else:
                h = (torch.tanh if kind == "rnn_tanh" else torch.relu)(normalize(of_x + of_h, p, "norm"))
            outputs.append(h)
        return torch.stack(outputs, dim=1)

    return function


def inputs(c, kind, norm):
    width = GATES[kind] * UNITS
    found = {"x": c.fill(N, T, FEATURES, bound=2.0), "weight_ih_l0": c.fill(FEATURES, width),
             "weight_hh_l0": c.fill(UNITS, width)}
    if norm == "none":
        return {**found, "bias_ih_l0": c.fill(width), "bias_hh_l0": c.fill(width)}
    if kind.startswith("rnn"):
        return {**found, "norm.weight": c.fill(width), "norm.bias": c.fill(width)}
    found |= {"norm_ih.weight": c.fill(width), "norm_ih.bias": c.fill(width), "norm_hh.weight": c.fill(width)}
    if kind == "gru":
        found["norm_hh.bias"] = c.fill(width)
    if kind == "lstm":
        found |= {"norm_cell.weight": c.fill(UNITS), "norm_cell.bias": c.fill(UNITS)}
    return found


def recurrent_cases():
    c = Cases()
    for kind in GATES:
        for norm in ("none", "layer", "batch"):
            function = plain(kind) if norm == "none" else normalized(kind, norm)
            case = c.add(f"{kind}_{norm}", function, inputs(c, kind, norm))
            case["options"] = {"kind": kind, "norm": norm, "epsilon": EPSILON}
    return c.list
