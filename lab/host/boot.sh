#!/bin/bash
# The first process of a place, in namespaces of its own: plugs it into the switch, lays out its file system and becomes its init.
# Given by lab/host.ts: PLACE ADDRESS MAC PORT GATEWAY SWITCH STATE ROOTFS DATA DATA_AT REPOSITORY REPOSITORY_AT SHARED CGROUP INIT
set -euo pipefail

hostname "$PLACE"

# With cgroup v2 alone, a group with groups below it may hold no process: the place's own go to a leaf.
unified=$(findmnt --noheadings --output TARGET --types cgroup2 | head -n 1 || true)
if [ -n "$unified" ]; then
  mkdir -p "$unified/$CGROUP/$PLACE/init"
  echo 0 >"$unified/$CGROUP/$PLACE/init/cgroup.procs"
fi

if [ -n "$SWITCH" ]; then
  ip link set lo up
  # A port of the same name may still be there for a moment after its host lost power.
  nsenter --net="$SWITCH" ip link delete "$PORT" 2>/dev/null || true
  ip link add eth0 address "$MAC" type veth peer name "$PORT" netns "$SWITCH"
  nsenter --net="$SWITCH" ip link set "$PORT" master br0
  [ -e "$STATE/cut" ] || nsenter --net="$SWITCH" ip link set "$PORT" up
  ip address add "$ADDRESS/24" dev eth0
  ip link set eth0 up
  ip route add default via "$GATEWAY"
fi

root=$STATE/root
mkdir -p "$STATE/upper" "$STATE/work" "$root"
mount -t overlay overlay -o "lowerdir=$ROOTFS,upperdir=$STATE/upper,workdir=$STATE/work" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --rbind /sys/fs/cgroup "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755,size=1m dev "$root/dev"
for device in null zero full random urandom tty kmsg fuse net; do
  if [ -e "/dev/$device" ]; then cp -a "/dev/$device" "$root/dev/"; fi
done
mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/mqueue"
mount -t devpts -o newinstance,gid=5,mode=620,ptmxmode=666 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
mount -t mqueue mqueue "$root/dev/mqueue"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for stream in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${stream%:*}" "$root/dev/${stream#*:}"; done
mount -t tmpfs -o mode=755 run "$root/run"
# As systemd makes it on Debian: locks of any user, gone at a reboot.
mkdir -m 1777 "$root/run/lock"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"
mkdir -p "$root$DATA_AT" "$root$REPOSITORY_AT" "$root/.machine"
mount --bind "$DATA" "$root$DATA_AT"
mount --bind "$REPOSITORY" "$root$REPOSITORY_AT"
mount -o remount,bind,ro "$root$REPOSITORY_AT"
mkdir -p "$root$SHARED"
mount --bind "$SHARED" "$root$SHARED"
if [ -d /lib/modules ]; then
  mkdir -p "$root/lib/modules"
  mount --bind /lib/modules "$root/lib/modules"
  mount -o remount,bind,ro "$root/lib/modules"
fi
cp -r "$STATE/seed/." "$root/"

cd "$root"
pivot_root . .machine
umount -l /.machine
rmdir /.machine
cd /
exec "$INIT"
