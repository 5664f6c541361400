#!/usr/bin/env python3
"""Plots what went on inside the models of runs that were trained with --log-distributions.

Each DIR is a run's directory, finished or still being written: of keel-train with DIR/layers.csv, of keel-mnist-bn with
layers.csv in the directory of each of its models. Each model has a column of panels:

  top     the pre-activations of its last hidden layer by step, as in Figure 1(b, c) of the article of Batch
          Normalization (Ioffe & Szegedy, arXiv:1502.03167): their 15th, 50th and 85th percentiles, over all units and
          the images of the probe batch, or of one unit (--unit) as there
  middle  the norm of each layer's gradient, from the first layer to the last, at several steps; of layers that
          normalize, whose parameters are few and of another kind, as hollow points
  bottom  by how much of their own size each layer's parameters change in an update, by step; of layers that normalize
          dashed

The panels of a row share the y axis, and so do those of the rows that many models need.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path

import plotting
from run_logs import ARMS, MODEL, PlotError, Run, arm_names, diverged_text, read_rows, run_labels
from study import styles

PERCENTILES = ("p15", "p50", "p85")
COLUMNS = ("step", "layer", "kind", *PERCENTILES, *(f"unit_{name}" for name in PERCENTILES), "flat", "gradient_norm",
           "update_ratio")
COLOR = styles.COLORS["indigo"][0]  # neither blue nor red, which tell of batch normalization
STEPS_SHOWN = 5
LAYERS_NAMED = 12  # in a legend; between the first and the last, colours go by depth
WIDEST = 18.4  # inches of panels side by side; more of them go on below
NARROWEST, NAME_WIDTH = 4.6, 0.125  # of a panel, and of the name of a layer in it
MOST_NAMES = 130
USUAL_RATIO = 1e-3  # what is often aimed at


@dataclass
class Model:
    name: str  # in ids of what is drawn
    title: str
    color: str
    layers: dict  # by path: its rows in layers.csv by step, in the order of the forward pass

    @property
    def kinds(self) -> dict[str, str]:
        return {path: next(iter(rows.values()))["kind"] for path, rows in self.layers.items()}

    @property
    def activations(self) -> list[str]:
        return [path for path, rows in self.layers.items() if any(math.isfinite(row["flat"]) for row in rows.values())]

    def curve(self, path: str, column: str) -> dict[int, float]:
        return {step: row[column] for step, row in sorted(self.layers[path].items()) if math.isfinite(row[column])}


def read_layers(path: Path) -> dict:
    layers = {}
    for number, row in read_rows(path, COLUMNS):
        try:
            numbers = {name: float(row[name] or "nan") for name in COLUMNS[3:]}
            layers.setdefault(row["layer"], {})[int(row["step"])] = {"kind": row["kind"], **numbers}
        except ValueError:
            raise PlotError(f"{path}:{number}: expected numbers, found {','.join(row.values())}") from None
    if not layers:
        raise PlotError(f"{path}: expected rows of layers, found none yet")
    return layers


def log_paths(directory: Path) -> list[Path]:
    """Of the models of a run; those without and with batch normalization first."""
    if not directory.is_dir():
        raise PlotError(f"{directory}: expected the directory of a run, found none")
    if (directory / "layers.csv").exists():
        return [directory / "layers.csv"]
    known = [directory / name / "layers.csv" for name in ARMS]
    others = sorted(path for path in directory.glob("*/layers.csv") if path not in known)
    found = [path for path in known + others if path.exists()]
    if not found:
        raise PlotError(f"{directory}: expected layers.csv, or one in the directory of each model (of a run with "
                        "--log-distributions), found none")
    return found


def models_of(run: Run, label: str, prefix: str, chosen: list[str] | None) -> list[Model]:
    arms = {path: path.parent.name if path.parent != run.directory else None for path in log_paths(run.directory)}
    if chosen:
        arms = {path: arm for path, arm in arms.items() if arm is None or arm in chosen}
    names = arm_names({arm for arm in arms.values() if arm in ARMS})
    models = []
    for path, arm in arms.items():
        _, color = ARMS.get(arm or run.norm_arm, (arm, COLOR))
        epoch = run.diverged.get(arm or MODEL)
        title = ", ".join(filter(None, (label, names.get(arm, arm), epoch is not None and diverged_text(epoch))))
        models.append(Model(prefix + (arm or "model"), title, color, read_layers(path)))
    return models


def shown_layer(model: Model, path: str | None) -> str:
    """The one whose input the top panel shows."""
    if path is not None:
        if path not in model.layers:
            raise plotting.unknown("--layer", path, list(model.layers))
        return path
    # Without an activation of its own, as with recurrent layers: what the last layer is given.
    return model.activations[-1] if model.activations else [path for path in model.layers if path != "output"][-1]


def draw_percentiles(axes, model: Model, options) -> None:
    path = shown_layer(model, options.layer)
    prefix = "unit_" if options.unit else ""
    low, middle, high = (model.curve(path, prefix + name) for name in PERCENTILES)
    steps = sorted(set(low) & set(middle) & set(high))
    marker = {"marker": "o"} if len(steps) == 1 else {}
    for name, curve, width in zip(PERCENTILES, (low, middle, high), (1, 2, 1)):
        axes.plot(steps, [curve[step] for step in steps], color=model.color, linewidth=width,
                  gid=f"{model.name}-{name}", **marker)
    axes.fill_between(steps, [low[step] for step in steps], [high[step] for step in steps], color=model.color,
                      alpha=0.15, linewidth=0)
    axes.set_title(f"{model.title}\ninput of layer {path} ({model.kinds[path]})" if model.title
                   else f"input of layer {path} ({model.kinds[path]})")
    axes.set_xlabel("step")


def spread(values: list, count: int) -> list:
    """At most so many of them, the first and the last among them."""
    if len(values) <= count:
        return values
    return [values[round(index * (len(values) - 1) / (count - 1))] for index in range(count)]


def is_norm(kind: str) -> bool:
    """Whether its parameters are a factor and a shift for each feature, whose gradients are no stage of the flow."""
    return "norm" in kind and kind != "weight_norm"


def curves_by_layer(model: Model, column: str) -> dict[str, dict[int, float]]:
    curves = {path: model.curve(path, column) for path in model.layers}
    # On a logarithmic axis there is no place for 0.
    curves = {path: {step: value for step, value in curve.items() if value > 0} for path, curve in curves.items()}
    return {path: curve for path, curve in curves.items() if curve}


def draw_gradients(axes, model: Model, options) -> None:
    import matplotlib

    norms = curves_by_layer(model, "gradient_norm")
    places = {path: place for place, path in enumerate(norms)}
    steps = spread(sorted(set().union(*norms.values())), STEPS_SHOWN)
    colors = matplotlib.colormaps["viridis"]
    for index, step in enumerate(steps):
        color = colors(0.9 * index / max(len(steps) - 1, 1))
        for norm, style in ((False, {"linewidth": 1.3, "label": f"step {step}"}),
                            (True, {"linestyle": "none", "markerfacecolor": "white"})):
            shown = [path for path in norms if is_norm(model.kinds[path]) is norm and step in norms[path]]
            if shown:
                axes.plot([places[path] for path in shown], [norms[path][step] for path in shown], color=color,
                          marker="o", markersize=4, gid=f"{model.name}-gradient{'-of-norms' if norm else ''}-{step}",
                          **style)
    named = range(0, len(norms), math.ceil(len(norms) / MOST_NAMES) or 1)
    names = [f"{path} {model.kinds[path]}" for path in norms]
    axes.set_xticks(named, [names[place] for place in named], rotation=90, fontsize=8 if len(norms) <= 30 else 7)
    axes.set_yscale("log")
    handles = axes.get_legend_handles_labels()[0]
    if handles:
        axes.legend(handles=handles, frameon=False, fontsize=8, ncol=STEPS_SHOWN, handlelength=1, columnspacing=1,
                    loc="lower center", bbox_to_anchor=(0.5, 0.98))


def draw_updates(axes, model: Model, options) -> None:
    import matplotlib

    ratios = curves_by_layer(model, "update_ratio")
    colors = matplotlib.colormaps["plasma"]
    lines = []
    for index, (path, curve) in enumerate(ratios.items()):
        marker = {"marker": "o"} if len(curve) == 1 else {}
        lines += axes.plot(list(curve), list(curve.values()), linewidth=1.3,
                           color=colors(0.85 * index / max(len(ratios) - 1, 1)), label=f"{path} {model.kinds[path]}",
                           linestyle=(0, (3, 1.5)) if is_norm(model.kinds[path]) else "-",
                           gid=f"{model.name}-update-{path}", **marker)
    axes.axhline(USUAL_RATIO, color="#888888", linewidth=0.8, linestyle=":")
    axes.set_yscale("log")
    axes.set_xlabel("step")
    if lines:
        axes.legend(handles=spread(lines, LAYERS_NAMED), frameon=False, fontsize=8, ncol=3, loc="upper center",
                    bbox_to_anchor=(0.5, -0.2))


def draw(models: list[Model], title: str, options):
    plotting.set_style()
    import matplotlib.pyplot as plt
    from matplotlib.ticker import MaxNLocator

    rows = ((draw_percentiles, "pre-activation\n(15, 50, 85th percentile)"), (draw_gradients, "norm of the gradient"),
            (draw_updates, "update / weights (norms)"))
    names = max(len(curves_by_layer(model, "gradient_norm")) for model in models)
    width = min(WIDEST, max(NARROWEST, NAME_WIDTH * min(names, MOST_NAMES)))
    bands = math.ceil(len(models) / (WIDEST // width))
    columns = math.ceil(len(models) / bands)
    figure = plt.figure(figsize=(max(6.4, width * columns), 9.6 * bands), constrained_layout=True)
    grid = figure.add_gridspec(len(rows) * bands, columns)
    for kind, (draw_panel, label) in enumerate(rows):
        first = None
        for index, model in enumerate(models):
            band, column = divmod(index, columns)
            axes = figure.add_subplot(grid[band * len(rows) + kind, column], sharey=first)
            first = first or axes
            draw_panel(axes, model, options)
            plotting.tidy(axes)
            if draw_panel is not draw_gradients:
                axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, min_n_ticks=1))
            if column == 0:
                axes.set_ylabel(label)
    figure.suptitle(title)
    return figure


def main(arguments: list[str]) -> None:
    parser = plotting.argument_parser(__doc__, "layers")
    parser.add_argument("--layer", metavar="PATH",
                        help="show the input of this layer in place of that of the last activation: 2, or 3.body.1, or "
                             "output (the logits)")
    parser.add_argument("--unit", action="store_true", help="show the percentiles of one unit, the middle one")
    options = plotting.parse_arguments(parser, arguments)
    runs = [Run(directory) for directory in options.dirs]
    chosen = plotting.chosen_arms(options, runs)
    labels = run_labels(runs) if len(runs) > 1 else [""]
    models = [model for index, (run, label) in enumerate(zip(runs, labels))
              for model in models_of(run, label, f"run{index}-" if len(runs) > 1 else "", chosen)]
    plotting.require_matplotlib()
    title = plotting.subject(runs) or "Training"
    figure = draw(models, plotting.wrapped(f"{title}: inside the layers"), options)
    for path in plotting.save(figure, plotting.out_prefix(options, "layers")):
        print(f"wrote {path}")


if __name__ == "__main__":
    sys.exit(plotting.run_script(main, sys.argv[1:]))
