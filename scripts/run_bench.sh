#!/usr/bin/env bash
# How fast Keel is on this machine: installs missing packages (as root; otherwise says what to type), builds the
# benchmarks, and runs them.
#
# usage: scripts/run_bench.sh [OPTION...]
#        scripts/run_bench.sh --compare [OPTION...]
#
# Options are passed on to keel-bench: --info says what it runs on, --benchmark_filter=REGEX picks benchmarks. With
# --compare, Keel and PyTorch are measured in turn, and options are passed on to bench/compare_pytorch.py: --quick for a
# first look, --out FILE for the page. PyTorch is any that python3 has, or else Debian's.
#
# environment: KEEL_MNIST_DIR (MNIST files at hand), KEEL_PYTHON (one with PyTorch), KEEL_BUILD_DIR, KEEL_JOBS (compilers
# at once), KEEL_PACKAGES=skip (do not look for missing packages), VERBOSE=1 (show what CMake says)
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

case ${1:-} in
  -h | --help)
    usage
    exit 0
    ;;
esac

# Prints a Python that has PyTorch.
find_pytorch() {
  local candidate
  for candidate in "${KEEL_PYTHON:-}" python3 /usr/bin/python3; do
    if [[ -n $candidate ]] && "$candidate" -c 'import torch, numpy' >/dev/null 2>&1; then
      command -v "$candidate"
      return 0
    fi
  done
  return 1
}

debian_packages+=(libbenchmark-dev)
compare=''
if [[ ${1:-} == --compare ]]; then
  compare=yes
  shift
  [[ " $* " == *' --python'* ]] || find_pytorch >/dev/null || debian_packages+=(python3-torch python3-numpy)
fi

ensure_packages
configure -DKEEL_APPS=ON -DKEEL_BENCH=ON
compile --target keel-bench keel-mnist-bn
if [[ -z $compare ]]; then
  find_mnist
  exec "$build_dir/bin/keel-bench" "$@"
fi

options=(--keel "$build_dir/bin/keel-bench")
if [[ " $* " != *' --data'* ]]; then
  "$root/scripts/fetch_mnist.sh"
  options+=(--data "$root/data/mnist")
fi
if [[ " $* " != *' --python'* ]] && python=$(find_pytorch); then options+=(--python "$python"); fi
exec python3 "$root/bench/compare_pytorch.py" "${options[@]}" "$@"
