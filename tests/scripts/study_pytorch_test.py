"""scripts/study_pytorch.py: each of its trainings, cut to a few steps on noise."""

import contextlib
import gzip
import io
import json
import os
import random
import re
import struct
import sys
import tempfile
import types
import unittest
from pathlib import Path

try:
    import torch
except ModuleNotFoundError:
    print("without PyTorch nothing to test")
    sys.exit(0)

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import study_pytorch

NAMES = ("regularization", "keras-example", "paper-mnist", "bn-helps-rnns", "small-batches", "very-deep-networks",
         "calibrated-averages", "consistent-inference", "smooths-the-loss")


VARIANTS = (", random images", ", 48,000 images", ", black and white pixels", ", 10 groups", ", 4 groups",
            ", none behind the last", ", medians", ", momentum 0", ", 1,200 steps", ", one epoch, batches of 64",
            ", one epoch, batches of 64, first 5,000 test images")
PUBLISHED = Path(__file__).resolve().parents[2] / "docs" / "claims.json"


def write(path, shape, content):
    path.write_bytes(gzip.compress(bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + content))


class StudyPytorch(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def run_all(self, *arguments):
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            study_pytorch.main([*arguments, "--data", str(self.folder), "--seeds", "2", "--steps", "2"])
        return said.getvalue().splitlines()

    def check_labels(self, lines):
        """Pages put numbers of one name side by side."""
        named = {claim["id"]: {re.sub(r" \(\d of \d diverged\)$", "", number["label"]) for number in claim["numbers"]}
                 for claim in json.loads(PUBLISHED.read_text(encoding="utf-8"))["claims"]}
        for line in lines:
            claim, label = line.rpartition(": ")[0].split(", ", 1)
            self.assertIn(re.sub(f"({'|'.join(VARIANTS)})$", "", label), named[claim])

    def test_trains_every_setting(self):
        noise = random.Random(1)
        for part, count in (("train", 48100), ("t10k", 300)):
            write(self.folder / f"{part}-images-idx3-ubyte.gz", (count, 28, 28), noise.randbytes(count * 784))
            write(self.folder / f"{part}-labels-idx1-ubyte.gz", (count,),
                  bytes(noise.randrange(10) for _ in range(count)))
        lines = self.run_all(*NAMES)
        for line in lines:
            words, _, numbers = line.rpartition(": ")
            self.assertIn(words.split(",")[0], NAMES)
            self.assertEqual(len([float(number) for number in numbers.split()]), 2, line)
        self.assertEqual({line.split(",")[0] for line in lines}, set(NAMES))
        self.assertEqual(lines, self.run_all(*NAMES))

        # Times are not the same again.
        times = self.run_all("overhead", "--out", str(self.folder))
        times += self.run_all("dropout-slows-training", "--out", str(self.folder))
        self.assertEqual(len(times), 8 + 4)
        self.check_labels(lines + times)
        self.run_all("bn-helps-rnns", "layer-norm-for-rnns", "--out", str(self.folder))
        kept = json.loads((self.folder / "pytorch.json").read_text())
        self.assertEqual((kept["pytorch"], kept["steps"]), (torch.__version__, 2))
        self.assertEqual(kept["data"]["training"]["examples"], 48100)
        self.assertEqual(list(kept["claims"]),
                         ["overhead", "dropout-slows-training", "bn-helps-rnns", "layer-norm-for-rnns"])
        self.assertEqual(kept["claims"]["bn-helps-rnns"], kept["claims"]["layer-norm-for-rnns"])
        self.assertEqual(kept["claims"]["overhead"][1]["label"], "microseconds for a step of training, width 100, BN")
        for number in sum(kept["claims"].values(), []):
            self.assertEqual(len(number["values"]), 2)
        other = {**kept, "pytorch": "0.1"}
        for text, message in (("{", "pytorch.json: expected what an earlier call wrote, found"),
                              ("[]", "pytorch.json: expected what an earlier call wrote, found something else"),
                              (json.dumps(other), f'pytorch: expected "{torch.__version__}", found "0.1"; remove it')):
            (self.folder / "pytorch.json").write_text(text)
            with self.assertRaisesRegex(SystemExit, re.escape(message)):
                self.run_all("overhead", "--out", str(self.folder))
            self.assertEqual((self.folder / "pytorch.json").read_text(), text)
        with self.assertRaisesRegex(SystemExit, "none/pytorch.json: cannot be written: No such file or directory"):
            self.run_all("overhead", "--out", str(self.folder / "none"))
        self.assertEqual([path.name for path in self.folder.iterdir() if path.name.startswith(".")], [])

    def test_what_diverged_has_no_value(self):
        mnist = types.SimpleNamespace(x=torch.rand(40, 784), y=torch.arange(40) % 10, test_x=torch.rand(20, 784),
                                      test_y=torch.arange(20) % 10)
        runs = study_pytorch.Runs(mnist, 2, 9)
        runs.claim = "a"
        with contextlib.redirect_stdout(io.StringIO()) as said:
            runs.accuracy("x", lambda: study_pytorch.network([8], study_pytorch.nn.ReLU), 1e30, 5, 9)
        self.assertEqual(runs.found, [{"label": "x", "values": [None, None]}])
        self.assertEqual(said.getvalue(), "a, x: diverged diverged\n")

    def test_counts_are_positive(self):
        for option in ("--seeds", "--steps"):
            for word in ("0", "-1", "x"):
                with self.assertRaises(SystemExit) as ended, contextlib.redirect_stderr(io.StringIO()) as said:
                    study_pytorch.main(["overhead", option, word])
                self.assertEqual(ended.exception.code, 2)
                self.assertIn(f"argument {option}: expected", said.getvalue())

    def test_the_data_are_the_study_s(self):
        """Their checksums are those that keel-study has of MNIST."""
        directory = os.environ.get("KEEL_MNIST_DIR")
        if not directory:
            self.skipTest("needs KEEL_MNIST_DIR")
        published = json.loads(PUBLISHED.read_text(encoding="utf-8"))["data"]
        found = study_pytorch.Mnist(Path(directory)).record()
        self.assertEqual(found, {part: published[part] for part in ("training", "test")})

    def test_says_what_is_missing(self):
        with self.assertRaisesRegex(SystemExit, "expected train-images-idx3-ubyte or train-images-idx3-ubyte.gz"):
            self.run_all("regularization")


if __name__ == "__main__":
    unittest.main()
