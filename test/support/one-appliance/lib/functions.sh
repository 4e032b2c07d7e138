# shellcheck shell=bash disable=SC2154
# Part of the stub of the framework: what notes a state, and what refuses one.

note() {
  echo "$1" >"$here/status"
  case $1 in
    bootstrap_success) line='All set and ready to serve 8)' ;;
    *_success) line="$stage step was successful." ;;
    *_failure) line="$stage step failed. APPLIANCE ERROR" ;;
    *) line="$stage step is in progress... PLEASE WAIT" ;;
  esac
  printf '\n    OpenNebula Service Appliance\n\n %s\n\n' "$line" >/etc/motd
}
refuse() { echo "service $stage: refused in state '$now'"; exit 1; }
again() { [ "${ONE_SERVICE_RECONFIGURABLE:-}" = true ]; }
