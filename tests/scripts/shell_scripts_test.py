"""run_mnist.sh, run_tests.sh, run_bench.sh and what they share, with stand-ins for the programs that they call."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"

# Writes its name and arguments to the log.
LOG = 'printf "%s\\n" "$(basename "$0") $*" >>"$LOG"\n'
PACKAGE_QUERY = """
package=${*: -1}
case " $MISSING " in
  *" $package "*) echo not-installed ;;
  *) echo installed ;;
esac
"""
EXPERIMENT = """
[[ $1 != --help ]] || exit 0
while [[ $# -gt 0 && $1 != --out ]]; do shift; done
mkdir -p "$2/bn" && echo >"$2/bn/epochs.csv"
"""


class ShellTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name).resolve()
        self.root, self.log = self.folder / "keel", self.folder / "log"
        (self.root / "scripts").mkdir(parents=True)
        for name in ("common.sh", "run_mnist.sh", "run_tests.sh", "run_bench.sh"):
            shutil.copy(SCRIPTS / name, self.root / "scripts")
        self.program("bin/dpkg-query", PACKAGE_QUERY)
        self.program("bin/id", "echo 1000")
        for name in ("bin/apt-get", "bin/cmake", "bin/ctest", "keel/scripts/fetch_mnist.sh",
                     "keel/scripts/plot_losses.py"):
            self.program(name, LOG)
        self.program("bin/python-with-matplotlib", f'[[ $1 == -c ]] || {{ {LOG.strip()}; }}')
        self.program("keel/build/bin/keel-mnist-bn", LOG + EXPERIMENT)
        self.program("keel/build/bin/keel-bench", LOG)
        self.environment = {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "LOG": str(self.log), "MISSING": "",
            "KEEL_PYTHON": str(self.folder / "bin/python-with-matplotlib"), "CMAKE_GENERATOR": "none"}

    def program(self, path, body):
        path = self.folder / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/usr/bin/env bash\n" + body)
        path.chmod(0o755)

    def run_script(self, name, *arguments, **environment):
        # From a directory that is not the repository's.
        return subprocess.run([str(self.root / "scripts" / name), *arguments], cwd=self.folder, capture_output=True,
                              text=True, check=False, env={**self.environment, **environment})

    def call(self, code, **environment):
        """Runs code after sourcing common.sh; its stdout. Fails if it does."""
        result = subprocess.run(["bash", "-euo", "pipefail", "-c", f'source "{self.root}/scripts/common.sh"; {code}'],
                                capture_output=True, text=True, check=False, env={**self.environment, **environment})
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def calls(self, program):
        """The arguments of each call of a program."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line.partition(" ")[2] for line in lines if line.split(" ")[0] == program]


class PackagesTest(ShellTest):
    def test_nothing_is_missing(self):
        self.call("ensure_packages")
        self.assertEqual(self.calls("apt-get"), [])

    def test_ordinary_user_is_told_the_line_to_type(self):
        for script in ("run_mnist.sh", "run_tests.sh"):
            result = self.run_script(script, MISSING="libfmt-dev cmake")
            self.assertEqual(result.returncode, 1)
            self.assertIn("sudo apt-get update && sudo apt-get install -y --no-install-recommends cmake libfmt-dev\n",
                          result.stderr)
        self.assertEqual(self.calls("apt-get") + self.calls("cmake"), [])

    def test_root_installs_what_is_missing(self):
        self.program("bin/id", "echo 0")
        self.call("ensure_packages", MISSING="libfmt-dev cmake")
        self.assertEqual(self.calls("apt-get"), ["update -qq", "install -y -qq --no-install-recommends cmake libfmt-dev"])

    def test_failing_installation_ends_the_script(self):
        self.program("bin/id", "echo 0")
        self.program("bin/apt-get", "echo E: no such package; exit 100")
        result = self.run_script("run_tests.sh", MISSING="cmake")
        self.assertEqual(result.returncode, 1)
        self.assertIn("error: apt-get could not install cmake:\nE: no such package", result.stderr)

    def test_skipped(self):
        self.call("ensure_packages", MISSING="cmake", KEEL_PACKAGES="skip")


class BuildTest(ShellTest):
    def cache(self, home, build=None, made_in=None, project="keel"):
        """Makes what CMake leaves in a build directory, and what a user may have put beside it."""
        build = build or self.root / "build"
        (build / "CMakeFiles").mkdir(parents=True, exist_ok=True)
        (build / "precious").write_text("")
        (build / "CMakeCache.txt").write_text(
            f"CMAKE_CACHEFILE_DIR:INTERNAL={made_in or build}\nCMAKE_HOME_DIRECTORY:INTERNAL={home}\n"
            f"CMAKE_PROJECT_NAME:STATIC={project}\n")
        return build

    def names(self, folder):
        return sorted(path.name for path in folder.iterdir())

    def test_build_directory_that_moved_with_the_repository_is_configured_anew(self):
        for home, made_in in (("/elsewhere", "/elsewhere/build"), (self.root, "/elsewhere")):
            build = self.cache(home, made_in=made_in)
            self.assertIn(f"Configuring {build} anew: it was made for {home}\n", self.call("configure"))
            self.assertEqual(self.names(build), ["bin", "precious"])

    def test_nothing_of_another_project_is_removed(self):
        other = self.cache("/other", self.folder / "other/build", project="theirs")
        clone = self.cache("/clone", self.root / "mine")
        copied = self.cache(self.root, self.folder / "copied", made_in="/first")
        for build, given, found in ((other, "other/build", "/other"), (other, other, "/other"),
                                    (clone, clone, "/clone"), (copied, copied, f"{self.root}, made in /first")):
            for script in ("run_tests.sh", "run_mnist.sh"):
                before = self.names(build)
                result = self.run_script(script, KEEL_BUILD_DIR=str(given))
                self.assertEqual(result.returncode, 2)
                self.assertEqual(result.stderr, f"error: KEEL_BUILD_DIR={given}: expected an empty directory or a "
                                                f"build of Keel, found a build of {found}\n")
                self.assertEqual(self.names(build), before)
        self.assertEqual(self.calls("cmake"), [])

    def test_another_project_in_the_default_place(self):
        build = self.cache("/other", project="theirs")
        result = self.run_script("run_tests.sh")
        self.assertEqual((result.returncode, self.calls("cmake")), (1, []))
        self.assertEqual(result.stderr, f"error: {build}: expected a build of Keel, found a build of /other\n")
        self.assertEqual(self.names(build), ["CMakeCache.txt", "CMakeFiles", "bin", "precious"])

    def test_cmake_is_heard_when_it_fails_or_when_asked_for(self):
        self.program("bin/cmake", 'echo "-- checking"; echo "CMake Warning" >&2; [[ ! -v FAILS ]] || exit 7')
        self.assertEqual(self.call("configure"), f"Building in {self.root}/build\n")
        self.assertIn("-- checking", self.call("configure", VERBOSE="1"))
        result = self.run_script("run_tests.sh", FAILS="1")
        self.assertEqual((result.returncode, result.stderr), (7, "-- checking\nCMake Warning\n"))

    def test_own_build_directory_stays(self):
        self.cache(self.root)
        self.call("configure -DA=B")
        self.assertTrue((self.root / "build/CMakeCache.txt").exists())
        self.assertEqual(self.calls("cmake"), [f"-S {self.root} -B {self.root}/build -DCMAKE_BUILD_TYPE=Release -DA=B"])

    def test_number_of_compilers_does_not_follow_openmp(self):
        self.assertEqual(self.call("num_processors"), self.call("num_processors", OMP_NUM_THREADS="64"))

    def test_find_python(self):
        self.assertEqual(self.call("find_python").strip(), self.environment["KEEL_PYTHON"])


class RunMnistTest(ShellTest):
    def test_defaults(self):
        result = self.run_script("run_mnist.sh", "--epochs", "2")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        run = self.root / "runs/mnist_bn"
        self.assertEqual(self.calls("keel-mnist-bn")[1:],
                         [f"--data {self.root}/data/mnist --out {run} --overwrite --epochs 2"])
        self.assertEqual(self.calls("python-with-matplotlib"), [f"{self.root}/scripts/plot_losses.py {run}"])
        self.assertIn(f"The run is in {run}:\n  bn/epochs.csv", result.stdout)

    def test_own_directories(self):
        for arguments in (["--data", "digits", "--out", "mine"], ["--out=mine", "--data=digits"]):
            self.log.unlink(missing_ok=True)
            self.program("keel/build/bin/keel-mnist-bn", LOG)
            self.assertEqual(self.run_script("run_mnist.sh", *arguments).returncode, 0)
            self.assertEqual(self.calls("keel-mnist-bn")[1:], [" ".join(arguments)])
            self.assertEqual(self.calls("python-with-matplotlib"), [f"{self.root}/scripts/plot_losses.py mine"])
            self.assertEqual(self.calls("fetch_mnist.sh"), [])

    def test_misspelt_options_are_found_before_mnist_is_fetched(self):
        self.program("keel/build/bin/keel-mnist-bn", LOG + "exit 2")
        self.assertEqual(self.run_script("run_mnist.sh", "--epoch", "2").returncode, 2)
        self.assertEqual(self.calls("keel-mnist-bn"), ["--help --epoch 2"])
        self.assertEqual(self.calls("fetch_mnist.sh"), [])

    def test_synthetic_digits_where_mnist_cannot_be_had(self):
        self.program("keel/scripts/fetch_mnist.sh", "exit 1")
        result = self.run_script("run_mnist.sh")
        self.assertEqual(result.returncode, 0)
        self.assertIn("--data synthetic", self.calls("keel-mnist-bn")[1])
        self.assertEqual(result.stderr.count("SYNTHETIC"), 2)  # when it is decided, and at the end

    def test_failures_are_not_hidden(self):
        self.program("bin/python-with-matplotlib", "[[ $1 == -c ]] || exit 4")
        result = self.run_script("run_mnist.sh")
        self.assertEqual(result.returncode, 4)
        self.assertIn("The run is in", result.stdout)  # it is there although its plot is not
        self.program("keel/build/bin/keel-mnist-bn", "exit 3")
        self.assertEqual(self.run_script("run_mnist.sh").returncode, 3)
        self.program("bin/cmake", "exit 5")
        self.assertEqual(self.run_script("run_mnist.sh").returncode, 5)

    def test_a_run_that_diverged_is_plotted(self):
        run = self.root / "runs/mnist_bn"
        run.mkdir(parents=True)
        (run / "summary.json").write_text("{}")
        os.utime(run / "summary.json", (1, 1))  # of an earlier run
        for writes, plots in (("", 0), (f'echo "{{}}" >"{run}/summary.json"', 1)):
            self.program("keel/build/bin/keel-mnist-bn", f"[[ $1 != --help ]] || exit 0\n{writes}\nexit 1")
            self.assertEqual(self.run_script("run_mnist.sh").returncode, 1)
            self.assertEqual(len(self.calls("python-with-matplotlib")), plots)

    def test_usage(self):
        result = self.run_script("run_mnist.sh", "--help")
        self.assertEqual(result.returncode, 0)
        self.assertIn("usage: scripts/run_mnist.sh", result.stdout)
        result = self.run_script("run_mnist.sh", "--out")
        self.assertEqual(result.returncode, 2)
        self.assertIn("error: --out: expected a directory", result.stderr)


class RunTestsTest(ShellTest):
    def setUp(self):
        super().setUp()
        self.program("bin/ctest", LOG + 'echo "MNIST=${KEEL_MNIST_DIR:-}"')
        self.environment.pop("CI", None)

    def test_defaults(self):
        result = self.run_script("run_tests.sh", "-R", "relu")
        self.assertEqual(result.returncode, 0)
        self.assertEqual(self.calls("ctest"), ["--output-on-failure --parallel 2 -R relu"])
        self.assertNotIn("KEEL_WERROR", self.calls("cmake")[0])
        self.assertTrue(result.stdout.endswith("MNIST=\n"))  # what ctest says comes last

    def test_warnings_are_errors(self):
        self.run_script("run_tests.sh", "--werror")
        self.run_script("run_tests.sh", CI="true")
        configured = [call for call in self.calls("cmake") if call.startswith("-S")]
        self.assertEqual(["-DKEEL_WERROR=ON" in call for call in configured], [True, True])

    def test_mnist(self):
        (self.folder / "digits").mkdir()
        self.assertIn(f"MNIST={self.folder}/digits\n", self.run_script("run_tests.sh", KEEL_MNIST_DIR="digits").stdout)
        (self.root / "data/mnist").mkdir(parents=True)
        self.assertIn(f"MNIST={self.root}/data/mnist\n", self.run_script("run_tests.sh").stdout)
        result = self.run_script("run_tests.sh", KEEL_MNIST_DIR="nowhere")
        self.assertEqual(result.returncode, 1)
        self.assertIn("error: KEEL_MNIST_DIR: expected a directory, found nowhere", result.stderr)

    def test_failures_are_not_hidden(self):
        self.program("bin/ctest", "exit 8")
        self.assertEqual(self.run_script("run_tests.sh").returncode, 8)


class RunBenchTest(ShellTest):
    def setUp(self):
        super().setUp()
        self.program("bin/python3", LOG + '[[ $1 != -c || -n ${TORCH:-} ]]')
        self.program("bin/python-with-matplotlib", '[[ -n ${TORCH:-} ]]')  # what KEEL_PYTHON names

    def test_options_go_to_the_program(self):
        self.assertEqual(self.run_script("run_bench.sh", "--info").returncode, 0)
        self.assertEqual(self.calls("keel-bench"), ["--info"])
        self.assertIn("-DKEEL_BENCH=ON", self.calls("cmake")[0])
        self.assertIn("--target keel-bench", self.calls("cmake")[1])

    def test_google_benchmark_is_needed(self):
        result = self.run_script("run_bench.sh", MISSING="libbenchmark-dev python3-torch")
        self.assertEqual(result.returncode, 1)
        self.assertTrue(result.stderr.endswith(" libbenchmark-dev\n"), result.stderr)

    def test_comparison(self):
        result = self.run_script("run_bench.sh", "--compare", "--quick", TORCH="yes", MISSING="python3-torch")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.calls("python3")[-1],
                         f"{self.root}/bench/compare_pytorch.py --keel {self.root}/build/bin/keel-bench "
                         f"--data {self.root}/data/mnist --python {self.folder}/bin/python-with-matplotlib --quick")
        self.assertEqual(len(self.calls("fetch_mnist.sh")), 1)

    def test_comparison_with_a_python_and_data_of_ones_own(self):
        result = self.run_script("run_bench.sh", "--compare", "--data", "digits", "--python", "mine", MISSING="python3-torch")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue(self.calls("python3")[-1].endswith("keel-bench --data digits --python mine"))
        self.assertEqual(self.calls("fetch_mnist.sh"), [])


if __name__ == "__main__":
    unittest.main(buffer=True)
