#!/bin/bash
# Stands for one-context's network stage: what its net-99-report-ready does (three tries, ten seconds apart, no limit on
# the script's time; the report is one PUT). RETRY_WAIT_PERIOD may be shortened by a test.
root=$FLOWER_CONTEXT_ROOT
variable() { sed -n "s/^export $1=\"\(.*\)\"\$/\1/p" "$root/run/one-context/one_env" | head -n 1; }

[ "$(variable REPORT_READY)" = YES ] || exit 0
endpoint=$(variable ONEGATE_ENDPOINT)
[[ $endpoint =~ ^http://([^/:]+):([0-9]+) ]] || exit 1
host=${BASH_REMATCH[1]} port=${BASH_REMATCH[2]}
script=$root$(variable READY_SCRIPT_PATH)
[ -x "$script" ] || exit 1

for _ in 1 2 3; do
  if "$script"; then
    body='data=READY%3DYES&type=1'
    if exec 3<>"/dev/tcp/$host/$port"; then
      printf 'PUT /vm HTTP/1.1\r\nHost: %s:%s\r\nX-ONEGATE-TOKEN: %s\r\nX-ONEGATE-VMID: %s\r\nConnection: close\r\n' \
        "$host" "$port" "$(variable TOKENTXT)" "$(variable VMID)" >&3
      printf 'User-Agent: one-context\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s' "${#body}" "$body" >&3
      read -r _ code _ <&3
      [ "$code" = 200 ] && exit 0
    fi
  fi
  sleep "${RETRY_WAIT_PERIOD:-10}"
done
exit 1
