#!/usr/bin/env bash
# Builds with sanitizers and runs the tests that are for them: with those of addresses and undefined behaviour nearly all
# tests, with that of threads those in which threads meet.
#
# usage: scripts/run_sanitizers.sh [address|thread]...
#
# Without an argument both, in build-address and build-thread. Kernels are compiled for this processor only. The address
# sanitizer leaves out what tests programs of other languages (scripts, plots), other instruction set levels, and builds
# of other projects: they run nothing of ours in the process, or the same code once more.
#
# environment: KEEL_MNIST_DIR, KEEL_JOBS (compilers at once), KEEL_PACKAGES=skip (do not look for missing packages),
# VERBOSE=1 (show what CMake says)
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# Where threads meet: the pool and loops on it, readers of several files, runs side by side, whole training steps.
threaded_programs=(keel_core_tests keel_kernels_tests keel_data_tests keel_train_tests keel_integration_tests keel-mnist-bn)
threaded_tests='^(ParallelFor|Pool|Threads|SameBits|Idx|MnistFormat|ImageFolder|ImageDataset|Batches|Fit|FitResume|Evaluate|RecalibrateBatchNorm|CheckpointWriter)[.]'

# sanitize NAME SANITIZERS TARGET...
sanitize() {
  build_dir=$root/build-$1
  # Line numbers are enough of debugging information, and a third of the time to compile.
  configure -DKEEL_SANITIZE="$2" -DKEEL_NATIVE=ON -DKEEL_BENCH=OFF -DKEEL_APPS=ON -DKEEL_TESTS=ON \
    -DCMAKE_CXX_FLAGS_RELEASE="-O1 -g1 -DNDEBUG"
  compile --target "${@:3}"
  cd "$build_dir"
}

run_address() {
  sanitize address address,undefined all
  UBSAN_OPTIONS=print_stacktrace=1 ctest --output-on-failure --parallel 2 \
    --exclude-regex '^(scripts|bench|docs|readme|consumer|interop|robustness)[.]|^SameBits[.]at_'
}

run_thread() {
  sanitize thread thread "${threaded_programs[@]}"
  # Libraries that are not instrumented synchronise in ways that the sanitizer cannot see.
  export TSAN_OPTIONS="ignore_noninstrumented_modules=1 halt_on_error=1"
  ctest --output-on-failure --parallel 2 --tests-regex "$threaded_tests"
  local out
  out=$(mktemp -d)
  for model in mlp cnn; do
    bin/keel-mnist-bn --data synthetic --train-limit 200 --epochs 1 --model "$model" --jobs 2 --threads 4 \
      --out "$out/$model" >"$out/log" 2>&1 || die "keel-mnist-bn --jobs 2 with the thread sanitizer:"$'\n'"$(<"$out/log")"
  done
  rm -rf "$out"
}

[[ $# -gt 0 ]] || set -- address thread
for sanitizer in "$@"; do
  case $sanitizer in
    -h | --help)
      usage
      exit 0
      ;;
    address | thread) ;;
    *) wrong_usage "expected address or thread, found $sanitizer" ;;
  esac
done
find_mnist
ensure_packages
for sanitizer in "$@"; do "run_$sanitizer"; done
