#!/bin/sh
# sizes.sh ROOT DISK [LIMIT]: prints the size of the compressed disk DISK by component, in MiB: in the root file system ROOT, and
# compressed (by gzip, which a compressed qcow2 uses). A file belongs to the first row whose pattern matches its path. Ends
# with 1 if the disk is larger than LIMIT MiB.
set -eu
root=${1:?usage: sizes.sh ROOT DISK [LIMIT]} disk=${2:?usage: sizes.sh ROOT DISK [LIMIT]} limit=${3:-}
mib() { awk -v bytes="$1" 'BEGIN { printf "%.1f", bytes / 1048576 }'; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# number;name;extended regular expression of paths relative to the root
cat >"$work/rows" <<'ROWS'
1;kernel and its modules;^(boot|usr/lib/modules)/
2;numpy;^opt/flower/envs/[^/]*/lib/[^/]*/site-packages/numpy
3;PyTorch, TensorFlow, scikit-learn;^opt/flower/envs/[^/]*/lib/[^/]*/site-packages/(torch|nvidia|triton|tensorflow|sklearn|scipy)
4;gRPC and cryptography;^opt/flower/envs/[^/]*/lib/[^/]*/site-packages/(grpc|cryptography)
5;Flower and its other packages;^opt/flower/
6;Node.js;^usr/lib/flower-context/node$
7;the agent;^(usr/lib/flower-context/|usr/share/.*flower-context|var/cache/flower-context/)
8;Python;^usr/(bin/py|lib/python|share/python)
9;Debian;
ROWS
(cd "$root" && find . -xdev ! -type d -printf '%P;%b\n') | awk -F ';' -v work="$work" '
  FNR == NR { name[$1] = $2; fits[$1] = $3; rows = $1; next }
  { for (row = 1; row <= rows; row++) if ($1 ~ fits[row]) break
    blocks[row] += $2; print $1 >(work "/list." row) }
  END { for (row = 1; row <= rows; row++) printf "%d;%s;%.0f\n", row, name[row], blocks[row] * 512 }' "$work/rows" - >"$work/table"

printf '%s, MiB\n' "$disk"
printf '%-34s %8s %10s\n' '' 'on disk' 'compressed'
total=0 small=0
while IFS=';' read -r row name bytes; do
  [ -e "$work/list.$row" ] || continue
  packed=$(tar -C "$root" --no-recursion -T "$work/list.$row" -c | gzip -6 | wc -c)
  printf '%-34s %8s %10s\n' "$name" "$(mib "$bytes")" "$(mib "$packed")"
  total=$((total + bytes)) small=$((small + packed))
done <"$work/table"
printf '%-34s %8s %10s\n' 'all files' "$(mib $total)" "$(mib $small)"

bytes=$(stat -c %s "$disk")
printf '%-34s %8s %10s' 'the disk' '' "$(mib "$bytes")"
[ -n "$limit" ] || { echo; exit 0; }
[ "$bytes" -le $((limit * 1048576)) ] || { printf ', MORE than %s\n' "$limit"; exit 1; }
printf ' of at most %s\n' "$limit"
