"""scripts/check_layers.py finds what points upwards, and nothing else."""

import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
sys.dont_write_bytecode = True

import check_layers


class CheckLayersTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        for path, text in {
            "include/keel/core/tensor.h": "#include <vector>\n#include <fmt/format.h>\n",
            "include/keel/io/safetensors.h": '#include "keel/core/tensor.h"\n',
            "include/keel/autograd/variable.h": '#include "keel/core/tensor.h"\n',
            "include/keel/ops/relu.h": '#include "keel/autograd/variable.h"\n',
            "include/keel/nn/dense.h": '#include "keel/ops/relu.h"\n',
            "include/keel/optim/adam.h": '#include "keel/autograd/variable.h"\n',
            "include/keel/data/idx.h": '#include "keel/core/tensor.h"\n',
            "include/keel/train/loop.h": '#include "keel/nn/dense.h"\n#include "keel/optim/adam.h"\n',
            "src/kernels/relu.h": '#include <cmath>\n#include "kernels/kernel.h"\n',
            "src/kernels/kernel.h": "#include <cstdint>\n",
            "src/kernels/relu.cpp": "#include <omp.h>\n#include <cblas.h>\n#pragma omp parallel for\n",
            "src/nn/weights.cpp": '#include "keel/io/safetensors.h"\n',
            "src/ops/relu.cpp": '#include "keel/ops/relu.h"\n#include "kernels/relu.h"\n#include <nlohmann/json.hpp>\n',
            "apps/mnist_bn.cpp": '#include <cxxopts.hpp>\n#include "keel/train/loop.h"\n#include "keel/data/idx.h"\n',
        }.items():
            self.write(path, text)

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def expect(self, path, text, *fragments):
        """The file, with this text, is the only violation, and the message has the fragments."""
        self.write(path, text)
        found = check_layers.violations(self.root)
        self.assertEqual(len(found), 1, found)
        for fragment in (path, *fragments):
            self.assertIn(fragment, found[0])

    def test_accepts_what_points_downwards(self):
        self.assertEqual(check_layers.violations(self.root), [])

    def test_accepts_the_project(self):
        self.assertEqual(check_layers.violations(ROOT), [])

    def test_upwards(self):
        self.expect("src/core/tensor.cpp", '\n#include "keel/autograd/variable.h"\n', ":2:", "core may include nothing")

    def test_upwards_to_a_header_that_does_not_exist(self):
        self.expect("src/autograd/tape.cpp", '#include "keel/ops/gone.h"\n', "of ops", "autograd may include core")

    def test_upwards_by_angle_brackets(self):
        self.expect("src/ops/dense.cpp", "#include <keel/nn/dense.h>\n", "of nn")

    def test_upwards_by_a_relative_path(self):
        self.expect("include/keel/ops/dense.h", '#include "../nn/dense.h"\n', "of nn")

    def test_sideways(self):
        self.expect("src/optim/adam.cpp", '#include "keel/nn/dense.h"\n', "of nn")

    def test_files_from_below(self):
        self.expect("src/ops/dense.cpp", '#include "keel/io/safetensors.h"\n', "of io")

    def test_upwards_from_files(self):
        self.expect("src/io/safetensors.cpp", '#include "keel/nn/dense.h"\n', "of nn", "io may include core")

    def test_private_headers_of_a_room_above(self):
        self.write("src/nn/detail.h", "")
        self.expect("src/ops/relu2.cpp", '#include "nn/detail.h"\n', "of nn")

    def test_kernels_include_nothing_of_ours(self):
        self.expect("src/kernels/add.cpp", '#include "keel/core/tensor.h"\n', "kernels may include nothing of ours")

    def test_kernels_are_for_some_rooms_only(self):
        self.expect("src/nn/dense.cpp", '#include "kernels/relu.h"\n', "core, data, ops, optim only, not for nn")

    def test_kernels_are_private(self):
        self.expect("include/keel/ops/add.h", '#include "kernels/relu.h"\n', "public header")

    def test_third_party_in_a_public_header(self):
        self.expect("include/keel/train/log.h", "#include <nlohmann/json.hpp>\n", "standard library, fmt and keel")

    def test_openmp_outside_kernels(self):
        self.expect("src/ops/add.cpp", "  #  pragma omp simd\n", "uses OpenMP")
        self.expect("src/ops/add.cpp", "#include <omp.h>\n", "<omp.h>: only src/kernels")

    def test_cblas_outside_kernels(self):
        self.expect("src/core/matmul.cpp", "#include <cblas.h>\n", "<cblas.h>: only src/kernels")

    def test_unknown_room(self):
        self.expect("src/misc/a.cpp", "", "not in a room")

    def test_long_file(self):
        self.write("tests/ops/a_test.cpp", "\n" * check_layers.MAX_LINES)
        self.assertEqual(check_layers.violations(self.root), [])
        self.expect("tests/ops/a_test.cpp", "\n" * (check_layers.MAX_LINES + 1), "401 lines, expected at most 400")

    def test_exit_codes(self):
        self.assertEqual(check_layers.main([str(self.root)]), 0)
        self.write("src/core/tensor.cpp", '#include "keel/nn/dense.h"\n')
        self.assertEqual(check_layers.main([str(self.root)]), 1)
        self.assertEqual(check_layers.main([str(self.root / "nowhere")]), 2)


if __name__ == "__main__":
    unittest.main(buffer=True)
