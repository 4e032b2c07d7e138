# shellcheck shell=bash disable=SC2016,SC2034
# The appliance for OpenNebula's one-apps framework: /etc/one-appliance/service.d/appliance.sh. /etc/one-appliance/service sources
# it, calls the functions below, and writes status file, log and message of the day (docs/facts.md, "one-apps-framework").
#
# flower-context.service does the work; the framework only records the result.

ONE_SERVICE_NAME='Service Flower - KVM'
# Of the package; not known before it is installed.
ONE_SERVICE_VERSION=$(cat /usr/lib/flower-context/flower/baked 2>/dev/null || true)
ONE_SERVICE_BUILD=$(date +%s)
ONE_SERVICE_SHORT_DESCRIPTION='Flower SuperLink or SuperNode for federated learning'
ONE_SERVICE_DESCRIPTION='Flower (flower.ai) under systemd, configured by the variables of the CONTEXT: `flower-context status`, `journalctl -u flower-context`.'

# Without this the framework would do nothing at a second boot, or at one after a power cut, and still report a success.
ONE_SERVICE_RECONFIGURABLE=true

# The framework creates this pipe at each stage and ends if it exists. It exists after a power cut during a stage.
rm -f "${ONE_SERVICE_LOGDIR:-/var/log/one-appliance}/one_service_log.pipe"

# The templates of the image have names, defaults and meaning of the variables (docs/reference/variables.md), so they are not
# repeated here.
ONE_SERVICE_PARAMS=()

# Packer has copied install.sh and either the flower-context package or packages.sha256 with its URL to this folder. Packer
# also sets FLOWER_ROLE, FLOWER_VERSION and FLOWER_FRAMEWORK.
FLOWER_SOURCES=${ONE_SERVICE_SETUP_DIR:-/opt/one-appliance}/flower

# Downloads the package to the folder of install.sh, unless it exists. A line of packages.sha256 has the sha256 and the URL of
# the package for one architecture.
fetch_package() {
  local suffix package sum url found
  suffix=_$(dpkg --print-architecture).deb
  for package in "$FLOWER_SOURCES"/flower-context_*"$suffix"; do [ ! -e "$package" ] || return 0; done
  while read -r sum url; do
    [ "${url%"$suffix"}" = "$url" ] || break
  done < <(grep -v '^#' "$FLOWER_SOURCES/packages.sha256")
  if [ -z "$url" ]; then
    echo "fetch the flower-context package: packages.sha256 has no line for a package *$suffix; copy the package to the folder of install.sh, or add its sha256 and URL to packages.sha256" >&2
    return 1
  fi
  package=$FLOWER_SOURCES/${url##*/}
  echo "fetch the flower-context package: $url"
  curl -fsSL --retry 3 --connect-timeout 30 -o "$package.part" "$url" || {
    echo "fetch the flower-context package: curl ended with $? for $url; copy the package to the folder of install.sh, or correct the URL in packages.sha256" >&2
    return 1
  }
  found=$(sha256sum "$package.part" | cut -d ' ' -f 1)
  if [ "$found" != "$sum" ]; then
    rm -f "$package.part"
    echo "fetch the flower-context package: the file at $url has the sha256 $found, packages.sha256 expects $sum; nothing was installed; use the package of the same release as the appliance" >&2
    return 1
  fi
  mv "$package.part" "$package"
}

service_install() {
  fetch_package || return
  "$FLOWER_SOURCES/install.sh" "${FLOWER_ROLE:?superlink or supernode}" \
    ${FLOWER_VERSION:+--flower "$FLOWER_VERSION"} --framework "${FLOWER_FRAMEWORK:-none}"
  rm -rf "$FLOWER_SOURCES"
}

# The hook net-91-flower-context does the same if the framework's hook is missing. Both together are harmless.
service_configure() {
  systemctl reset-failed flower-context.service 2>/dev/null || true
  systemctl start --no-block flower-context.service
  write_report
}

# Only facts that never change; for the rest the file names commands.
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

# one-context waits for this function, and reads no change of the CONTEXT meanwhile. So it waits for a minute at boot (while
# one-context.service is activating) and for two seconds at a reconfiguration. If the boot succeeds later, the follow script
# corrects the status of the framework.
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
