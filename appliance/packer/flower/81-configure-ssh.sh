#!/usr/bin/env bash
# The image accepts no password and contains no keys.
set -eu
rm -f /etc/ssh/sshd_config.d/00-packer.conf /root/.ssh/authorized_keys /etc/ssh/ssh_host_*key*
printf 'PasswordAuthentication no\nPermitRootLogin prohibit-password\n' >/etc/ssh/sshd_config.d/10-appliance.conf
passwd --quiet --lock root
