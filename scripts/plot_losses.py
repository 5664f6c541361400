#!/usr/bin/env python3
"""Plots runs of keel-train and keel-mnist-bn: loss and accuracy by epoch, of training and of validation.

Each DIR is a run's directory, finished or still being written: of keel-train with DIR/epochs.csv, of keel-mnist-bn with
DIR/no_bn/epochs.csv, DIR/bn/epochs.csv and those of other norms, or some of them. Training curves are dashed and
validation curves solid. Of keel-mnist-bn, the model without normalization is blue, and the one with batch normalization
red; more than these two have markers as well. The epoch of a single run of keel-train that has the lowest validation
loss, that of its checkpoint `best`, is marked. A cross marks the epoch in which a model diverged. A run of keel-train
with --norm has the colour of that norm.

Several DIRs are overlaid. If they are one setting with several seeds (by their config.json) each curve is the mean
over the seeds, in a band of one standard deviation on both sides, for the epochs that all of them have. Otherwise each
run has curves of its own, told apart by markers and by colours (keel-train) or lightness (keel-mnist-bn), and is named
by the options that differ or its directory.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys

import plotting
from run_logs import (ARM_MARKERS, ARMS, ARTICLES_ARMS, MODEL, PlotError, Run, are_seeds, arms_of, diverged_text,
                      run_labels)
from study import styles

PARTS = {"train": ("training", (0, (4, 2))), "val": ("validation", "-")}

# Of runs of one model whose norm is not known: neither blue nor red, which tell of batch normalization.
COLORS = tuple(styles.COLORS[name][0] for name in styles.OTHERS if name not in ("blue", "red"))
CURVES = {**ARMS, MODEL: ("", COLORS[0])}
CROSSES_APART = 0.05  # of an axis' height

# Of several runs that are not seeds of one setting, or of many arms: markers (more or fewer than colours, so that the
# pairs of both come again late), and how far the colours of arms go towards white.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">")
LIGHTEST = 0.5

FEW_ARMS = 2  # whose legend has room inside a panel
LEGEND_COLUMNS = 5


def curve(run: Run, arm: str, column: str, first_epoch: int) -> dict[int, float]:
    epochs = run.arms.get(arm, {})
    return {epoch: epochs[epoch][column] for epoch in sorted(epochs) if epoch >= first_epoch}


def dropped_epochs(runs: list[Run], arm: str, first_epoch: int) -> list[int]:
    """Epochs that some of the runs have and others lack: a mean over those that have them would be of other runs."""
    epochs = [{epoch for epoch in run.arms.get(arm, {}) if epoch >= first_epoch} for run in runs]
    return sorted(set.union(*epochs) - set.intersection(*epochs))


def mean_curve(curves: list[dict[int, float]]) -> tuple[list[int], list[float], list[float]]:
    """Epochs that all the curves have, and the mean and the sample standard deviation of each."""
    epochs = sorted(set.intersection(*(set(one) for one in curves)))
    columns = [[one[epoch] for one in curves] for epoch in epochs]
    means = [statistics.fmean(values) for values in columns]
    # statistics.stdev refuses NaN.
    deviations = [math.sqrt(sum((value - mean) ** 2 for value in values) / max(len(values) - 1, 1))
                  for values, mean in zip(columns, means)]
    return epochs, means, deviations


def joined(*words: str) -> str:
    return ", ".join(word for word in words if word)


def arm_label(runs: list[Run], arm: str) -> str:
    diverged = sum(arm in run.diverged for run in runs)
    name = arms_of(runs).get(arm, "")
    return joined(name, f"{diverged} of {len(runs)} diverged") if diverged and len(runs) > 1 else name


def model_color(run: Run) -> str:
    """Of a run of one model: that of its norm, as an arm of several has it."""
    return ARMS[run.norm_arm][1] if run.norm_arm else COLORS[0]


def mark_diverged(axes, runs: list[Run], colors: list[dict[str, str]], quantity: str, first_epoch: int,
                  labelled: bool = False) -> None:
    """A cross at the epoch in which a model diverged: at the top for a loss, at the bottom for an accuracy."""
    places: list[int] = []
    for index, run in enumerate(runs):
        for arm, epoch in run.diverged.items():
            place = max(epoch or max(run.arms[arm], default=0) + 1, first_epoch)
            inwards = 0.03 + CROSSES_APART * places.count(place)
            places.append(place)
            name = joined(arms_of(runs).get(arm, ""), diverged_text(epoch)).replace(", ", " ")
            axes.plot([place], [1 - inwards if quantity == "loss" else inwards], transform=axes.get_xaxis_transform(),
                      color=colors[index][arm], marker="x", markersize=7, markeredgewidth=2, linestyle="none",
                      zorder=5, label=name if labelled else None, gid=f"{arm}-diverged_{quantity}-run{index}")


def arm_marker(arms: list[str], arm: str, epochs: int) -> dict:
    """Not at the same epochs for all arms: where curves are close, each is seen."""
    step = max(1, epochs // 10)
    index = arms.index(arm)
    return {"marker": ARM_MARKERS[arm], "markersize": 4.5, "markevery": (index % step, step)}


def draw_mean(axes, runs: list[Run], quantity: str, scale: float, first_epoch: int) -> None:
    """One run, or the mean over the seeds of one setting. quantity is loss or accuracy."""
    arms = list(arms_of(runs))
    colors = {arm: color for arm, (_, color) in CURVES.items()} | {MODEL: model_color(runs[0])}
    for arm, color in colors.items():
        for part, (part_name, dashes) in PARTS.items():
            column = f"{part}_{quantity}"
            curves = [{epoch: scale * value for epoch, value in curve(run, arm, column, first_epoch).items()}
                      for run in runs]
            epochs, means, deviations = mean_curve(curves)
            if not epochs:
                continue
            # One epoch is a point, not a line.
            marker = {"marker": "o", "markerfacecolor": "white" if part == "train" else color}
            style = marker if len(epochs) == 1 else {}
            if len(arms) > FEW_ARMS:
                style = arm_marker(arms, arm, len(epochs)) | {"markerfacecolor": marker["markerfacecolor"]}
            axes.plot(epochs, means, color=color, linestyle=dashes, linewidth=1.8, gid=f"{arm}-{column}",
                      label=joined(arm_label(runs, arm), part_name), **style)
            if len(curves) > 1:
                low = [mean - deviation for mean, deviation in zip(means, deviations)]
                high = [mean + deviation for mean, deviation in zip(means, deviations)]
                axes.fill_between(epochs, low, high, color=color, alpha=0.2, linewidth=0, gid=f"{arm}-{column}-band")
    mark_diverged(axes, runs, [colors] * len(runs), quantity, first_epoch, len(runs) == 1)
    if len(runs) == 1:
        mark_best(axes, runs[0], quantity, scale, first_epoch)


def mark_best(axes, run: Run, quantity: str, scale: float, first_epoch: int) -> None:
    best = run.best_epoch
    if best is None or best < first_epoch:
        return
    axes.plot([best], [scale * run.arms[MODEL][best][f"val_{quantity}"]], color=model_color(run), linestyle="none",
              marker="o", markersize=7, markerfacecolor="white", markeredgewidth=1.8, gid=f"{MODEL}-best_{quantity}",
              label=f"lowest validation loss, epoch {best}")


def lighter(color: str, index: int, count: int) -> str:
    share = LIGHTEST * index / max(count - 1, 1)
    channels = (int(color[at:at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(channel + share * (255 - channel)):02x}" for channel in channels)


def run_colors(runs: list[Run]) -> list[dict[str, str]]:
    """For each run, the colour of each of its curves, and as "run" its own: in grey if its arms have colours."""
    single = [run for run in runs if MODEL in run.arms]
    paired = [run for run in runs if MODEL not in run.arms]
    norms = [run.norm_arm for run in single]
    by_norm = None not in norms and len(set(norms)) == len(norms)
    taken = {ARMS[arm][1] for arm in arms_of(runs)}
    free = [color for color in COLORS if color not in taken]
    colors = []
    for run in runs:
        if MODEL in run.arms:
            color = model_color(run) if by_norm else free[single.index(run) % len(free)]
            colors.append({MODEL: color, "run": color})
        else:
            base = {"run": "#333333", **{arm: color for arm, (_, color) in ARMS.items()}}
            colors.append({name: lighter(color, paired.index(run), len(paired)) for name, color in base.items()})
    return colors


def draw_each(axes, runs: list[Run], quantity: str, scale: float, first_epoch: int) -> None:
    """Runs that are no seeds of one setting: nothing is averaged."""
    for index, (run, colors) in enumerate(zip(runs, run_colors(runs))):
        for arm in run.arms:
            for part, (_, dashes) in PARTS.items():
                column = f"{part}_{quantity}"
                values = curve(run, arm, column, first_epoch)
                if not values:
                    continue
                axes.plot(list(values), [scale * value for value in values.values()], color=colors[arm],
                          linestyle=dashes, linewidth=1.3, marker=MARKERS[index % len(MARKERS)], markersize=4.5,
                          markerfacecolor="white" if part == "train" else colors[arm],
                          markevery=max(1, len(values) // 10), gid=f"{arm}-{column}-run{index}")
    mark_diverged(axes, runs, run_colors(runs), quantity, first_epoch)


def legends_of_arms(figure, runs: list[Run]) -> None:
    """Below the panels: what colours and markers mean, and dashes."""
    from matplotlib.lines import Line2D

    arms = list(arms_of(runs))
    entries = [Line2D([], [], color=ARMS[arm][1], linewidth=1.8, label=arm_label(runs, arm),
                      **arm_marker(arms, arm, 1)) for arm in arms]
    entries += [Line2D([], [], color="#555555", linestyle=dashes, label=name) for name, dashes in PARTS.values()]
    entries += [Line2D([], [], color=ARMS[arm][1], marker="x", markeredgewidth=2, linestyle="none",
                       label=f"{ARMS[arm][0]} {diverged_text(epoch)}")
                for arm, epoch in (runs[0].diverged.items() if len(runs) == 1 else ())]
    figure.legend(handles=entries, ncol=LEGEND_COLUMNS, frameon=False, loc="lower center")


def legend_rows(entries: int) -> int:
    return math.ceil(entries / LEGEND_COLUMNS)


def legends_of_each(loss, accuracy, runs: list[Run]) -> None:
    """Below the panels, where they hide no curve: what colours and dashes mean, and which run has which marker."""
    from matplotlib.lines import Line2D

    names = arms_of(runs)
    arms = [Line2D([], [], color=ARMS[arm][1], label=name) for arm, name in names.items()]
    parts = [Line2D([], [], color="#555555", linestyle=dashes, label=name) for name, dashes in PARTS.values()]
    entries = []
    for index, (run, label, colors) in enumerate(zip(runs, run_labels(runs), run_colors(runs))):
        diverged = " and ".join(" ".join(filter(None, (names.get(arm), diverged_text(epoch))))
                                for arm, epoch in run.diverged.items())
        entries.append(Line2D([], [], color=colors["run"], marker=MARKERS[index % len(MARKERS)],
                              label=f"{label} ({diverged})" if diverged else label))
    place = {"frameon": False, "loc": "upper center", "bbox_to_anchor": (0.5, -0.14)}
    loss.legend(handles=arms + parts, ncol=2, **place)
    accuracy.legend(handles=entries, **place)


def compared(runs: list[Run]) -> str:
    """Which norms, in words."""
    arms = arms_of(runs)
    if set(arms) <= set(ARTICLES_ARMS):
        words = {"bn": "with", "no_bn": "without"}
        return " and ".join(word for arm, word in words.items() if arm in arms) + " batch normalization"
    kinds = [name for arm, name in arms.items() if arm != "no_bn"]
    with_norm = f"with {kinds[0] if len(kinds) == 1 else f'{len(kinds)} kinds of normalization'}"
    return f"without normalization and {with_norm}" if "no_bn" in arms else with_norm


def figure_title(runs: list[Run]) -> str:
    title = plotting.subject(runs)
    if all(MODEL not in run.arms for run in runs):
        norm = compared(runs)
        title = f"{title}, {norm}" if title else norm.capitalize()
    title = title or "Training"
    if len(runs) > 1:
        title += f" ({len(runs)} seeds, mean ± 1 sd)" if are_seeds(runs) else f" ({len(runs)} runs)"
    return plotting.wrapped(title)


def draw(runs: list[Run], options):
    plotting.set_style()
    import matplotlib.pyplot as plt
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

    together = len(runs) == 1 or are_seeds(runs)
    arms = arms_of(runs)
    below = together and len(arms) > FEW_ARMS
    crosses = len(runs[0].diverged) if len(runs) == 1 else 0
    rows = legend_rows(len(arms) + len(PARTS) + crosses) if below else 0
    entries = max(len(runs), math.ceil((len(arms) + len(PARTS)) / 2), 2)
    height = 4.0 + 0.25 * rows if together else 4.4 + 0.2 * entries
    figure, (loss, accuracy) = plt.subplots(1, 2, figsize=(9.6, height), constrained_layout=True)
    figure.set_constrained_layout_pads(w_pad=0.1, h_pad=0.1)
    if below:
        figure.get_layout_engine().set(rect=(0, 0.25 * rows / height, 1, 1 - 0.25 * rows / height))
    draw_curves = draw_mean if together else draw_each
    draw_curves(loss, runs, "loss", 1, options.from_epoch)
    draw_curves(accuracy, runs, "accuracy", 100, options.from_epoch)
    loss.set_ylabel("cross-entropy loss")
    accuracy.set_ylabel("accuracy (%)")
    for axes in (loss, accuracy):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.set_xlabel("epoch")
        plotting.tidy(axes)
    if options.log:
        loss.set_yscale("log")
        loss.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        loss.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        loss.yaxis.set_minor_formatter(NullFormatter())
    else:
        low, high = loss.get_ylim()
        loss.set_ylim(0, high + 0.05 * max(low, 0))
    if below:
        legends_of_arms(figure, runs)
    elif together:
        loss.legend(frameon=False)
    else:
        legends_of_each(loss, accuracy, runs)
    figure.suptitle(figure_title(runs))
    return figure


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = plotting.argument_parser(__doc__, "losses")
    parser.add_argument("--from-epoch", type=int, default=1, metavar="N",
                        help="first epoch to show (default: 1; 0 is the untrained model, whose loss is far above)")
    parser.add_argument("--log", action="store_true", help="logarithmic axis for the loss")
    return plotting.parse_arguments(parser, arguments)


def require_epochs(runs: list[Run], first_epoch: int) -> None:
    """Says which epochs a mean leaves out; an error if nothing is left to be drawn."""
    epochs = {arm: {epoch for run in runs for epoch in run.arms.get(arm, {}) if epoch >= first_epoch} for arm in CURVES}
    if not any(epochs.values()):
        diverged = sorted({epoch for run in runs for epoch in run.diverged.values()})
        raise PlotError(f"{runs[0].directory}: expected epochs from {first_epoch} on, found none"
                        + (f": {diverged_text(diverged[0])}; --from-epoch 0 shows the untrained model" if diverged
                           else " yet"))
    if len(runs) == 1 or not are_seeds(runs):
        return
    names = arms_of(runs)
    for arm in CURVES:
        dropped = dropped_epochs(runs, arm, first_epoch)
        lacking = [str(run.directory) for run in runs if not set(dropped) <= set(run.arms.get(arm, {}))]
        epochs[arm] -= set(dropped)
        if dropped:
            span = f"epoch {dropped[0]}" if len(dropped) == 1 else f"epochs {dropped[0]} to {dropped[-1]}"
            place = f"{names[arm]}: " if arm in names else ""
            print(f"warning: {place}the mean leaves out {span}, not all in {', '.join(lacking)}", file=sys.stderr)
    if not any(epochs.values()):
        raise PlotError(f"{runs[0].directory}: expected an epoch that all seeds have, found none")


def main(arguments: list[str]) -> None:
    options = parse_arguments(arguments)
    runs = plotting.runs_of(options)
    plotting.require_matplotlib()
    require_epochs(runs, options.from_epoch)
    for path in plotting.save(draw(runs, options), plotting.out_prefix(options, "losses")):
        print(f"wrote {path}")


if __name__ == "__main__":
    sys.exit(plotting.run_script(main, sys.argv[1:]))
