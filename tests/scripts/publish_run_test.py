"""scripts/publish_run.py: what it puts into the documentation from a run, in a copy of it."""

import contextlib
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
sys.dont_write_bytecode = True

import publish_run


class PublishRunTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        for name, value in {"ROOT": self.root, "README": self.root / "README.md",
                            "RECORD": self.root / "docs/mnist_bn.json"}.items():
            patch = mock.patch.object(publish_run, name, value)
            patch.start()
            self.addCleanup(patch.stop)
        publish_run.README.write_text(f"before\n{publish_run.BEGIN}old\n{publish_run.END}\nafter\n")

    def run_dir(self, options=None, arm=None, data="mnist", jobs=1):
        run = self.root / "run"
        (run / "bn").mkdir(parents=True, exist_ok=True)
        config = {"options": options or {}, "threads": 2, "jobs": jobs, "isa": "v3", "version": "1", "compiler": "c",
                  "started": "now"}
        (run / "bn/config.json").write_text(json.dumps(config))
        results = {key: 0.25 for _, key, _ in publish_run.ROWS} | {"epochs_to_97_percent": None} | (arm or {})
        sizes = {part: {"examples": size} for part, size in (("training", 40), ("validation", 20), ("test", 10))}
        (run / "summary.json").write_text(json.dumps({"data": {"name": data, "source": "/home/me", **sizes},
                                                      "arms": {"no_bn": results, "bn": results}}))
        (run / "losses.png").write_bytes(b"png")
        return run

    def test_a_run_of_other_norms(self):
        run = self.run_dir()
        summary = json.loads((run / "summary.json").read_text())
        summary["arms"]["layer"] = summary["arms"].pop("bn")
        (run / "summary.json").write_text(json.dumps(summary))
        with self.assertRaises(SystemExit) as caught:
            self.publish(run)
        self.assertIn("expected a run of no_bn and bn, found no_bn, layer", str(caught.exception))

    def publish(self, *arguments):
        with mock.patch.object(sys, "argv", ["publish_run.py", *map(str, arguments)]), \
             contextlib.redirect_stderr(io.StringIO()):
            publish_run.main()

    def test_table_and_record(self):
        self.publish(self.run_dir({"data": "/home/me", "model": "mlp", "epochs": 10, "lr": 0.001, "seed": 1,
                                   "overwrite": True}))
        readme = publish_run.README.read_text()
        self.assertTrue(readme.startswith("before\n") and readme.endswith("after\n"))
        self.assertIn("`keel-mnist-bn --model mlp --epochs 10 --seed 1` on 2 threads (v3): 40 training, 20 validation",
                      readme)
        self.assertIn("| test accuracy | 25.00% | 25.00% |\n", readme)
        self.assertIn("| epochs until 97 % validation accuracy | never | never |\n", readme)
        self.assertNotIn("/home/me", publish_run.RECORD.read_text())
        self.assertEqual((self.root / "docs/mnist_bn.png").read_bytes(), b"png")
        self.publish("--check")

    def test_check_finds_a_figure_typed_by_hand(self):
        self.publish(self.run_dir())
        publish_run.README.write_text(publish_run.README.read_text().replace("25.00%", "99.00%", 1))
        with self.assertRaises(SystemExit) as caught:
            self.publish("--check")
        self.assertIn("the table differs from docs/mnist_bn.json", str(caught.exception))

    def test_options_as_one_would_type_them(self):
        for value, typed in ((10, ["--x 10"]), ("10", ["--x 10"]), (10.0, ["--x 10"]), (1, ["--x 1"]), (0, ["--x 0"]),
                             (0.001, ["--x 0.001"]), ("1e-5", ["--x 1e-5"]), (True, ["--x"]), ("true", ["--x"]),
                             (False, []), ("false", []), ("mlp", ["--x mlp"])):
            with self.subTest(value=value):
                self.assertEqual(publish_run.as_typed("x", value), typed)

    def test_what_is_not_published(self):
        for made, message in (({"data": "synthetic"}, "expected a run on MNIST, found synthetic"),
                              ({"arm": {"diverged": "loss is nan"}}, "without a failure, found no_bn: loss is nan"),
                              ({"arm": {"failed": "disk full"}}, "without a failure, found no_bn: disk full"),
                              ({"jobs": 2}, "expected seconds of one model at a time, found --jobs 2")):
            with self.assertRaises(SystemExit) as caught:
                self.publish(self.run_dir(**made))
            self.assertIn(message, str(caught.exception))
        self.assertFalse(publish_run.RECORD.exists())


if __name__ == "__main__":
    unittest.main(buffer=True)
