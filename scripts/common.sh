# shellcheck shell=bash
# What the other scripts share; they source it. Sets `root`, the repository's directory.
#
# Environment:
#   KEEL_PACKAGES=skip  do not look for missing Debian packages
#   KEEL_PYTHON         the Python to use for plots
#   KEEL_BUILD_DIR      where to build, instead of build/
#   KEEL_JOBS           compilers at once, instead of one per processor
#   VERBOSE             show what CMake says

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
build_dir=${KEEL_BUILD_DIR:-$root/build}
[[ $build_dir == /* ]] || build_dir=$PWD/$build_dir
requested_build_dir=${KEEL_BUILD_DIR:+$build_dir}

# Everything needed to build, test, fetch and plot on a fresh Debian 12.
debian_packages=(
  g++ cmake ninja-build
  libopenblas-openmp-dev libcxxopts-dev libfmt-dev nlohmann-json3-dev zlib1g-dev libstb-dev libgtest-dev libgmock-dev
  python3 python3-matplotlib
  curl ca-certificates
)

say() { printf '%s\n' "$*"; }
warn() { printf '%s\n' "$*" >&2; }
die() {
  warn "error: $*"
  exit 1
}
wrong_usage() {
  warn "error: $*"
  exit 2
}

# Prints the comment at the head of the calling script, which is its --help.
usage() { sed -En '2,/^([^#]|$)/s/^# ?//p' "$0"; }

# Ends the script, with the one line to type, if packages are missing and this is not root, who can install them.
ensure_packages() {
  [[ ${KEEL_PACKAGES:-} != skip ]] || return 0
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    warn "note: this is not Debian, so nothing was installed. Needed: a C++20 compiler with OpenMP, CMake 3.22," \
      "OpenBLAS, cxxopts, fmt, nlohmann-json, zlib, stb, GoogleTest, curl, Python 3 with matplotlib."
    return 0
  fi
  local missing=() package
  for package in "${debian_packages[@]}"; do
    # shellcheck disable=SC2016 # the braces are dpkg-query's
    dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0
  if [[ $(id -u) -ne 0 ]]; then
    warn "error: packages are missing. Type this line, then run the script again:"
    warn "  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}"
    exit 1
  fi
  say "Installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq || warn "note: apt-get update failed; trying with the package lists at hand"
  # apt reports progress on stdout; it is of interest when something goes wrong only.
  local log
  log=$(apt-get install -y -qq --no-install-recommends "${missing[@]}" 2>&1) ||
    die "apt-get could not install ${missing[*]}:"$'\n'"$log"
}

# Makes KEEL_MNIST_DIR absolute for programs that run elsewhere; where it is not set, data/mnist if it has been fetched.
find_mnist() {
  if [[ -n ${KEEL_MNIST_DIR:-} ]]; then
    [[ -d $KEEL_MNIST_DIR ]] || die "KEEL_MNIST_DIR: expected a directory, found $KEEL_MNIST_DIR"
    KEEL_MNIST_DIR=$(cd "$KEEL_MNIST_DIR" && pwd -P)
  elif [[ -d $root/data/mnist ]]; then
    KEEL_MNIST_DIR=$root/data/mnist
  else
    return 0
  fi
  export KEEL_MNIST_DIR
}

num_processors() {
  # nproc believes OMP_NUM_THREADS, which says nothing about compilers.
  env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc 2>/dev/null || getconf _NPROCESSORS_ONLN
}

# Prepares $build_dir for CMake where it holds a build that was made elsewhere. The repository's own build directory may
# have been moved or copied together with it: then CMake's files of the other place go, and nothing else. What
# KEEL_BUILD_DIR names may be anybody's: nothing there is removed.
remove_foreign_build() {
  local cache=$build_dir/CMakeCache.txt project home where
  [[ -f $cache ]] || return 0
  project=$(sed -n 's/^CMAKE_PROJECT_NAME:STATIC=//p' "$cache")
  home=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$cache")
  where=$(sed -n 's/^CMAKE_CACHEFILE_DIR:INTERNAL=//p' "$cache")
  if [[ $home -ef $root && $where -ef $build_dir ]]; then return 0; fi
  if [[ $build_dir == "$requested_build_dir" && ! $build_dir -ef $root/build ]]; then
    if [[ $home -ef $root ]]; then home+=", made in ${where:-another directory}"; fi
    wrong_usage "KEEL_BUILD_DIR=$KEEL_BUILD_DIR: expected an empty directory or a build of Keel, found a build of" \
      "${home:-another project}"
  fi
  [[ $project == keel ]] || die "$build_dir: expected a build of Keel, found a build of ${home:-another project}"
  say "Configuring $build_dir anew: it was made for ${home:-another directory}"
  rm -rf "$cache" "$build_dir/CMakeFiles"
}

# For new build directories; an old one keeps what it was made with.
prefer_ninja() {
  if [[ -z ${CMAKE_GENERATOR:-} ]] && command -v ninja >/dev/null; then export CMAKE_GENERATOR=Ninja; fi
}

# configure [CMAKE_OPTION...]: prepares an optimised build in $build_dir. What CMake says is shown if it fails, or if the
# environment has VERBOSE set.
configure() {
  command -v cmake >/dev/null || die "cmake not found; it is needed to build"
  remove_foreign_build
  mkdir -p "$build_dir"
  [[ -w $build_dir ]] || die "cannot write to $build_dir; it may belong to root: remove it, or set KEEL_BUILD_DIR"
  prefer_ninja
  say "Building in $build_dir"
  local command=(cmake -S "$root" -B "$build_dir" -DCMAKE_BUILD_TYPE=Release "$@") log status=0
  if [[ -n ${VERBOSE:-} ]]; then
    "${command[@]}"
    return
  fi
  log=$("${command[@]}" 2>&1) || status=$?
  [[ $status -eq 0 ]] || warn "$log"
  return "$status"
}

# compile --target NAME...
compile() {
  cmake --build "$build_dir" --parallel "${KEEL_JOBS:-$(num_processors)}" "$@"
}

# Prints a Python that has matplotlib. The first python3 on the PATH may not be Debian's, where apt puts it.
find_python() {
  local candidate
  for candidate in "${KEEL_PYTHON:-}" python3 /usr/bin/python3 /usr/local/bin/python3 /opt/homebrew/bin/python3; do
    if [[ -n $candidate ]] && "$candidate" -c 'import matplotlib' >/dev/null 2>&1; then
      command -v "$candidate"
      return 0
    fi
  done
  return 1
}
