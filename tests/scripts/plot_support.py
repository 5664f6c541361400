"""Runs made up for the tests of the scripts that plot them, and what these made of them."""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "plot_losses.py"
sys.path.insert(0, str(SCRIPT.parent))

import plotting
from run_logs import ARMS

HEADER = "epoch,step,train_loss,train_accuracy,val_loss,val_accuracy,learning_rate,seconds\n"
ROWS = ["0,0,,,2.3,0.1,0.001,0\n", "1,1500,0.3,0.91,0.17,0.95,0.001,1.5\n", "2,3000,0.1,0.97,0.12,0.96,0.001,1.5\n"]

PYTHONS = (sys.executable, os.environ.get("KEEL_PYTHON"), "/usr/bin/python3", "/usr/local/bin/python3")
HAVE_MATPLOTLIB = any(python and plotting.has_matplotlib(python) for python in PYTHONS)


class PlotTest(unittest.TestCase):
    script = SCRIPT

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def run_dir(self, name="run", arms=("no_bn", "bn"), rows=ROWS, config=None):
        for arm in arms:
            folder = self.folder / name / arm
            folder.mkdir(parents=True)
            (folder / "epochs.csv").write_text(HEADER + "".join(rows))
            if config is not None:
                (folder / "config.json").write_text(json.dumps(config))
        return self.folder / name

    def train_dir(self, name="train", rows=ROWS, config=None):
        """A run of keel-train."""
        folder = self.folder / name
        folder.mkdir(parents=True)
        (folder / "epochs.csv").write_text(HEADER + "".join(rows))
        if config is not None:
            (folder / "config.json").write_text(json.dumps(config))
        return folder

    def csv(self, text):
        path = self.folder / "epochs.csv"
        path.write_text(text)
        return path

    def plot(self, *arguments, **environment):
        """Runs the script as a user does."""
        return subprocess.run([sys.executable, str(self.script), *map(str, arguments)], capture_output=True, text=True,
                              check=False, env={**os.environ, **environment})

    def expect(self, code, message, *arguments):
        result = self.plot(*arguments)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertIn(message, result.stderr)
        self.assertNotIn("Traceback", result.stderr)
        return result

    def drawn(self, prefix):
        """The ids of what was drawn, from the SVG; the PNG must be one."""
        self.assertEqual(prefix.with_suffix(".png").read_bytes()[:8], b"\x89PNG\r\n\x1a\n")
        self.svg = prefix.with_suffix(".svg").read_text(encoding="utf-8")
        return re.findall(rf'id="((?:{"|".join([*ARMS, "model"])})-[^"]+)"', self.svg)

    def style(self, gid):
        return re.search(rf'id="{gid}">\s*<path [^>]*style="([^"]*)"', self.svg).group(1)


def config(seed=1, data="mnist", **options):
    return {"data": {"name": data}, "model": {"name": "mlp"}, "options": {"seed": seed, **options}}


def train_config(seed=1, model="lenet5", name=None, description=None, **options):
    """name is empty for a model that a file describes."""
    return {"program": "keel-train", "data": {"name": "mnist"},
            "model": {"name": model if name is None else name, "description": description},
            "options": {"model": model, "seed": seed, **options}}
