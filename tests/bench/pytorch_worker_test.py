"""bench/compare/pytorch_worker.py does the work it is asked for. Needs PyTorch."""

import json
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
sys.dont_write_bytecode = True

from compare import processes

try:
    PYTHON = processes.find_python(None)
except processes.Unusable as error:
    PYTHON, MISSING = None, str(error)

WORK = ["step/mlp/bn/batch:8", "step/cnn/no_bn/batch:4", "op/conv2d_backward/2x5x5x3x4",
        "op/conv2d_weight_only_backward/2x5x5x1x4", "op/batch_norm_forward/2x3x3x4", "op/batch_norm_relu_backward/2x3x3x4",
        "op/dense_forward/2x3x4", "op/dense_backward/2x3x4", "op/adam_step/mlp"]


@unittest.skipUnless(PYTHON, "PyTorch was not found")
class PyTorchWorkerTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.images = Path(folder.name)
        (self.images / "train-images-idx3-ubyte").write_bytes(struct.pack(">4B3I", 0, 0, 8, 3, 40, 28, 28) +
                                                              bytes(range(196)) * 160)
        (self.images / "train-labels-idx1-ubyte").write_bytes(struct.pack(">4BI", 0, 0, 8, 1, 40) + bytes([3, 8] * 20))

    def run_worker(self, command, *arguments, stdin=""):
        result = subprocess.run([PYTHON, "-B", processes.WORKER, command, "1", self.images, *arguments], input=stdin,
                                capture_output=True, text=True, check=True, env=processes.environment(1))
        return [json.loads(line) if line.startswith("{") else line for line in result.stdout.splitlines()]

    def test_serves(self):
        requests = [json.dumps({"name": name, "seconds": 0.002, "repetitions": 2}) for name in [*WORK, "op/nonsense/1"]]
        description, *answers, nonsense = self.run_worker("serve", stdin="\n".join(requests) + "\n")
        self.assertEqual(description["threads"], 1)
        for name, answer in zip(WORK, answers):
            self.assertEqual(answer["name"], name)
            self.assertNotIn("error", answer)
            self.assertEqual(len(answer["seconds"]), 2)
        self.assertIn("error", nonsense)

    def test_single_runs(self):
        self.assertEqual(self.run_worker("start", "step/mlp/bn/batch:8"), ["step"])
        way = json.dumps({"layout": "channels_last", "adam": "Adam", "images": "byte images"})
        (memory,) = self.run_worker("memory", "step/cnn/bn/batch:4", way)
        self.assertTrue(0 < memory["model_MB"] < memory["process_MB"], memory)


if __name__ == "__main__":
    unittest.main()
