#!/usr/bin/env bash
# The first process of a node: PID 1 of its PID namespace, in a mount namespace of its own. Gives the node folders of its own where
# a machine has one set, so that what is installed on "the host" is this node's alone, then waits: whoever ends it ends the node, and
# its mounts, containers and shims with it.
set -euo pipefail
dir=$1
mount --make-rprivate /
# A copy of somebody's mount here would keep what he takes away alive.
awk '$2 ~ "^/(run|tmp)/" { print $2 }' /proc/mounts | sort -r | xargs -r -n1 umount --lazy
for folder in var/lib var/log opt; do
  mkdir -p "$dir/$folder"
  mount --bind "$dir/$folder" "/$folder"
done
mkdir -p "$dir/etc" "$dir/etc-work" "$dir/etc-cni/net.d"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$dir/etc,workdir=$dir/etc-work" /etc
mkdir -p /etc/cni
mount --bind "$dir/etc-cni" /etc/cni
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/netns /run/lock /opt/cni/bin /var/lib/kubelet /var/log/pods
# What Debian and Kubernetes packages bring.
cp /usr/lib/cni/{loopback,portmap,bandwidth} /opt/cni/bin/
mount -t proc proc /proc
mount --make-rshared /
touch "$dir/booted"
while :; do
  sleep 3600 &
  wait # also for what containers leave to us
done
