"""What is compared, and what the rounds find about it. Names are those of keel-bench's benchmarks, without threads."""

from __future__ import annotations

import json
import statistics

THREADS = (1, 2)

CONVOLUTIONS = ("64x28x28x1x32", "64x28x28x32x32", "64x14x14x32x64", "64x14x14x64x64")
IN_CACHE, OUT_OF_CACHE = "64x14x14x64", "512x28x28x32"
MEMORY = "step/cnn/bn/batch:64"


def steps():
    for model, batches in (("mlp", (32, 128, 512)), ("cnn", (32, 64, 128))):
        for norm in ("no_bn", "bn"):
            for batch in batches:
                yield f"step/{model}/{norm}/batch:{batch}"


def operations():
    for shape in CONVOLUTIONS:
        yield f"op/conv2d_forward/{shape}"
        # Nobody wants the gradient of the images themselves.
        if "x1x" in shape:
            yield f"op/conv2d_weight_only_backward/{shape}"
            continue
        yield f"op/conv2d_backward/{shape}"
        yield f"op/conv2d_direct_forward/{shape}"
        yield f"op/conv2d_direct_backward/{shape}"
    for shape in (IN_CACHE, OUT_OF_CACHE):
        for kind in ("batch_norm", "batch_norm_relu"):
            yield f"op/{kind}_forward/{shape}"
            yield f"op/{kind}_backward/{shape}"
    for batch in (32, 128, 512):
        yield f"op/dense_forward/{batch}x784x128"
        yield f"op/dense_backward/{batch}x784x128"
    yield "op/adam_step/mlp"
    yield "op/adam_step/cnn"


def compared():
    return [*steps(), *operations()]


def peak_of(name):
    """The peak that bounds Keel's speed, and in what it is counted; None where neither does, as in a cache."""
    if name.startswith(("op/conv2d", "op/dense", "peak/fma")):
        return "peak/fma", "GFLOP/s"
    if OUT_OF_CACHE in name or name == "peak/copy":
        return "peak/copy", "GB/s"
    return None


def with_threads(name, threads):
    return f"{name}/threads:{threads}"


class Result:
    """What the rounds have found about one piece of work at one number of threads."""

    def __init__(self, name, threads):
        self.name, self.threads = name, threads
        self.seconds = {"keel": [], "pytorch": []}  # a number for each round
        self.rates = {}  # what Keel counts, such as GFLOP/s: a number for each round
        self.peaks = []  # the machine's, in the same unit, measured just before Keel in each round
        self.errors = {}
        self.variant = ""  # how PyTorch does it fastest

    def add(self, framework, answer):
        if "error" in answer:
            self.errors[framework] = answer["error"]
            return
        self.seconds[framework].append(statistics.median(answer["seconds"]))
        for counter, value in answer.get("counters", {}).items():
            self.rates.setdefault(counter, []).append(value)
        self.variant = answer.get("variant", self.variant)

    def median(self, framework):
        return statistics.median(self.seconds[framework]) if self.seconds[framework] else None

    def ratios(self):
        """PyTorch's time by Keel's, of each round."""
        return [b / a for a, b in zip(self.seconds["keel"], self.seconds["pytorch"])]

    def ratio(self):
        keel, pytorch = self.median("keel"), self.median("pytorch")
        return pytorch / keel if keel and pytorch else None

    def percent_of_peak(self):
        """How much of the machine's peak Keel reaches, the median of the rounds; None without a peak."""
        if not self.peaks:
            return None
        _, unit = peak_of(self.name)
        return 100 * statistics.median(rate / peak for rate, peak in zip(self.rates[unit], self.peaks))

    def to_json(self):
        """What from_json() takes; numbers to six digits, which is more than was measured."""
        return json.loads(json.dumps(vars(self)), parse_float=lambda text: float(f"{float(text):.6g}"))

    @staticmethod
    def from_json(record):
        result = Result(record["name"], record["threads"])
        vars(result).update(record)
        return result


class Results:
    """All of them, by name and threads."""

    def __init__(self, results=()):
        self.all = {(result.name, result.threads): result for result in results}

    def at(self, name, threads):
        """The result to add to, made if need be."""
        return self.all.setdefault((name, threads), Result(name, threads))

    def find(self, name, threads):
        """A result that was measured without an error, or None."""
        result = self.all.get((name, threads))
        return result if result and not result.errors and result.seconds["keel"] else None
