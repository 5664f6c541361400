#!/usr/bin/env bash
# Puts MNIST's four files, unpacked and checked, into data/mnist. See --help.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
checksums=$root/data/checksums.sha256
default_mirrors="https://ossci-datasets.s3.amazonaws.com/mnist/ https://storage.googleapis.com/cvdf-datasets/mnist/"

usage() {
  cat <<END
Usage: fetch_mnist.sh [DIRECTORY]

Puts the four files of MNIST, unpacked, into DIRECTORY (default: $root/data/mnist).
Files that are there and right are kept. The others come from, in this order:
  1. the directory named by the environment variable KEEL_MNIST_DIR: train-images-idx3-ubyte or
     train-images.idx3-ubyte, and so on, each plain or with .gz; its files are checked even if all are there already,
     with a warning if they are not MNIST's;
  2. mirrors: the base URLs in KEEL_MNIST_MIRRORS, separated by spaces (default: $default_mirrors).
The unpacked content must have the SHA-256 that stands in data/checksums.sha256. A file is there whole or not at all.
Exit status: 0 if all four files are there, 1 if not, 2 for wrong usage.
END
}

say() { echo "fetch_mnist: $*"; }
complain() { say "$@" >&2; }

sum_of() { sha256sum <"$1" | cut -d ' ' -f 1; }
expected_sum_of() { awk -v name="$1" '$2 == name { print $1 }' "$checksums"; }
is_right() { [[ -f $1 && $(sum_of "$1") == $(expected_sum_of "$2") ]]; }

# unpack FILE TARGET: gzip is told by content, not by name.
unpack() {
  if [[ $(head -c 2 "$1" | od -An -tx1) == " 1f 8b" ]]; then
    gzip -dc <"$1" >"$2" 2>/dev/null
  else
    cat <"$1" >"$2"
  fi
}

# install_file FILE NAME: unpacks, checks and renames, so that NAME is never there in part.
install_file() {
  unpack "$1" "$work/unpacked" && is_right "$work/unpacked" "$2" && mv -f "$work/unpacked" "$destination/$2"
}

# readable_spellings NAME: sets `spellings` to the files that may be NAME in KEEL_MNIST_DIR.
readable_spellings() {
  local dotted=${1/-idx/.idx} candidate
  spellings=()
  for candidate in "$1" "$dotted" "$1.gz" "$dotted.gz"; do
    if [[ -f $KEEL_MNIST_DIR/$candidate && -r $KEEL_MNIST_DIR/$candidate ]]; then spellings+=("$candidate"); fi
  done
}
is_absent() { echo "no $1, no ${1/-idx/.idx}, nor either with .gz"; }
differs() { echo "$1: not the content of MNIST's $2 (SHA-256 differs)"; }

# take_from_directory NAME: tries the spellings of a name in KEEL_MNIST_DIR.
take_from_directory() {
  local name=$1 candidate spellings
  readable_spellings "$name"
  for candidate in "${spellings[@]}"; do
    if install_file "$KEEL_MNIST_DIR/$candidate" "$name"; then
      say "$name from $KEEL_MNIST_DIR"
      return
    fi
    complain "$(differs "$KEEL_MNIST_DIR/$candidate" "$name")"
  done
  if ((${#spellings[@]} == 0)); then complain "$KEEL_MNIST_DIR: $(is_absent "$name")"; fi
}

# problem_in_directory: the first reason why KEEL_MNIST_DIR does not hold MNIST, on standard output; nothing if it does.
problem_in_directory() {
  local name candidate spellings
  if [[ ! -d $KEEL_MNIST_DIR ]]; then
    echo "no such directory"
    return
  fi
  while read -r _ name; do
    readable_spellings "$name"
    for candidate in "${spellings[@]}"; do
      if unpack "$KEEL_MNIST_DIR/$candidate" "$work/unpacked" && is_right "$work/unpacked" "$name"; then continue 2; fi
    done
    if ((${#spellings[@]} == 0)); then is_absent "$name"; else differs "${spellings[0]}" "$name"; fi
    return
  done <"$checksums"
}

# download URL TARGET: the reason of a failure, in one line, on standard output.
download() {
  local output
  if command -v curl >/dev/null; then
    output=$(curl -fsSL --connect-timeout 15 --max-time 900 -o "$2" "$1" 2>&1) || { tail -n 1 <<<"$output"; return 1; }
  elif command -v wget >/dev/null; then
    output=$(wget -nv -T 15 -t 1 -O "$2" "$1" 2>&1) || { tail -n 1 <<<"$output"; return 1; }
  else
    echo "neither curl nor wget is installed"
    return 1
  fi
}

# take_from_mirror BASE: gets all files that are missing, or complains in one line about the first that it cannot.
take_from_mirror() {
  local base=${1%/} name reason
  for name in "${missing[@]}"; do
    if [[ -f $destination/$name ]] && is_right "$destination/$name" "$name"; then continue; fi
    if ! reason=$(download "$base/$name.gz" "$work/download"); then
      complain "$base/$name.gz: cannot download: $reason"
      return 1
    fi
    if ! install_file "$work/download" "$name"; then
      complain "$base/$name.gz: not the content of MNIST's $name (SHA-256 differs)"
      return 1
    fi
    say "$name from $base"
  done
}

# find_missing: sets `missing` to the names that are not in the destination or wrong there.
find_missing() {
  local name
  missing=()
  while read -r _ name; do
    if ! is_right "$destination/$name" "$name"; then missing+=("$name"); fi
  done <"$checksums"
}

case ${1-} in
  -h | --help) usage && exit 0 ;;
  -*) complain "unknown option $1 (see --help)" && exit 2 ;;
esac
if (($# > 1)); then
  complain "one directory expected, found $# arguments (see --help)"
  exit 2
fi

destination=${1:-$root/data/mnist}
if ! mkdir -p "$destination" 2>/dev/null || [[ ! -w $destination ]]; then
  complain "$destination: cannot write into this directory"
  exit 1
fi

# In the destination, so that the final renaming stays on one file system.
work=$(mktemp -d "$destination/.fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

missing=()
find_missing
if ((${#missing[@]} == 0)); then
  # Who names a directory expects its files to be used: they are the same ones, or this is said.
  problem=''
  if [[ -n ${KEEL_MNIST_DIR-} ]]; then problem=$(problem_in_directory); fi
  if [[ -n $problem ]]; then
    echo "warning: KEEL_MNIST_DIR=$KEEL_MNIST_DIR: $problem; using the verified files in $destination" >&2
  else
    say "nothing to do, MNIST is in $destination"
  fi
  exit 0
fi

if [[ -n ${KEEL_MNIST_DIR-} && ! -d $KEEL_MNIST_DIR ]]; then
  complain "$KEEL_MNIST_DIR: no such directory (KEEL_MNIST_DIR)"
elif [[ -n ${KEEL_MNIST_DIR-} ]]; then
  for name in "${missing[@]}"; do take_from_directory "$name"; done
fi

find_missing
read -ra mirrors <<<"${KEEL_MNIST_MIRRORS-$default_mirrors}"
for mirror in "${mirrors[@]}"; do
  if ((${#missing[@]} == 0)); then break; fi
  if take_from_mirror "$mirror"; then missing=(); fi
done

if ((${#missing[@]} > 0)); then
  complain "MNIST is not complete in $destination; set KEEL_MNIST_DIR to a directory that has it"
  exit 1
fi
say "MNIST is in $destination"
