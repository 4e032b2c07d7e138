# shellcheck shell=bash disable=SC2016,SC2034
# The appliance as OpenNebula's one-apps framework wants it: /etc/one-appliance/service.d/appliance.sh, sourced by
# /etc/one-appliance/service, which calls the functions below and keeps status file, log and message of the day.
#
# Everything is done by flower-context.service; the framework only has to know how that went.

ONE_SERVICE_NAME='Service Flower - KVM'
ONE_SERVICE_VERSION='1.39.0'
ONE_SERVICE_BUILD=$(date +%s)
ONE_SERVICE_SHORT_DESCRIPTION='Flower SuperLink or SuperNode for federated learning'
ONE_SERVICE_DESCRIPTION='Flower (flower.ai) under systemd, configured by the variables of the CONTEXT: `flower-context status`, `journalctl -u flower-context`.'

# The framework takes "configured once" for "configured": without this a second boot, or one after a power cut, would
# change nothing and still be reported as a success.
ONE_SERVICE_RECONFIGURABLE=true

# The framework makes this pipe at each stage and ends when it exists, as it does after a power cut in the middle of a stage.
rm -f "${ONE_SERVICE_LOGDIR:-/var/log/one-appliance}/one_service_log.pipe"

# Names, defaults and meaning of the variables are in the image's own templates (docs/reference/variables.md); a second
# list here could only differ from them.
ONE_SERVICE_PARAMS=()

# What Packer copied here: install.sh, and either the flower-context package or packages.sha256, which says where it is.
# FLOWER_ROLE and the others come from Packer too.
FLOWER_SOURCES=${ONE_SERVICE_SETUP_DIR:-/opt/one-appliance}/flower

# Puts the package beside install.sh, unless it is there. A line of packages.sha256 has the sha256 and the URL of the
# package for one architecture.
fetch_package() {
  local suffix package sum url found
  suffix=_$(dpkg --print-architecture).deb
  for package in "$FLOWER_SOURCES"/flower-context_*"$suffix"; do [ ! -e "$package" ] || return 0; done
  while read -r sum url; do
    [ "${url%"$suffix"}" = "$url" ] || break
  done < <(grep -v '^#' "$FLOWER_SOURCES/packages.sha256")
  if [ -z "$url" ]; then
    echo "fetch the flower-context package: packages.sha256 beside install.sh has no line for a package *$suffix; put the package beside install.sh, or its sha256 and URL into that file" >&2
    return 1
  fi
  package=$FLOWER_SOURCES/${url##*/}
  echo "fetch the flower-context package: $url"
  curl -fsSL --retry 3 --connect-timeout 30 -o "$package.part" "$url" || {
    echo "fetch the flower-context package: curl ended with $? for $url; put the package beside install.sh, or correct the URL in packages.sha256" >&2
    return 1
  }
  found=$(sha256sum "$package.part" | cut -d ' ' -f 1)
  if [ "$found" != "$sum" ]; then
    rm -f "$package.part"
    echo "fetch the flower-context package: the file at $url has the sha256 $found, packages.sha256 expects $sum; nothing was installed; use the package of the release that the appliance was made for" >&2
    return 1
  fi
  mv "$package.part" "$package"
}

service_install() {
  fetch_package || return
  "$FLOWER_SOURCES/install.sh" "${FLOWER_ROLE:?superlink or supernode}" \
    --flower "${FLOWER_VERSION:-$ONE_SERVICE_VERSION}" --framework "${FLOWER_FRAMEWORK:-none}"
  rm -rf "$FLOWER_SOURCES"
}

# The hook net-91-flower-context does the same where the framework's own hook is missing; twice is harmless.
service_configure() {
  systemctl reset-failed flower-context.service 2>/dev/null || true
  systemctl start --no-block flower-context.service
  write_report
}

# What a person wants to know who has only this file; everything that may change is where it says.
write_report() {
  local image role version report=${ONE_SERVICE_REPORT:-/etc/one-appliance/config}
  image=$(cat /etc/flower-context/appliance.json || true)
  role=$(sed -n 's/.*"role": *"\([a-z]*\)".*/\1/p' <<<"$image")
  version=$(sed -n 's/.*"version": *"\([0-9.]*\)".*/\1/p' <<<"$image")
  cat >"$report" <<EOF
[Flower]
role    = ${role:-unknown}
version = ${version:-$ONE_SERVICE_VERSION}
state   = flower-context status
check   = flower-context doctor
journal = journalctl -u flower-context -u flower-${role:-superlink}
EOF
  [ "$role" != superlink ] || cat >>"$report" <<EOF

[SuperLink]
CA certificate = /var/lib/flower-context/tls/ca.pem
run config     = /run/flower-context/run-config.toml
start a run    = flower-context submit quickstart
EOF
  chmod 600 "$report"
}

# one-context goes on only when this has ended, and takes notice of no change of the CONTEXT before: so it waits for a
# minute at boot (one-context.service is being started then), and at a reconfiguration hardly at all. A boot that succeeds
# later still corrects what the framework has noted by then.
service_bootstrap() {
  local within=2
  [ "$(systemctl is-active one-context.service)" != activating ] || within=60
  flower-context ready --timeout "$within" && return
  systemd-run --quiet --collect --unit=flower-one-appliance /usr/lib/flower-context/one-appliance-follow.sh || true
  return 1
}

service_cleanup() { :; }

service_help() {
  flower-context --help
}
