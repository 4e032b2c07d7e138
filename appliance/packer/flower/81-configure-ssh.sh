#!/usr/bin/env bash
# No password opens the image, and nobody's keys stay in it.
set -eu
rm -f /etc/ssh/sshd_config.d/00-packer.conf /root/.ssh/authorized_keys /etc/ssh/ssh_host_*key*
printf 'PasswordAuthentication no\nPermitRootLogin prohibit-password\n' >/etc/ssh/sshd_config.d/10-appliance.conf
passwd --quiet --lock root
