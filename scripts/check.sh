#!/usr/bin/env bash
# What a contributor runs before sending a change.
#
# usage: scripts/check.sh [STEP...]
#
#   format    clang-format has nothing to change
#   layers    every #include points downwards, and no file is too long
#   shell     shellcheck has nothing to say about the scripts
#   gcc       builds with g++, warnings are errors; all tests
#   threads   the same build's tests with OMP_NUM_THREADS=1 and 4
#   clang     builds with clang++, warnings are errors; all tests
#   sanitize  tests under the address, undefined behaviour and thread sanitizers (scripts/run_sanitizers.sh)
#   tidy      clang-tidy has nothing to say; slow, so only when named
#
# All but tidy without arguments. A step whose tool is not installed is skipped, and the summary says so. Builds go to
# build-dev, build-clang, build-asan-ubsan and build-tsan, the presets of CMakePresets.json. The exit code is 1 if a step
# failed.
#
# environment: KEEL_MNIST_DIR (for tests on real MNIST), KEEL_JOBS (compilers at once)

# shellcheck disable=SC2317 # the steps are called by their names
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# A step returns this when it could not run.
skipped=77

have() {
  if command -v "$1" >/dev/null; then return 0; fi
  say "$1 is not installed"
  return 1
}

# cpp_files FOLDER...: our C++ in those of the folders that exist, for xargs -0.
cpp_files() {
  local folder
  for folder in "$@"; do
    [[ ! -d $folder ]] || find "$folder" \( -name '*.h' -o -name '*.cpp' \) -print0
  done
}

check_format() {
  have clang-format || return "$skipped"
  local unformatted
  unformatted=$(cpp_files include src apps tests bench fuzz | xargs -0 -r clang-format --dry-run 2>&1 |
    sed -n 's/:.* \[-Wclang-format-violations\]$//p' | sort -u) || {
    say "clang-format failed"
    return 1
  }
  [[ -n $unformatted ]] || return 0
  say "To mend: clang-format -i ${unformatted//$'\n'/ }"
  return 1
}

check_layers() { python3 scripts/check_layers.py; }

check_shell() {
  have shellcheck || return "$skipped"
  shellcheck .ci/run scripts/*.sh
}

# build_preset NAME, test_preset NAME: one of CMakePresets.json.
build_preset() {
  build_dir=$root/build-$1
  remove_foreign_build
  cmake --preset "$1" && cmake --build --preset "$1" --parallel "${KEEL_JOBS:-$(num_processors)}"
}
test_preset() { ctest --preset "$1"; }

check_gcc() { build_preset dev && test_preset dev; }

check_threads() { build_preset dev && OMP_NUM_THREADS=1 test_preset dev && OMP_NUM_THREADS=4 test_preset dev; }

check_clang() {
  have clang++ || return "$skipped"
  build_preset clang && test_preset clang
}

check_sanitize() { scripts/run_sanitizers.sh; }

check_tidy() {
  have clang-tidy || return "$skipped"
  cmake --preset clang >/dev/null && cpp_files src apps | grep -z 'cpp$' |
    xargs -0 -n 1 -P "${KEEL_JOBS:-$(num_processors)}" clang-tidy -p build-clang --quiet
}

all_steps=(format layers shell gcc threads clang sanitize)
steps=()
for argument in "$@"; do
  case $argument in
    -h | --help)
      usage
      exit 0
      ;;
    format | layers | shell | gcc | threads | clang | sanitize | tidy) steps+=("$argument") ;;
    *) wrong_usage "$argument: expected one of ${all_steps[*]} tidy" ;;
  esac
done
[[ ${#steps[@]} -gt 0 ]] || steps=("${all_steps[@]}")

find_mnist
prefer_ninja
cd "$root"
summary=()
failed=0
for step in "${steps[@]}"; do
  say "== $step"
  result=0
  "check_$step" || result=$?
  case $result in
    0) summary+=("$step: passed") ;;
    "$skipped") summary+=("$step: skipped, its tool is not installed") ;;
    *)
      summary+=("$step: FAILED")
      failed=1
      ;;
  esac
done
say "== summary"
printf '%s\n' "${summary[@]}"
exit "$failed"
