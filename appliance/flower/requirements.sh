#!/bin/sh
# Prints the locked requirements of an environment, for `pip --require-hashes`: requirements.sh VERSION FRAMEWORK
# (none, pytorch, tensorflow, sklearn). Ends with 64 if Flower VERSION has no lock with FRAMEWORK; lock.py makes it.
set -eu
locks=$(cd "$(dirname "$0")" && pwd)/locks
case $1-$2 in *[!0-9a-z.-]*) list= ;; *) list=$locks/$1-$2.txt ;; esac
if [ ! -f "$list" ]; then
  versions=$(cd "$locks" && printf '%s\n' *-none.txt | sed 's/-none.txt//' | xargs)
  echo "ERROR: no locked requirements for Flower '$1' with '$2'; versions: $versions; frameworks: none, pytorch, tensorflow, sklearn" >&2
  exit 64
fi
awk '
  NR == FNR { hashes[$2] = hashes[$2] " --hash=sha256:" $1; next }
  !($1 in hashes) { print "ERROR: " $1 " has no hash in locks/hashes.txt" >"/dev/stderr"; exit 1 }
  { print $0 hashes[$1] }
' "$locks/hashes.txt" "$list"
