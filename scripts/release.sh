#!/bin/sh
# release.sh: makes the release of the version in package.json: tag, package and checksums, all of them local. RELEASING.md
# has the whole procedure. DRY_RUN=1 only checks and prints the commands. SKIP_TESTS=1 leaves out `make test`.
set -eu
cd "$(dirname "$0")/.."

fail() { echo "release: $*" >&2; exit 1; }
run() {
  echo "+ $*"
  [ -n "${DRY_RUN:-}" ] || "$@"
}
clean() { [ -z "$(git status --porcelain)" ]; }

version=$(sed -n 's/^  "version": "\([0-9]*\.[0-9]*\.[0-9]*\)",$/\1/p' package.json)
[ -n "$version" ] || fail 'package.json has no version X.Y.Z'
tag=v$version
clean || fail 'the working tree has changes: commit or remove them'
[ "$(grep -c "^  \"version\": \"$version\"\|^      \"version\": \"$version\",\$" package-lock.json)" -ge 2 ] ||
  fail "package-lock.json has another version than $version: npm install --package-lock-only --ignore-scripts"
[ "$(grep -m 1 '^## ' CHANGELOG.md)" = "## $version" ] || fail "the first heading of CHANGELOG.md must be '## $version'"
if git rev-parse -q --verify "refs/tags/$tag" >/dev/null; then fail "the tag $tag exists already"; fi

[ -n "${SKIP_TESTS:-}" ] || run make --no-print-directory test
run rm -f dist/SHA256SUMS
run make --no-print-directory deb
clean || fail 'the build changed files of the repository'
if [ -z "${DRY_RUN:-}" ]; then
  # The package of this version, and the disks if `make image` has made them.
  (
    cd dist
    set -- "flower-context_${version}_"*.deb
    for disk in *.qcow2; do [ ! -e "$disk" ] || set -- "$@" "$disk"; done
    sha256sum "$@" >SHA256SUMS
    cat SHA256SUMS
  )
fi
run git tag -a "$tag" -m "flower-context $version"
echo "release: next: git push origin $tag, then upload the files of dist/SHA256SUMS (RELEASING.md)"
