#!/bin/sh
# Trims the root of the image "lab-base" (mmdebstrap calls it with the root's path).
set -eu
root=$1
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/lib/mysql "$root/etc/apt/sources.list" "$root"/etc/apt/sources.list.d/*
rm -rf "$root"/usr/share/mysql/*/errmsg.sys.bak "$root"/usr/share/perl/5.*/unicore/lib "$root"/var/log/*.log "$root/etc/machine-id" "$root/etc/hostname" "$root/etc/resolv.conf"
