"""What Keel is meant to reach beside PyTorch, and whether it does by the measurements."""

from __future__ import annotations

import re

from . import work

# In the order of the table: work, what is asked for, and how it is computed.
TARGETS = [
    ("conv2d 3x3 forward and both gradients, 32 to 64 channels", "percent", 85,
     r"op/conv2d_(forward|backward)/\d+x\d+x\d+x(32|64)x\d+"),
    ("conv2d with 1 input channel, forward and weight gradient", "ratio", 3, r"op/conv2d_.*x1x32"),
    ("dense 784x128 forward + backward, batch 128", "percent_together", 80, r"op/dense_.*/128x784x128"),
    ("dense 784x128 forward + backward, batch 32", "percent_together", 55, r"op/dense_.*/32x784x128"),
    ("batch_norm (+ReLU) forward and backward, out of cache", "percent", 70, rf"op/batch_norm.*/{work.OUT_OF_CACHE}"),
    ("mlp training step with BN, batch 32", "best_ratio", 5, r"step/mlp/bn/batch:32"),
    ("mlp training step, batch 512", "best_ratio", 2, r"step/mlp/.*/batch:512"),
    ("cnn training step with BN, batch 64", "best_ratio", 1.6, r"step/cnn/bn/batch:64"),
    ("2 threads against 1, cnn", "speedup", 1.85, r"step/cnn/.*"),
    ("process start to first step, unpacked files", "seconds", 0.15, r"start/unpacked"),
    ("process start to first step, .gz files", "seconds", 0.6, r"start/gz"),
    ("peak memory of the cnn with BN at batch 64", "memory", 1, work.MEMORY),
]

ASKED = {"percent": "≥ {} % of the peak", "percent_together": "≥ {} % of the peak", "ratio": "≥ {}x PyTorch",
         "best_ratio": "≥ {}x PyTorch at its best", "speedup": "≥ {}x", "seconds": "< {} s", "memory": "below PyTorch's"}
SHOWN = {"percent": "{:.0f} %", "percent_together": "{:.0f} %", "ratio": "{:.2f}x", "best_ratio": "{:.2f}x",
         "speedup": "{:.2f}x", "seconds": "{:.3f} s", "memory": "{:.2f} of PyTorch's"}


def names_of(results, pattern):
    return list(dict.fromkeys(name for name, _ in results.all if re.fullmatch(pattern, name)))


def each(results, pattern):
    """Results that were measured, with what to call them."""
    for name in names_of(results, pattern):
        for threads in work.THREADS:
            result = results.find(name, threads)
            if result:
                yield f"{name.split('/', 1)[1]}, {threads} thread{'s' if threads > 1 else ''}", result


def best(results, name, framework):
    """The least median over the numbers of threads."""
    medians = [result.median(framework) for threads in work.THREADS if (result := results.find(name, threads))]
    return min((median for median in medians if median), default=None)


def percents(results, pattern):
    for title, result in each(results, pattern):
        share = result.percent_of_peak()
        if share is not None:
            yield title, share


def percents_together(results, pattern):
    """All the work of one number of threads, as if it were one."""
    for threads in work.THREADS:
        found = [results.find(name, threads) for name in names_of(results, pattern)]
        if not found or not all(found):
            continue
        shares = [result.percent_of_peak() for result in found]
        if None in shares:
            continue
        # Work done is share times time.
        times = [result.median("keel") for result in found]
        done = sum(share * time for share, time in zip(shares, times))
        yield f"{threads} thread{'s' if threads > 1 else ''}", done / sum(times)


def ratios(results, pattern):
    for title, result in each(results, pattern):
        if result.ratio():
            yield title, result.ratio()


def best_ratios(results, pattern):
    for name in names_of(results, pattern):
        keel, pytorch = best(results, name, "keel"), best(results, name, "pytorch")
        if keel and pytorch:
            yield name.split("/", 1)[1], pytorch / keel


def speedups(results, pattern):
    for name in names_of(results, pattern):
        one, two = (results.find(name, threads) for threads in work.THREADS)
        if one and two:
            yield name.split("/", 1)[1], one.median("keel") / two.median("keel")


def seconds(results, pattern):
    for title, result in each(results, pattern):
        yield title, result.median("keel")


MEASURES = {"percent": percents, "percent_together": percents_together, "ratio": ratios, "best_ratio": best_ratios,
            "speedup": speedups, "seconds": seconds}


def memory_shares(memory):
    for entry in memory:
        if "error" not in entry["keel"] and "error" not in entry["pytorch"]:
            for key, title in (("process_MB", "whole process"), ("model_MB", "beyond what was held before the model")):
                yield title, entry["keel"][key] / entry["pytorch"][key]


def rows(results, memory):
    """(work, target, measured, met): the values furthest from and nearest to the target, "yes" or "no"."""
    for title, kind, target, pattern in TARGETS:
        values = list(memory_shares(memory) if kind == "memory" else MEASURES[kind](results, pattern))
        asked = ASKED[kind].format(target)
        if not values:
            yield title, asked, "not measured", ""
            continue
        at_most = kind in ("seconds", "memory")
        values.sort(key=lambda value: value[1], reverse=at_most)
        (where, worst), (_, furthest) = values[0], values[-1]
        form = SHOWN[kind].format
        text = form(worst) if len(values) == 1 else f"{form(worst)} ({where}) to {form(furthest)}"
        yield title, asked, text, "yes" if (worst < target if at_most else worst >= target) else "no"
