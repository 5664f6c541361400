"""Programs that train, on a disk that fills up: a line for each file, exit code 1, and what had been saved stays. With
room again, the run goes on to the bits of the run that was left alone.

usage: disk_full_test.py PROGRAM [UNITTEST_OPTION...]

The disk is a small tmpfs in a mount namespace of the test's own; where the system allows none, that test is skipped. A
limit on the size of files (setrlimit) stands for it in the other tests.

environment: KEEL_PROGRAMS, the folder of the program
"""

import os
import resource
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from training import Training, read_checkpoint, results

PROGRAM = sys.argv.pop(1)
NAMESPACE = ["unshare", "--map-root-user", "--mount"]
OTHER_PAGES = 2  # of a run that has just started: config.json and epochs.csv
INSIDE = "KEEL_TEST_HAS_MOUNT_NAMESPACE"


def can_mount():
    if os.environ.get(INSIDE):
        return True
    try:
        return subprocess.run([*NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True,
                              check=False).returncode == 0
    except FileNotFoundError:
        return False


class DiskFullTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.training = Training(cls.folder, PROGRAM)
        straight = cls.folder / "straight"
        cls.expected = cls.training.straight_run(straight)
        cls.checkpoint_size = max(path.stat().st_size for path in straight.rglob("last.safetensors"))

    def expect_failure(self, outcome, reason):
        status, errors = outcome
        self.assertEqual(status, 1, errors)
        lines = [line for line in errors.splitlines() if "error" in line]
        self.assertIn(len(lines), range(1, self.training.most_errors + 1), errors)
        for line in lines:
            self.assertTrue(line.startswith("error: "), errors)
            self.assertTrue(line.endswith(reason), errors)

    def expect_the_straight_run(self, out):
        status, errors = self.training.run(out, resume=True)
        self.assertEqual(status, 0, errors)
        self.assertNotIn("damaged", errors)
        found = results(out)
        self.assertEqual(found.keys(), self.expected.keys())
        for name, content in self.expected.items():
            self.assertEqual(found[name], content, name)

    def saved(self, out):
        return {path: path.read_bytes() for path in out.rglob("last.safetensors")}

    def test_files_that_may_not_grow(self):
        out = self.folder / "limited"

        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the write fails, and the program lives
            most = self.checkpoint_size * 3 // 4
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

        # The first checkpoint does not fit.
        self.expect_failure(self.training.run(out, preexec_fn=limit), "cannot write: File too large")
        self.assertEqual(list(out.rglob("*.safetensors*")), [])
        # Nor does one of a run that has some: they stay as they are.
        status, errors = self.training.run(out, resume=True)
        self.assertEqual(status, 0, errors)
        for last in list(out.rglob("last.safetensors")):
            # As if killed before the end.
            (last.parent / "previous.safetensors").rename(last)
            best = last.parent / "best.safetensors"
            if read_checkpoint(best)["state"]["step"] >= read_checkpoint(last)["state"]["step"]:
                best.unlink()
        before = self.saved(out)
        self.assertTrue(before)
        self.expect_failure(self.training.run(out, resume=True, preexec_fn=limit), "cannot write: File too large")
        self.assertEqual(self.saved(out), before)
        self.assertEqual(list(out.rglob("*.part")), [])
        self.expect_the_straight_run(out)

    @unittest.skipUnless(can_mount(), "the system allows no mount namespaces")
    def test_a_small_disk(self):
        if not os.environ.get(INSIDE):
            again = [*NAMESPACE, sys.executable, "-B", __file__, PROGRAM, "DiskFullTest.test_a_small_disk"]
            inside = subprocess.run(again, capture_output=True, text=True, check=False,
                                    env={**os.environ, INSIDE: "1"})
            self.assertEqual(inside.returncode, 0, inside.stderr)
            return
        out = self.folder / "disk"
        out.mkdir()
        page = resource.getpagesize()
        pages = -(-self.checkpoint_size // page)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={pages * page}", "tmpfs", str(out)], check=True)
        self.addCleanup(subprocess.run, ["umount", str(out)], check=True)
        # From no room for one checkpoint to room for all: each time the run gets a little further.
        saved = set()
        for room in range(pages // 2 + OTHER_PAGES, 20 * pages, pages // 2):
            subprocess.run(["mount", "-o", f"remount,size={room * page}", str(out)], check=True)
            outcome = self.training.run(out, resume=self.training.has_started(out))
            if outcome[0] == 0:
                break
            self.expect_failure(outcome, "No space left on device")
            self.assertEqual(list(out.rglob("*.part")), [])
            saved.add(len(self.saved(out)))
        self.assertIn(0, saved)
        self.assertIn(1, saved)
        self.expect_the_straight_run(out)


if __name__ == "__main__":
    unittest.main()
