"""keel-study, killed with SIGKILL at random moments: the same command goes on, and ends in what it finds when left alone.

environment: KEEL_PROGRAMS, the folder of the program; KEEL_KILLS, how often (default 10); KEEL_KILL_SEED, which moments
(default 1)
"""

import json
import os
import random
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

PROGRAMS = Path(os.environ["KEEL_PROGRAMS"])
KILLS = int(os.environ.get("KEEL_KILLS", "10"))
SEED = int(os.environ.get("KEEL_KILL_SEED", "1"))
TRIALS = 6  # of the claim, with two seeds


class StudyKills(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def command(self, out):
        return [PROGRAMS / "keel-study", "--claim", "calibrated-averages", "--seeds", "2", "--jobs", "2", "--data",
                "synthetic", "--out", out]

    def finish(self, out):
        """What it has found, without what clocks say."""
        result = subprocess.run(self.command(out), capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stderr.count("damaged"), 0)
        study = json.loads((out / "study.json").read_text())
        self.assertTrue(all(claim["complete"] for claim in study["claims"]))
        return [{key: value for key, value in claim.items() if key != "seconds"} for claim in study["claims"]]

    def test_ends_in_the_same(self):
        begin = time.monotonic()
        expected = self.finish(self.folder / "straight")
        seconds = time.monotonic() - begin
        moments, out, killed = random.Random(SEED), self.folder / "killed", 0
        kept = {}
        while killed < KILLS and len(kept) < TRIALS:
            with subprocess.Popen(self.command(out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
                time.sleep(moments.uniform(0, seconds / 2))
                killed += process.poll() is None
                process.kill()
            for path, time_written in kept.items():
                self.assertEqual(path.stat().st_mtime_ns, time_written)
            kept = {path: path.stat().st_mtime_ns for path in (out / "trials").glob("*.json")}
        self.assertGreater(killed, 0)
        self.assertEqual(self.finish(out), expected)
        self.assertEqual({path: path.stat().st_mtime_ns for path in kept}, kept)
        for folder in (out, self.folder / "straight"):
            self.assertEqual(len(list((folder / "trials").glob("*.json"))), TRIALS)

    def test_its_directory_stays_its_own(self):
        """From the first moment that something is kept."""
        out = self.folder / "out"
        with subprocess.Popen(self.command(out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            while process.poll() is None and not (out / "trials").is_dir():
                time.sleep(0.001)
            while process.poll() is None and not any((out / "trials").iterdir()):
                time.sleep(0.001)
            process.kill()
        result = subprocess.run([PROGRAMS / "keel-train", "--data", "synthetic", "--epochs", "1", "--out", out],
                                capture_output=True, text=True, check=False)
        self.assertEqual((result.returncode, result.stderr.count("\n")), (1, 1), result.stderr)
        self.assertIn("holds a run of another program (study.json)", result.stderr)


if __name__ == "__main__":
    unittest.main()
