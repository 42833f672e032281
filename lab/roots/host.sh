#!/bin/sh
# Finishes the hosts' root file system (mmdebstrap calls it with the root's path). What differs between hosts comes at boot.
set -eu
root=$1
# Some suites have the client in a package of its own.
[ -x "$root/usr/bin/docker" ] || chroot "$root" apt-get install --yes docker-cli
# "*" and not "!": sshd refuses a locked account even by key when it does not use PAM.
chroot "$root" useradd --create-home --shell /bin/bash --groups docker --password '*' deploy
printf 'UsePAM no\nPrintMotd no\nPermitRootLogin prohibit-password\nPasswordAuthentication no\n' >"$root/etc/ssh/sshd_config.d/lab.conf"
rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/machine-id" "$root/etc/hostname" "$root/etc/resolv.conf"
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root/etc/apt/sources.list" "$root"/etc/apt/sources.list.d/*
rm -rf "$root"/var/lib/docker "$root"/var/lib/docker-registry
