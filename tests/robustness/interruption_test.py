"""Programs that train, interrupted by SIGINT and SIGTERM: they save the run first, and it goes on to the bits of the run
that was left alone. A second signal ends them at once, and leaves what had been saved.

usage: interruption_test.py PROGRAM [UNITTEST_OPTION...]

environment: KEEL_PROGRAMS, the folder of the program
"""

import os
import random
import signal
import sys
import tempfile
import time
import unittest
from pathlib import Path

from training import Training, results

PROGRAM = sys.argv.pop(1)
NOTICE = "interrupted: saving after this step; once more to quit at once\n"
DEADLINE = 60  # seconds


def wait_for(condition, process):
    end = time.monotonic() + DEADLINE
    while not condition() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.0005)


class InterruptionTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        # Saves at its end only, which is far away: what is there after an interruption was saved because of it.
        cls.training = Training(cls.folder, PROGRAM, epochs=200, checkpoint_every="0")
        straight = cls.folder / "straight"
        cls.expected = cls.training.straight_run(straight)

    def setUp(self):
        self.out = self.folder / self.id().rpartition(".")[2]

    def training_process(self, resume=False, **options):
        """A process that has begun to train."""
        rows = sum(log.read_bytes().count(b"\n") for log in self.out.rglob("epochs.csv")) if resume else 0

        def has_trained():
            return sum(log.read_bytes().count(b"\n") for log in self.out.rglob("epochs.csv")) > rows + 1

        process = self.training.start(self.out, resume, **options)
        wait_for(has_trained, process)
        return process

    def end_of(self, process):
        _, errors = process.communicate(timeout=DEADLINE)
        return process.returncode, errors

    def checkpoints(self):
        return {path.parent.parent.name for path in self.out.rglob("last.safetensors")}

    def expect_the_straight_run(self):
        status, errors = self.training.run(self.out, resume=True)
        self.assertEqual(status, 0, errors)
        found = results(self.out)
        self.assertEqual(found.keys(), self.expected.keys())
        for name, content in self.expected.items():
            self.assertEqual(found[name], content, name)

    def check_saves_and_ends(self, number):
        process = self.training_process()
        process.send_signal(number)
        status, errors = self.end_of(process)
        self.assertEqual(status, 128 + number, errors)
        self.assertEqual(errors.count(NOTICE), 1)
        self.assertNotIn("error:", errors)
        self.assertTrue(self.checkpoints())
        # And once more: a run that goes on is interrupted like any other.
        process = self.training_process(resume=True)
        process.send_signal(number)
        self.assertEqual(self.end_of(process)[0], 128 + number)
        self.expect_the_straight_run()

    def test_sigint(self):
        self.check_saves_and_ends(signal.SIGINT)

    def test_sigterm(self):
        self.check_saves_and_ends(signal.SIGTERM)

    def test_at_random_moments(self):
        moments = random.Random(1)
        for _ in range(10):
            process = self.training.start(self.out, resume=self.training.has_started(self.out))
            time.sleep(moments.uniform(0, 0.2))
            process.send_signal(signal.SIGINT)
            status, errors = self.end_of(process)
            # Python leaves what comes before the program watches for it to the system.
            self.assertIn(status, (130, -signal.SIGINT, 0), errors)
        self.expect_the_straight_run()

    def test_a_second_signal_leaves_what_was_saved(self):
        process = self.training_process()
        process.send_signal(signal.SIGINT)
        self.end_of(process)
        for first, second in ((signal.SIGINT, signal.SIGTERM), (signal.SIGTERM, signal.SIGINT)):
            process = self.training_process(resume=True)
            # A stopped process gets both when it goes on, so that nothing is saved in between.
            process.send_signal(signal.SIGSTOP)
            os.waitpid(process.pid, os.WUNTRACED)
            before = {path: path.read_bytes() for path in self.out.rglob("last.safetensors")}
            self.assertTrue(before)
            process.send_signal(first)
            process.send_signal(second)
            process.send_signal(signal.SIGCONT)
            status, errors = self.end_of(process)
            self.assertIn(status, (130, 143), errors)
            self.assertEqual(errors.count(NOTICE), 1)
            for path, content in before.items():
                self.assertEqual(path.read_bytes(), content)
        self.expect_the_straight_run()

    def test_a_signal_that_is_ignored_stays_ignored(self):
        process = self.training_process(preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
        process.send_signal(signal.SIGINT)
        status, errors = self.end_of(process)
        self.assertEqual(status, 0, errors)
        self.assertEqual(results(self.out), self.expected)


if __name__ == "__main__":
    unittest.main()
