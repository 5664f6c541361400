#!/usr/bin/env bash
# Installs missing packages (as root; otherwise says what to type), builds, and runs all tests.
#
# usage: scripts/run_tests.sh [--werror] [CTEST_OPTION...]
#
#   --werror   compiler warnings are errors; also when the environment has CI set, which has keel-bench built and tested
#              as well
#
# Other options are passed on to ctest, such as -R NAME to run some tests only. Tests on real MNIST use the files in
# KEEL_MNIST_DIR, else those in data/mnist (scripts/fetch_mnist.sh puts them there); without either they are skipped.
#
# environment: KEEL_MNIST_DIR, KEEL_BUILD_DIR, KEEL_JOBS (compilers at once), KEEL_PACKAGES=skip (do not look for
# missing packages), VERBOSE=1 (show what CMake says)
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

cmake_options=(-DKEEL_APPS=ON -DKEEL_TESTS=ON)
if [[ -n ${CI:-} ]]; then
  cmake_options+=(-DKEEL_WERROR=ON -DKEEL_BENCH=ON)
  debian_packages+=(libbenchmark-dev)
fi
ctest_options=()
for argument in "$@"; do
  case $argument in
    -h | --help)
      usage
      exit 0
      ;;
    --werror) cmake_options+=(-DKEEL_WERROR=ON) ;;
    *) ctest_options+=("$argument") ;;
  esac
done

find_mnist
ensure_packages
configure "${cmake_options[@]}"
compile --target all
say "MNIST for the tests: ${KEEL_MNIST_DIR:-none, so tests that need it are skipped}"
cd "$build_dir"
ctest --output-on-failure --parallel 2 ${ctest_options[@]+"${ctest_options[@]}"}
