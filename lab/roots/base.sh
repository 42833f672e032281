#!/bin/sh
# Trims the root of the image "lab-base" (mmdebstrap calls it with the root's path). Every image of the lab holds it, and tests send some of them from host to host.
set -eu
root=$1
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/lib/mysql "$root/etc/apt/sources.list" "$root"/etc/apt/sources.list.d/*
rm -rf "$root"/usr/share/mysql/*/errmsg.sys.bak "$root"/usr/share/perl/5.*/unicore/lib "$root"/var/log/*.log "$root/etc/machine-id" "$root/etc/hostname" "$root/etc/resolv.conf"
# Of the database's programs only the server and the two that ask it are used; of Perl only what dpkg itself needs.
for name in binlog check conv dump import plugin show slap tzinfo-to-sql upgrade waitpid; do rm -f "$root/usr/bin/mariadb-$name"; done
rm -f "$root/usr/bin/innochecksum" "$root/usr/bin/perror" "$root/usr/bin/replace" "$root/usr/bin/resolve_stack_dump"
rm -rf "$root"/usr/share/perl "$root"/usr/lib/*-linux-gnu*/perl "$root"/usr/lib/*-linux-gnu*/libperl.* "$root"/usr/lib/*-linux-gnu*/gconv "$root"/usr/share/zoneinfo/right "$root"/usr/share/zoneinfo/posix
