#!/usr/bin/env bash
# Builds with sanitizers and runs the tests that they can say something about. Installs missing packages as root.
#
# usage: scripts/run_sanitizers.sh [address] [files] [thread]
#
#   address   the address and undefined behaviour sanitizers, in build-asan-ubsan: all tests of C++ and of programs
#   files     the same sanitizers, only the tests of what reads and writes files, of layers and of the training loop
#   thread    the thread sanitizer, in build-tsan: tests of what runs on several threads
#
# Address and thread without arguments; CI runs files. To be quick to compile, the kernels are built for this machine's
# processor only and with -O1: what they compute at each level and at full optimisation is what run_tests.sh tests.
#
# environment: KEEL_MNIST_DIR (for tests on real MNIST), KEEL_JOBS (compilers at once), KEEL_PACKAGES=skip (do not look
# for missing packages)
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# Left out: tests of scripts and pages, which run nothing of ours that is compiled, and projects
# that the tests build themselves, without it.
left_out='^(scripts|bench|docs|consumer|interop)[.]|^readme[.]table'
# Nor where ten steps of float32 are compared with PyTorch's: how far rounding takes them apart is known of kernels that
# are fully optimised.
left_out+='|GoldenTrajectory.*float32'
# Programs start slowly with sanitizers. Ten kills of each kind find what they would find, and the full number is killed
# without.
kills=10

# Under the thread sanitizer: whole folders of tests, those of other folders in which threads meet, and the program that
# trains models side by side. Other tests run the same loops.
thread_folders='^(core|kernels|integration)$'
thread_tests='^(Batches|CheckpointWriter|Evaluate|Fit|FitResume|Idx|ImageDataset|ImageFolder|MnistFormat)[.]'
thread_tests+='|^RecalibrateBatchNorm[.]'
thread_targets=(keel_core_tests keel_kernels_tests keel_integration_tests keel_data_tests keel_train_tests keel-mnist-bn)

sanitize_address() {
  build_dir=$root/build-asan-ubsan
  remove_foreign_build
  cmake --preset asan-ubsan >/dev/null
  compile
  UBSAN_OPTIONS=print_stacktrace=1 KEEL_KILLS=$kills ctest --preset asan-ubsan --exclude-regex "$left_out"
}

sanitize_files() {
  build_dir=$root/build-asan-ubsan
  remove_foreign_build
  cmake --preset asan-ubsan >/dev/null
  compile --target keel_io_tests keel_nn_tests keel_train_tests
  UBSAN_OPTIONS=print_stacktrace=1 ctest --preset asan-ubsan --label-regex '^(io|nn|train)$'
}

sanitize_thread() {
  build_dir=$root/build-tsan
  remove_foreign_build
  cmake --preset tsan >/dev/null
  compile --target "${thread_targets[@]}"
  ctest --preset tsan --label-regex "$thread_folders" --exclude-regex "$left_out"
  ctest --preset tsan --tests-regex "$thread_tests"
  local model out=$build_dir/mnist_bn
  for model in mlp cnn; do
    say "keel-mnist-bn --model $model --jobs 2"
    TSAN_OPTIONS=halt_on_error=1 "$build_dir/bin/keel-mnist-bn" --data synthetic --train-limit 100 --batch-size 16 \
      --model "$model" --epochs 2 --jobs 2 --threads 4 --checkpoint-every 2steps --out "$out" --overwrite
  done
}

steps=()
for argument in "$@"; do
  case $argument in
    -h | --help)
      usage
      exit 0
      ;;
    address | files | thread) steps+=("$argument") ;;
    *) wrong_usage "$argument: expected address, files or thread" ;;
  esac
done
[[ ${#steps[@]} -gt 0 ]] || steps=(address thread)

find_mnist
ensure_packages
prefer_ninja
cd "$root"
for step in "${steps[@]}"; do
  say "== $step"
  "sanitize_$step"
done
