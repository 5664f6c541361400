"""What bench/compare_pytorch.py measures, and what comes of it."""

import statistics

THREADS = (1, 2)


def names():
    """Names of the work, without threads: those of keel-bench's benchmarks and of pytorch_work.py."""
    for norm in ("no_bn", "bn"):
        for batch in (32, 128, 512):
            yield f"step/mlp/{norm}/batch:{batch}"
    for norm in ("no_bn", "bn"):
        for batch in (32, 64, 128):
            yield f"step/cnn/{norm}/batch:{batch}"


def with_threads(name, threads):
    return f"{name}/threads:{threads}"


class Result:
    """What the rounds have found about one piece of work at one number of threads."""

    def __init__(self, name, threads):
        self.name, self.threads = name, threads
        self.seconds = {"keel": [], "pytorch": []}  # a number for each round
        self.error = {}
        self.variant = ""

    def add(self, framework, answer):
        if "error" in answer:
            self.error[framework] = answer["error"]
            return
        self.seconds[framework].append(statistics.median(answer["seconds"]))
        self.variant = answer.get("variant", self.variant)

    def median(self, framework):
        seconds = self.seconds[framework]
        return statistics.median(seconds) if seconds else None

    def ratios(self):
        """PyTorch's time by Keel's, of each round."""
        return [b / a for a, b in zip(self.seconds["keel"], self.seconds["pytorch"])]

    def ratio(self):
        keel, pytorch = self.median("keel"), self.median("pytorch")
        return pytorch / keel if keel and pytorch else None
