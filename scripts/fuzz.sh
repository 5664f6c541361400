#!/usr/bin/env bash
# Runs the fuzz targets (fuzz/), each for a while, from the inputs in tests/corpus. Installs missing packages as root.
#
# usage: scripts/fuzz.sh [--seconds N] [TARGET...]
#
#   --seconds N   how long each target runs; default 60
#   TARGET        a file in fuzz/ without .cpp; default all
#
# Builds with clang in build-fuzz, where new inputs that reach new code are kept (build-fuzz/corpus). An input that ends
# a target with a crash, an error of a sanitizer, an exception that the reader does not promise, more than 10 s or too
# much memory is made smaller and put into tests/corpus/TARGET, which the ordinary tests replay: mend the reader, and
# commit both. The exit code is 1 if there was one.
#
# environment: KEEL_JOBS (targets and compilers at once), KEEL_PACKAGES=skip (do not look for missing packages)
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# Inputs stay small, so that no more memory than this is honest: the readers' own, of gzip's best 1000 bytes for one.
max_length=65536
max_memory=(-rss_limit_mb=1024 -malloc_limit_mb=256)

seconds=60
targets=()
while [[ $# -gt 0 ]]; do
  case $1 in
    -h | --help)
      usage
      exit 0
      ;;
    --seconds)
      [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || wrong_usage "--seconds: expected a number of seconds, found ${2:-nothing}"
      seconds=$2
      shift
      ;;
    *)
      [[ -f $root/fuzz/$1.cpp ]] || wrong_usage "$1: expected a target of fuzz/, found no fuzz/$1.cpp"
      targets+=("$1")
      ;;
  esac
  shift
done
if [[ ${#targets[@]} -eq 0 ]]; then
  for source in "$root"/fuzz/*.cpp; do targets+=("$(basename "$source" .cpp)"); done
fi

# fuzz TARGET: its report goes to build-fuzz/TARGET.log.
fuzz() {
  local target=$1 found=$build_dir/found/$1 program=$build_dir/fuzz/keel_fuzz_$1 log=$build_dir/$1.log
  local limits=(-max_len="$max_length" -timeout=10 "${max_memory[@]}") artifact
  mkdir -p "$build_dir/corpus/$target" "$root/tests/corpus/$target"
  rm -rf "$found"
  mkdir -p "$found"
  if "$program" -max_total_time="$seconds" "${limits[@]}" -artifact_prefix="$found/" -print_final_stats=1 \
    "$build_dir/corpus/$target" "$root/tests/corpus/$target" >"$log" 2>&1; then
    say "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs in $seconds s, no error"
    return 0
  fi
  warn "$target: FAILED; the end of $log:"
  tail -n 40 "$log" >&2
  for artifact in "$found"/*; do
    [[ -f $artifact ]] || continue
    local kept=$root/tests/corpus/$target/${artifact##*/}
    # Only crashes can be made smaller.
    if [[ $artifact != */crash-* ]] || ! "$program" -minimize_crash=1 -runs=20000 "${limits[@]}" \
      -exact_artifact_path="$kept" "$artifact" >>"$log" 2>&1; then
      [[ -f $kept ]] || cp "$artifact" "$kept"
    fi
    warn "$target: kept $kept"
  done
  return 1
}

debian_packages+=(clang libclang-rt-dev libomp-dev)
ensure_packages
command -v clang++ >/dev/null || die "clang++ not found; it has libFuzzer (Debian: clang libclang-rt-dev libomp-dev)"
prefer_ninja
build_dir=$root/build-fuzz
remove_foreign_build
cd "$root"
cmake --preset fuzz >/dev/null
compile --target "${targets[@]/#/keel_fuzz_}"

rm -f "$build_dir/failed"
for target in "${targets[@]}"; do
  # As many at once as there are processors.
  while [[ $(jobs -rp | wc -l) -ge ${KEEL_JOBS:-$(num_processors)} ]]; do wait -n || true; done
  { fuzz "$target" || : >"$build_dir/failed"; } &
done
wait
[[ ! -e $build_dir/failed ]]
