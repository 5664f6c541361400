"""The tables of bench/compare_pytorch.py, in Markdown."""

from __future__ import annotations

import statistics

from . import targets, work


def duration(seconds):
    for unit, size in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            break
    return three_digits(seconds / size) + " " + unit


def three_digits(value):
    return f"{value:.0f}" if value >= 99.95 else f"{value:.3g}"


def table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(str(cell) for cell in line) + " |\n" for line in lines)


def failure(result):
    return "not measured: " + "; ".join(f"{framework}: {error}" for framework, error in result.errors.items())


def share_in_words(name, percent):
    if percent is None:
        return ""
    peak, _ = work.peak_of(name)
    return f"{percent:.0f} % {'FMA' if peak == 'peak/fma' else 'copy'}"


def comparison(results, names):
    """A row for each piece of work and number of threads."""
    rows = []
    for (name, threads), result in results.all.items():
        if name not in names:
            continue
        title = name.split("/", 1)[1]
        if result.errors or not result.ratios():
            rows.append([title, threads, "", "", "", "", "", failure(result)])
            continue
        ratios, share = result.ratios(), result.percent_of_peak()
        rows.append([title, threads, duration(result.median("keel")), duration(result.median("pytorch")),
                     f"**{result.ratio():.2f}**", f"{min(ratios):.2f} to {max(ratios):.2f}",
                     share_in_words(result.name, share), result.variant])
    header = ["work", "threads", "Keel", "PyTorch", "ratio", "of the rounds", "Keel, of the peak", "PyTorch's way"]
    return table(header, rows) if rows else ""


def best_steps(results):
    """Training steps, both at the number of threads that suits them best."""
    rows = []
    for name in dict.fromkeys(name for name, _ in results.all if name.startswith("step/")):
        keel, pytorch = targets.best(results, name, "keel"), targets.best(results, name, "pytorch")
        if keel and pytorch:
            rows.append([name.split("/", 1)[1], duration(keel), duration(pytorch), f"**{pytorch / keel:.2f}**"])
    return table(["training step", "Keel", "PyTorch", "ratio"], rows) if rows else ""


def peaks(results):
    rows = []
    for name, counter, title in (("peak/fma", "GFLOP/s", "multiply-adds in registers, float32"),
                                 ("peak/copy", "GB/s", "a copy from array to array, bytes read and written")):
        for threads in work.THREADS:
            result = results.find(name, threads)
            if result:
                size = result.rates.get("MiB_of_an_array")
                what = title + (f" ({size[0]:.0f} MiB each)" if size else "")
                rows.append([what, threads, f"{three_digits(statistics.median(result.rates[counter]))} {counter}"])
    return table(["peak", "threads", "measured"], rows) if rows else ""


def memory(entries):
    rows = []
    for entry in entries:
        broken = {framework: entry[framework]["error"] for framework in ("keel", "pytorch") if "error" in entry[framework]}
        for key, title in (("process_MB", "the process"), ("model_MB", "beyond what was held before the model")):
            if broken:
                rows.append([f"{entry['name']}, {title}", entry["threads"], "", "",
                             "; ".join(f"{name}: {error}" for name, error in broken.items()), ""])
                continue
            keel, pytorch = entry["keel"][key], entry["pytorch"][key]
            rows.append([f"{entry['name'].split('/', 1)[1]}, {title}", entry["threads"], f"{keel:.0f} MB",
                         f"{pytorch:.0f} MB", f"{pytorch / keel:.2f}", entry["pytorch"]["variant"]])
    return table(["peak memory", "threads", "Keel", "PyTorch", "ratio", "PyTorch's way"], rows) if rows else ""


def starts(results):
    rows = []
    for (name, threads), result in results.all.items():
        if name.startswith("start/"):
            files = {"start/unpacked": "from unpacked files", "start/gz": "from .gz files"}[name]
            cells = ["", "", failure(result)] if result.errors else [
                duration(result.median("keel")), duration(result.median("pytorch")), f"{result.ratio():.2f}"]
            rows.append([files, threads, *cells])
    return table(["process start to first step", "threads", "Keel", "PyTorch", "ratio"], rows) if rows else ""


def document(record):
    """The whole page, from what a comparison has recorded (compare_pytorch.py, run())."""
    results = work.Results(work.Result.from_json(entry) for entry in record["results"])
    machine = table(["", ""], [[f"{title}", text] for title, text in record["machine"].items()])
    disturbance = record["disturbance"]
    busy = "" if disturbance is None else f" Other programs took {disturbance:.0f} % of the processors meanwhile."
    sections = [
        ("Targets", targets_text(results, record["memory"])),
        ("Training steps, each at its best number of threads", best_steps(results)),
        ("Training steps", comparison(results, set(work.steps()))),
        ("Single operations", comparison(results, set(work.operations()))),
        ("Peaks of this machine", peaks(results)),
        ("Memory", memory(record["memory"])),
        ("Start", starts(results)),
    ]
    intro = HEAD.format(rounds=record["rounds"], busy=busy)
    return intro + "\n" + machine + "".join(f"\n## {title}\n\n{text}" for title, text in sections if text) + "\n" + NOTES


def targets_text(results, memory_entries):
    rows = [row for row in targets.rows(results, memory_entries) if row[2] != "not measured"]
    return table(["work", "target", "measured", "met"], rows) if rows else ""


HEAD = """\
# Performance, beside PyTorch

Written by `bench/compare_pytorch.py`, which runs Keel and PyTorch in turn on the same work: each of {rounds} rounds
measures every piece of work in one and then in the other. Times are medians over the rounds; the ratio is PyTorch's by
Keel's, so above 1 Keel is faster; beside it stand the least and the greatest ratio of a round.{busy}
"""

NOTES = """\
## How to read this

- A training step gathers a shuffled batch from the data set in memory, runs forward, takes the softmax cross-entropy,
  runs backward and Adam, and counts loss and accuracy. The models are `mlp` and `cnn` of `keel/nn/models.h`, built from
  the same layers in PyTorch, in float32.
- PyTorch runs in the way that was fastest in a trial before the first round: memory layout, Adam's `foreach`, and whether
  images are stored as floats or as bytes. It is told its number of threads by the environment and by
  `torch.set_num_threads`.
- Backward is timed without the forward pass before it. `conv2d` has 3x3 kernels, padding 1 and a bias; its sizes are
  images x height x width x input channels x output channels. The first layer of a model needs the gradients of its
  weights only: `conv2d_weight_only`. Its operations are those of the definition, products with the padding included,
  whatever the kernel does: one that needs fewer multiplications can come out above the peak. `conv2d_direct` has the
  sums of the definition (`Conv2dAlgorithm::direct`).
- The peaks are measured just before each piece of work that is compared with them. *FMA* is a loop of
  multiply-adds in registers at the instruction set level of the kernels; *copy* one between arrays larger than the
  caches. For batch_norm the bytes are the least that must move: forward reads x twice and writes y, backward reads x and
  dy twice and writes dx.
- Memory is the most that the process has held, as Linux counts it, in a process of its own for each; in PyTorch with the
  images stored as bytes, as Keel stores them.
- Start is from the start of `keel-mnist-bn`, with its default options, until its progress bar shows the first step. That
  includes the evaluation of the untrained model on all images, which the program logs. PyTorch's program imports torch,
  reads the same files, and makes one step of the same model.
"""
