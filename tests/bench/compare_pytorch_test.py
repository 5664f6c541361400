"""bench/compare_pytorch.py: what it computes and prints, with stand-ins for the programs that it measures."""

import contextlib
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
sys.dont_write_bytecode = True

import compare_pytorch
from compare import machine, processes, report, single_runs, targets, work

KEEL_BENCH = f"""#!{sys.executable}
import json, sys
if "--info" in sys.argv:
    print("keel               1.2, gcc\\nisa                v3\\ncpu                A CPU\\nprocessors         2\\n"
          "caches             L2 1 KiB\\nblas               OpenBLAS 9\\nblas core          Zen")
    sys.exit()
for line in sys.stdin:
    name = line.strip().removeprefix("^").removesuffix("/(real|manual)_time$")
    counters = {{"process_MB": 30.0, "model_MB": 10.0, "GFLOP/s": 50.0 if "peak" in name else 45.0, "GB/s": 8.0}}
    answer = {{"name": name, "seconds": [0.001, 0.002, 0.009], "counters": counters}}
    if "adam_step/cnn" in name:
        answer = {{"name": name, "error": "out of order"}}
    print(json.dumps([answer]), flush=True)
"""

PYTORCH = f"""#!{sys.executable}
import json, os, sys
arguments = sys.argv[1:]
if arguments[0] == "-c":
    sys.exit()
command, threads = arguments[2:4]
assert os.environ["OMP_NUM_THREADS"] == threads
if command == "memory":
    print(json.dumps({{"process_MB": 90.0, "model_MB": 5.0 if "contiguous" in arguments[-1] else 8.0}}))
elif command == "start":
    print("step", flush=True)
else:
    print(json.dumps({{"version": "9.9", "config": ["AVX2"], "blas": "OpenBLAS, Zen"}}), flush=True)
    for line in sys.stdin:
        name = json.loads(line)["name"]
        print(json.dumps({{"name": name, "seconds": [0.006 / int(threads)] * 3, "variant": "its way"}}), flush=True)
"""

KEEL_MNIST_BN = """#!/bin/sh
echo "no BN epoch  1/10 [>---] 1/1500"
sleep 60
"""


def result(name, threads, keel, pytorch, **more):
    made = work.Result(name, threads)
    for framework, times in (("keel", keel), ("pytorch", pytorch)):
        for seconds in times:
            made.add(framework, {"seconds": [seconds]})
    vars(made).update(more)
    return made


class StandInsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        for name, text in (("keel-bench", KEEL_BENCH), ("keel-mnist-bn", KEEL_MNIST_BN), ("python", PYTORCH)):
            (self.folder / name).write_text(text)
            (self.folder / name).chmod(0o755)
        (self.folder / "train-images-idx3-ubyte").write_bytes(b"images")

    def compare(self, *arguments):
        """What it prints, and the record it leaves."""
        out, stdout = self.folder / "page.md", io.StringIO()
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(io.StringIO()):
            compare_pytorch.main(["--keel", str(self.folder / "keel-bench"), "--python", str(self.folder / "python"),
                                  "--data", str(self.folder), "--out", str(out), *arguments])
        self.assertEqual(stdout.getvalue(), out.read_text() + "\n")
        return out.read_text(), json.loads(out.with_suffix(".json").read_text())

    def test_a_comparison_from_end_to_end(self):
        page, record = self.compare("--rounds", "2", "--only", "conv2d_forward/64x14x14x64x64|adam_step/cnn|memory|start")
        self.assertIn("| conv2d_forward/64x14x14x64x64 | 1 | 2 ms | 6 ms | **3.00** | 3.00 to 3.00 | 90 % FMA | its way |",
                      page)
        self.assertIn("| conv2d_forward/64x14x14x64x64 | 2 | 2 ms | 3 ms | **1.50** | 1.50 to 1.50 | 90 % FMA | its way |",
                      page)
        self.assertIn("| adam_step/cnn | 1 |  |  |  |  |  | not measured: keel: out of order |", page)
        self.assertIn("| cnn/bn/batch:64, the process | 2 | 30 MB | 90 MB | 3.00 | contiguous, Adam, byte images |", page)
        self.assertIn("| cnn/bn/batch:64, beyond what was held before the model | 2 | 10 MB | 5 MB | 0.50 |", page)
        self.assertRegex(page, r"\| from \.gz files \| 2 \| [\d.]+ [mµ]?s \| [\d.]+ [mµ]?s \| [\d.]+ \|")
        self.assertIn("| processor | A CPU, 2 processors |", page)
        self.assertEqual(report.document(record), page)
        self.assertNotIn(str(self.folder), page)

    def test_a_figure_typed_by_hand_is_found(self):
        page, _ = self.compare("--rounds", "1", "--only", "dense_forward/32")
        path = self.folder / "page.md"
        compare_pytorch.main(["--check", str(path)])
        path.write_text(page.replace("6 ms", "7 ms", 1))
        with self.assertRaisesRegex(processes.Unusable, "page.md: not what the measurements beside it give"):
            compare_pytorch.main(["--check", str(path)])
        compare_pytorch.main(["--render", str(path)])
        self.assertEqual(path.read_text(), page)
        path.with_suffix(".json").unlink()
        with self.assertRaisesRegex(processes.Unusable, "page.json: No such file"):
            compare_pytorch.main(["--check", str(path)])
        path.unlink()
        with self.assertRaisesRegex(processes.Unusable, "page.md: No such file"):
            compare_pytorch.main(["--check", str(path)])

    def test_where_the_page_goes_is_known_before_anything_is_measured(self):
        (self.folder / "keel-bench").write_text("#!/bin/sh\nexit 3\n")
        with self.assertRaisesRegex(processes.Unusable, "--out: expected a file in a directory that exists, found .*/no/page"):
            self.compare("--only", "conv2d", "--out", str(self.folder / "no/page.md"))

    def test_nothing_has_such_a_name(self):
        with self.assertRaisesRegex(processes.Unusable, "--only nonsense: no work has such a name"):
            self.compare("--only", "nonsense")

    def test_a_program_that_ends_early(self):
        (self.folder / "keel-mnist-bn").write_text("#!/bin/sh\necho error: no data\n")
        page, _ = self.compare("--rounds", "1", "--only", "start")
        self.assertIn("not measured: keel: ", page)
        self.assertIn("ended before its first training step, saying: error: no data", page)
        (self.folder / "keel-bench").write_text(
            '#!/bin/sh\n[ "$1" = --info ] || exit 3\nprintf "%-18s%s\\n" cpu "a processor"\n')
        with self.assertRaisesRegex(processes.Unusable, "keel-bench .*: ended with status 3"):
            self.compare("--rounds", "1", "--only", "conv2d")

    def test_another_program(self):
        (self.folder / "keel-bench").write_text("#!/bin/sh\n")
        with self.assertRaisesRegex(processes.Unusable, "--keel .*keel-bench: expected keel-bench, found a program that"):
            self.compare("--only", "conv2d")

    def test_nothing_whose_start_could_be_measured(self):
        (self.folder / "keel-mnist-bn").unlink()
        with self.assertRaisesRegex(processes.Unusable, "keel-mnist-bn: expected beside keel-bench, found no such file"):
            self.compare("--only", "start")


class OptionsTest(unittest.TestCase):
    def test_wrong_usage(self):
        for arguments, message in ((["--rounds", "0"], "expected a whole number from 1 on, found '0'"),
                                   (["--only", "("], "expected a regular expression, found '('")):
            stderr = io.StringIO()
            with self.assertRaises(SystemExit) as caught, contextlib.redirect_stderr(stderr):
                compare_pytorch.parse(arguments)
            self.assertEqual(caught.exception.code, 2)
            self.assertIn(message, stderr.getvalue())

    def test_what_is_missing(self):
        with self.assertRaisesRegex(processes.Unusable, "--data: expected a directory of MNIST's files, found /nowhere"):
            processes.find_images(Path("/nowhere"), None)
        with self.assertRaisesRegex(processes.Unusable, "--python /nowhere: No such file"):
            processes.find_python("/nowhere")

    def test_the_command_says_nothing_of_this_machine(self):
        options = compare_pytorch.parse(["--quick", "--keel", "/home/me/keel-bench", "--only", "a|b"])
        self.assertEqual(compare_pytorch.command_of(options), "bench/compare_pytorch.py --quick --only 'a|b' --rounds 2")


class ArithmeticTest(unittest.TestCase):
    def test_medians_and_ratios(self):
        one = result("op/x", 1, [1, 4, 2], [2, 4, 10])
        self.assertEqual((one.median("keel"), one.median("pytorch"), one.ratio()), (2, 4, 2))
        self.assertEqual(one.ratios(), [2, 1, 5])

    def test_durations(self):
        for seconds, text in ((2.5, "2.5 s"), (0.25, "250 ms"), (0.0012345, "1.23 ms"), (99.99e-3, "100 ms"),
                              (1.2e-6, "1.2 µs"), (5e-8, "0.05 µs"), (0.9999e-3, "1000 µs")):
            self.assertEqual(report.duration(seconds), text)

    def test_the_share_of_the_peak_is_that_of_each_round(self):
        convolution = result("op/conv2d", 1, [1] * 3, [], rates={"GFLOP/s": [80, 40, 90]}, peaks=[100, 50, 100])
        norm = result(f"op/batch_norm/{work.OUT_OF_CACHE}", 1, [1], [], rates={"GB/s": [7]}, peaks=[10])
        self.assertEqual([convolution.percent_of_peak(), norm.percent_of_peak()], [80, 70])
        self.assertIsNone(result("op/adam_step/mlp", 1, [1], [], rates={"GB/s": [7]}).percent_of_peak())

    def test_what_bounds_the_work(self):
        found = {name: work.peak_of(name) for name in work.compared()}
        self.assertEqual(sum(peak == ("peak/fma", "GFLOP/s") for peak in found.values()), 8 + 6 + 6)
        self.assertEqual([name.split("/")[1] for name, peak in found.items() if peak == ("peak/copy", "GB/s")],
                         ["batch_norm_forward", "batch_norm_backward", "batch_norm_relu_forward", "batch_norm_relu_backward"])


class TargetsTest(unittest.TestCase):
    def row(self, title, *results, memory=()):
        return next(row[2:] for row in targets.rows(work.Results(results), memory) if row[0] == title)

    def test_every_target_finds_its_work(self):
        names = [*work.compared(), "start/unpacked", "start/gz", work.MEMORY]
        results = work.Results(result(name, 1, [1], [1]) for name in names)
        for title, _, _, pattern in targets.TARGETS:
            self.assertTrue(targets.names_of(results, pattern), title)

    def test_the_right_work(self):
        results = work.Results(result(name, 1, [1], [1]) for name in work.compared())
        found = {title: targets.names_of(results, pattern) for title, _, _, pattern in targets.TARGETS}
        self.assertEqual(len(found["conv2d 3x3 forward and both gradients, 32 to 64 channels"]), 6)
        self.assertEqual(found["conv2d with 1 input channel, forward and weight gradient"],
                         ["op/conv2d_forward/64x28x28x1x32", "op/conv2d_weight_only_backward/64x28x28x1x32"])
        self.assertEqual(len(found["batch_norm (+ReLU) forward and backward, out of cache"]), 4)
        self.assertEqual(len(found["2 threads against 1, cnn"]), 6)

    def test_the_worst_decides(self):
        title = "conv2d with 1 input channel, forward and weight gradient"
        fast, slow = (result(f"op/conv2d_forward/64x28x28x1x32", threads, [1], [ratio])
                      for threads, ratio in ((1, 4), (2, 2.9)))
        self.assertEqual(self.row(title, fast, slow),
                         ("2.90x (conv2d_forward/64x28x28x1x32, 2 threads) to 4.00x", "no"))
        self.assertEqual(self.row(title, fast), ("4.00x", "yes"))

    def test_best_number_of_threads_of_each(self):
        one = result("step/mlp/bn/batch:32", 1, [0.3], [1.0])
        two = result("step/mlp/bn/batch:32", 2, [0.2], [1.5])
        self.assertEqual(self.row("mlp training step with BN, batch 32", one, two), ("5.00x", "yes"))

    def test_speedup_and_seconds(self):
        self.assertEqual(self.row("2 threads against 1, cnn", result("step/cnn/bn/batch:64", 1, [1.8], [1]),
                                  result("step/cnn/bn/batch:64", 2, [1], [1])), ("1.80x", "no"))
        self.assertEqual(self.row("process start to first step, unpacked files", result("start/unpacked", 2, [0.1], [1])),
                         ("0.100 s", "yes"))

    def test_together(self):
        forward = result("op/dense_forward/32x784x128", 1, [1], [1], rates={"GFLOP/s": [90]}, peaks=[100])
        backward = result("op/dense_backward/32x784x128", 1, [2], [1], rates={"GFLOP/s": [30]}, peaks=[50])
        title = "dense 784x128 forward + backward, batch 32"
        self.assertEqual(self.row(title, forward, backward), ("70 %", "yes"))
        self.assertEqual(self.row(title, forward), ("90 %", "yes"))

    def test_memory(self):
        entry = {"keel": {"process_MB": 50, "model_MB": 20}, "pytorch": {"process_MB": 100, "model_MB": 18}}
        self.assertEqual(self.row("peak memory of the cnn with BN at batch 64", memory=[entry]),
                         ("1.11 of PyTorch's (beyond what was held before the model) to 0.50 of PyTorch's", "no"))

    def test_not_measured(self):
        broken = work.Result("start/gz", 2)
        broken.add("keel", {"error": "no such program"})
        self.assertEqual(self.row("process start to first step, .gz files", broken), ("not measured", ""))


class MachineTest(unittest.TestCase):
    def test_info(self):
        self.assertEqual(machine.parse_info("isa                v4\nblas core          Zen 5\n"),
                         {"isa": "v4", "blas core": "Zen 5"})


class TerminalTest(unittest.TestCase):
    def test_what_is_shown_in_the_end_is_waited_for(self):
        seconds = single_runs.seconds_until(["sh", "-c", "sleep 0.2; printf ready; sleep 60"], rb"ready")
        self.assertTrue(0.2 <= seconds < 30, seconds)


if __name__ == "__main__":
    unittest.main()
