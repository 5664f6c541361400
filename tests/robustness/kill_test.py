"""Programs that train, killed with SIGKILL at random moments, some of them while a checkpoint is being written: however
often that happens, the run goes on with --resume and ends in the bits of the run that was left alone.

usage: kill_test.py PROGRAM [UNITTEST_OPTION...]

environment: KEEL_PROGRAMS, the folder of the program; KEEL_KILLS, how often each kind of kill (default 25);
KEEL_KILL_SEED, which moments (default 1)
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
KILLS = int(os.environ.get("KEEL_KILLS", "25"))
SEED = int(os.environ.get("KEEL_KILL_SEED", "1"))


def unfinished_files(out):
    """What is being written: a file under its other name."""
    found = []
    for folder, _, names in os.walk(out):
        found += [os.path.join(folder, name) for name in names if name.endswith(".part")]
    return found


def stopped(process):
    """Waits until the process has stopped or ended; whether it has stopped."""
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    if os.WIFSTOPPED(status):
        return True
    process.returncode = os.waitstatus_to_exitcode(status)
    return False


class KillTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.training = Training(cls.folder, PROGRAM)
        straight = cls.folder / "straight"
        begin = time.monotonic()
        cls.expected = cls.training.straight_run(straight)
        cls.seconds = time.monotonic() - begin

    def kill(self, process):
        """Whether the process was still there to be killed."""
        process.kill()
        _, errors = process.communicate()
        self.assertIn(process.returncode, (0, -signal.SIGKILL), errors)
        return process.returncode != 0

    def kill_at_random(self, process, out, moments):
        time.sleep(moments.uniform(0, self.seconds))
        return self.kill(process)

    def kill_while_writing(self, process, out, moments):
        """While there is an unfinished file: the process is stopped to be sure of that."""
        passed_over = moments.randrange(20)  # not always the first
        while process.poll() is None:
            if not unfinished_files(out):
                continue
            process.send_signal(signal.SIGSTOP)
            if not stopped(process):
                break
            if unfinished_files(out):
                passed_over -= 1
                if passed_over < 0:
                    self.unfinished_left += len(unfinished_files(out))
                    return self.kill(process)
            process.send_signal(signal.SIGCONT)
        process.communicate()
        return False

    def check(self, kill):
        """Runs that are killed once or twice each, until there were enough kills."""
        moments = random.Random(SEED)
        killed, runs, self.unfinished_left = 0, 0, 0
        out = self.folder / kill.__name__
        while killed < KILLS:
            runs += 1
            self.assertLess(runs, 20 * KILLS, "runs end before they can be killed")
            resume, errors = False, ""
            for _ in range(moments.choice((1, 1, 2))):
                killed += kill(self.training.start(out, resume), out, moments)
                # Killed before it had written anything, it is started anew.
                resume = self.training.has_started(out)
            where = f"seed {SEED}, run {runs}, kill {killed}"
            status, errors = self.training.run(out, resume)
            self.assertEqual(status, 0, f"{where}: {errors}")
            found = results(out)
            self.assertEqual(found.keys(), self.expected.keys(), where)
            for name, content in self.expected.items():
                self.assertEqual(found[name], content, f"{where}: {name}")
            self.assertEqual(unfinished_files(out), [], where)
            self.assertNotIn("damaged", errors, where)
        print(f"{PROGRAM}, {kill.__name__}: {killed} kills in {runs} runs of {self.seconds:.2f} s, seed {SEED}, "
              f"{self.unfinished_left} unfinished files left behind")

    def test_killed_at_random_moments(self):
        self.check(self.kill_at_random)

    def test_killed_while_a_checkpoint_is_written(self):
        self.check(self.kill_while_writing)
        self.assertGreaterEqual(self.unfinished_left, KILLS)


if __name__ == "__main__":
    unittest.main()
