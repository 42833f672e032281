#!/bin/bash
# Init of a host: sshd and the Docker Engine are started once and never again; what is orphaned is reaped.
set -euo pipefail
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

for account in root deploy; do
  home=$(getent passwd "$account" | cut -d: -f6)
  install -d -m 700 -o "$account" -g "$account" "$home/.ssh"
  install -m 600 -o "$account" -g "$account" /etc/ssh/lab-key.pub "$home/.ssh/authorized_keys"
done
mkdir -p /run/sshd
# Without a cable of the lab there is nobody who may come in.
if [ -n "${SWITCH:-}" ]; then /usr/sbin/sshd -E /var/log/sshd.log; fi
engine start &
exec tini -- sleep infinity
