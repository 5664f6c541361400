#!/usr/bin/env bash
# MNIST with and without batch normalization, end to end: installs missing packages (as root; otherwise says what to
# type), builds, fetches MNIST, trains both models, and plots their losses.
#
# usage: scripts/run_mnist.sh [OPTION...]
#
# Options are passed on to keel-mnist-bn; `build/bin/keel-mnist-bn --help` lists them. Unless they say otherwise the
# data are in data/mnist and the run goes to runs/mnist_bn, where it replaces an earlier one. Where MNIST cannot be had
# the run is made with synthetic digits, and says so.
#
# environment: KEEL_MNIST_DIR (MNIST files at hand), KEEL_PYTHON (for the plot), KEEL_BUILD_DIR, KEEL_JOBS (compilers
# at once), KEEL_PACKAGES=skip (do not look for missing packages), VERBOSE=1 (show what CMake says)
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

data='' out='' expect=''
for argument in "$@"; do
  case $expect in
    data) data=$argument ;;
    out) out=$argument ;;
  esac
  expect=''
  case $argument in
    -h | --help)
      usage
      exit 0
      ;;
    --data | --out) expect=${argument#--} ;;
    --data=*) data=${argument#*=} ;;
    --out=*) out=${argument#*=} ;;
  esac
done
[[ -z $expect ]] || wrong_usage "--$expect: expected a directory after it, found nothing"

say_synthetic() {
  warn "********************************************************************************"
  warn "* MNIST could not be had (see above). This run uses SYNTHETIC digits, drawn by *"
  warn "* the library: its numbers are not MNIST's. To use files that you have, set    *"
  warn "* KEEL_MNIST_DIR to their directory and run this again.                        *"
  warn "********************************************************************************"
}

ensure_packages
configure -DKEEL_APPS=ON
compile --target keel_programs
# Misspelt options are found before anything is fetched.
"$build_dir/bin/keel-mnist-bn" --help "$@" >/dev/null

options=()
synthetic=''
if [[ -z $data ]]; then
  if "$root/scripts/fetch_mnist.sh"; then
    options+=(--data "$root/data/mnist")
  else
    synthetic=yes
    say_synthetic
    options+=(--data synthetic)
  fi
fi
if [[ -z $out ]]; then
  out=$root/runs/mnist_bn
  options+=(--out "$out" --overwrite)
fi
status=0
started=$(date +%s)
"$build_dir/bin/keel-mnist-bn" "${options[@]}" "$@" || status=$?
if [[ $status -ne 0 ]]; then
  # A run with a model that diverged fails, but it has its results, and a plot shows where.
  finished=$(date -r "$out/summary.json" +%s 2>/dev/null) || exit "$status"
  [[ $finished -ge $started ]] || exit "$status"
fi

# Without a Python that has matplotlib, plot_losses.py says what is missing.
python=$(find_python) || python=python3
"$python" "$root/scripts/plot_losses.py" "$out" || status=$?

say
say "The run is in $out:"
show() { [[ ! -e $out/$1 ]] || printf '  %-18s %s\n' "$1" "$2"; }
show summary.json "the models' results"
show no_bn/epochs.csv "every epoch, without batch normalization"
show bn/epochs.csv "every epoch, with it"
for log in "$out"/*/epochs.csv; do
  arm=$(basename "$(dirname "$log")")
  [[ $arm == no_bn || $arm == bn ]] || show "$arm/epochs.csv" "every epoch, with norm $arm"
done
show losses.png "the plot"
show losses.svg "the plot, for print"
[[ -z $synthetic ]] || say_synthetic
exit "$status"
