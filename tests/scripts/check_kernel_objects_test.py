"""scripts/check_kernel_objects.py finds functions that the linker could share between instruction set levels."""

import contextlib
import io
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
sys.dont_write_bytecode = True

import check_kernel_objects

COMPILER = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")


@unittest.skipUnless(COMPILER and shutil.which("nm"), "needs a compiler and nm")
class CheckKernelObjectsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.build = Path(folder.name)
        self.objects = self.build / "CMakeFiles/keel_kernels_v3.dir/src/kernels"
        self.objects.mkdir(parents=True)

    def check(self, code):
        """The exit code and what was written to stderr, for an object of this code."""
        subprocess.run([COMPILER, "-x", "c++", "-O0", "-c", "-o", str(self.objects / "a.cpp.o"), "-"], input=code,
                       text=True, check=True)
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors):
            return check_kernel_objects.main([str(self.build)]), errors.getvalue()

    def test_local_and_strong_symbols_pass(self):
        code, errors = self.check("namespace { template <class T> T twice(T x) { return x + x; } }"
                                  "float f(float x) { return twice(x); } extern const int table[2] = {1, 2};")
        self.assertEqual((code, errors), (0, ""))

    def test_template_instance(self):
        code, errors = self.check("template <class T> T twice(T x) { return x + x; } int f(int x) { return twice(x); }")
        self.assertEqual(code, 1)
        self.assertIn("keel_kernels_v3.dir/src/kernels/a.cpp.o: weak symbol int twice<int>(int)", errors)

    def test_inline_constant(self):
        code, errors = self.check("inline int width = sizeof(long); int f() { return ++width; }")
        self.assertEqual(code, 1)
        self.assertIn("weak symbol width", errors)

    def test_no_objects_is_an_error(self):
        self.assertEqual(check_kernel_objects.main([str(self.build)]), 1)

    def test_sanitizer_builds_are_skipped(self):
        cache = self.build / "CMakeCache.txt"
        cache.write_text("KEEL_SANITIZE:STRING=address\n")
        self.assertEqual(check_kernel_objects.main([str(self.build)]), check_kernel_objects.EXIT_SKIPPED)
        cache.write_text("KEEL_SANITIZE:STRING=\nCMAKE_BUILD_TYPE:STRING=Release\n")
        self.assertEqual(check_kernel_objects.main([str(self.build)]), 1)


if __name__ == "__main__":
    unittest.main(buffer=True)
