#!/bin/sh
# Writes the locked requirements: each package with its version and the hashes of all its files, for Python 3.11 to 3.13
# on x86_64 and aarch64. Needs `uv` on PATH and the package index. Usage: lock.sh VERSION [FRAMEWORK...]
set -eu
cd "$(dirname "$0")"
version=$1
shift
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

lock() {
  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-header --no-annotate "$@"
}

printf 'flwr==%s\nnumpy\n' "$version" >"$scratch/base.in"
lock "$scratch/base.in" -o "$scratch/base.txt" >/dev/null
cp "$scratch/base.txt" "requirements-$version.txt"

for framework in "$@"; do
  case $framework in
    pytorch) package=torch ;;
    tensorflow) package=tensorflow ;;
    sklearn) package=scikit-learn ;;
    *) echo "lock.sh: no framework $framework (pytorch, tensorflow, sklearn)" >&2; exit 64 ;;
  esac
  printf 'flwr==%s\nnumpy\n%s\n' "$version" "$package" >"$scratch/all.in"
  # The framework's file omits the packages of the base, which have the same versions.
  cp "$scratch/base.txt" "$scratch/all.txt"
  lock "$scratch/all.in" -o "$scratch/all.txt" >/dev/null
  awk 'NR == FNR { if (/==/) base[$1] = 1; next } /==/ { wanted = !($1 in base) } wanted' \
    "$scratch/base.txt" "$scratch/all.txt" >"requirements-$version-$framework.txt"
done
