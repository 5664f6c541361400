"""keel-bench: what it says of the machine, what it measures, and what it says to wrong usage.

usage: keel_bench_test.py PROGRAM [UNITTEST_OPTION...]
"""

import json
import os
import subprocess
import sys
import unittest

PROGRAM = sys.argv.pop(1)
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("KEEL_MNIST_DIR", "KEEL_ISA")}


def run(*arguments, stdin="", **environment):
    return subprocess.run([PROGRAM, *arguments], input=stdin, capture_output=True, text=True, check=False,
                          env={**ENVIRONMENT, **environment})


class KeelBenchTest(unittest.TestCase):
    def test_info(self):
        result = run("--info", KEEL_ISA="")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        info = {line[:18].strip(): line[18:].strip() for line in result.stdout.splitlines()}
        for name in ("keel", "isa", "KEEL_ISA", "threads", "cpu", "processors", "caches", "blas", "blas core"):
            self.assertTrue(info[name], name)
        self.assertEqual(info["KEEL_ISA"], "not set")

    def test_wrong_usage_is_one_line(self):
        for arguments, message in (
                (["--benchmark_nonsense"], "unknown option '--benchmark_nonsense' (--help lists all)"),
                (["--nonsense"], "unknown option '--nonsense'"),
                (["--benchmark_format=xml"], "--benchmark_format: expected =console, json or csv, found 'xml'"),
                (["--benchmark_min_time=long"], "--benchmark_min_time: expected =seconds, found 'long'"),
                (["--benchmark_repetitions=0"], "--benchmark_repetitions: expected =a whole number from 1 on, found '0'"),
                (["--benchmark_filter"], "--benchmark_filter: expected =a regular expression, found ''"),
                (["--benchmark_filter=("], "--benchmark_filter: expected a regular expression, found '('"),
                (["step"], "unexpected argument 'step'")):
            result = run(*arguments)
            self.assertEqual((result.returncode, result.stdout), (2, ""), arguments)
            self.assertTrue(result.stderr.startswith("error: " + message), result.stderr)
            self.assertEqual(result.stderr.count("\n"), 1)

    def test_no_benchmark_has_such_a_name(self):
        result = run("--benchmark_filter=nonsense")
        self.assertEqual(result.returncode, 2)
        self.assertIn("nonsense", result.stderr)

    def test_every_group_is_there_at_one_and_two_threads(self):
        names = run("--benchmark_list_tests").stdout.split()
        for group in ("step/mlp/bn/batch:32", "step/cnn/no_bn/batch:128", "op/conv2d_forward/64x28x28x1x32",
                      "op/dense_backward/128x784x128", "op/batch_norm_relu_forward/512x28x28x32", "op/adam_step/cnn",
                      "op/max_pool2d_forward/64x28x28x32", "op/softmax_cross_entropy_forward/32x10",
                      "op/dropout_forward/16384", "op/relu_backward/1605632", "op/gather/batch:32", "peak/fma",
                      "inference/cnn/folded/batch:256"):
            for threads in (1, 2):
                self.assertTrue(any(name.startswith(f"{group}/threads:{threads}/") for name in names), group)

    def test_serves(self):
        result = run("--serve", "--benchmark_min_time=0.001", "--benchmark_repetitions=3",
                     stdin="^op/dense_(forward|backward)/32x128x10/threads:1/\n^nonsense$\n^peak/fma/threads:1/\n")
        self.assertEqual(result.returncode, 0, result.stderr)
        both, none, peak = (json.loads(line) for line in result.stdout.splitlines())
        self.assertEqual([answer["name"] for answer in both],
                         ["op/dense_forward/32x128x10/threads:1", "op/dense_backward/32x128x10/threads:1"])
        for answer in both + peak:
            self.assertEqual(len(answer["seconds"]), 3)
            self.assertTrue(all(0 < seconds < 10 for seconds in answer["seconds"]))
            self.assertGreater(answer["counters"]["GFLOP/s"], 0)
        self.assertEqual(none, [])


if __name__ == "__main__":
    unittest.main()
