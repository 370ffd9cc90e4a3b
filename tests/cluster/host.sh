#!/usr/bin/env bash
# Makes this machine ready for a cluster without Docker: podman's settings, and a network that nothing leaves.
# `host.sh down` takes all of it back but the Debian packages.
#   host.sh up | down
source "$(dirname "$0")/settings.sh"
source "$here/engine.sh"

before=$cache/host-before # what `down` restores
run_folder=/run/springtide
ranges=(10.244.0.0/16 10.96.0.0/16) # pods and services, kind's defaults
ours=77                             # the routing protocol number that marks our routes

write_settings() {
  mkdir -p "$cache/containers" "$run_folder"
  # runc: crun refuses a machine with hybrid cgroup v1. The limits are below the hard limits of a machine without
  # CAP_SYS_RESOURCE, where raising one is an error.
  cat >"$CONTAINERS_CONF" <<CONF
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "$run_folder/libpod"
[network]
network_config_dir = "$cache/containers/networks"
CONF
  cat >"$CONTAINERS_STORAGE_CONF" <<CONF
[storage]
driver = "overlay"
graphroot = "$cache/containers/storage"
runroot = "$run_folder/storage"
CONF
}

note_host() {
  [ ! -e "$before" ] || return 0
  local bridge=/proc/sys/net/bridge/bridge-nf-call-iptables
  cat >"$before.new" <<NOTE
had_modules_folder=$([ -d /lib/modules ] && echo yes || echo no)
had_netavark_chains=$(iptables-save | grep -q NETAVARK && echo yes || echo no)
ip_forward=$(cat /proc/sys/net/ipv4/ip_forward)
bridge_nf_call_iptables=$(cat $bridge 2>/dev/null || true)
NOTE
  mv "$before.new" "$before"
}

# fence CHAIN OURS: our chain, empty, and a jump to it at the top of the table's own.
fence() {
  iptables -t mangle -N "$2" 2>/dev/null || iptables -t mangle -F "$2"
  iptables -t mangle -C "$1" -j "$2" 2>/dev/null || iptables -t mangle -I "$1" -j "$2"
}

unfence() {
  while iptables -t mangle -D "$1" -j "$2" 2>/dev/null; do :; done
  iptables -t mangle -F "$2" 2>/dev/null && iptables -t mangle -X "$2" || true
}

up() {
  "$here/packages.sh" podman buildah mmdebstrap runc netavark aardvark-dns containernetworking-plugins iptables nftables \
    iproute2 conntrack busybox-static jq openssl gcc libc6-dev procps curl python3
  note_host
  write_settings
  mkdir -p /lib/modules # kind mounts it
  podman network exists $network || podman network create --subnet 10.89.77.0/24 $network >/dev/null
  local bridge protocol range
  bridge=$(podman network inspect $network --format '{{.NetworkInterface}}')

  # Pods of two nodes talk over this bridge: keep the host's NAT away from them.
  sysctl -qw net.bridge.bridge-nf-call-iptables=0 2>/dev/null || true

  # Nothing from a node or a pod goes on to another network: what is not for the bridge itself is dropped and
  # counted here, and so are questions for the names of other hosts.
  fence FORWARD SPRINGTIDE-FENCE
  iptables -t mangle -A SPRINGTIDE-FENCE -i "$bridge" ! -o "$bridge" -j DROP
  fence INPUT SPRINGTIDE-NAMES
  for protocol in udp tcp; do
    iptables -t mangle -A SPRINGTIDE-NAMES -i "$bridge" -p "$protocol" --dport 53 -m string --algo bm ! --string springtide -j DROP
  done
  # Pod and service addresses mean nothing on the host.
  for range in "${ranges[@]}"; do
    ip route replace blackhole "$range" proto $ours
  done
}

down() {
  [ -e "$before" ] || return 0
  local had_modules_folder had_netavark_chains ip_forward bridge_nf_call_iptables
  # shellcheck source=/dev/null # written by note_host
  source "$before"
  unfence FORWARD SPRINGTIDE-FENCE
  unfence INPUT SPRINGTIDE-NAMES
  ip route flush proto $ours
  podman network rm --force $network >/dev/null 2>&1 || true
  [ "$had_netavark_chains" = yes ] || remove_netavark_chains
  [ "$had_modules_folder" = yes ] || rmdir /lib/modules 2>/dev/null || true
  sysctl -qw net.ipv4.ip_forward="$ip_forward"
  [ -z "$bridge_nf_call_iptables" ] || sysctl -qw net.bridge.bridge-nf-call-iptables="$bridge_nf_call_iptables"
  rm -rf "$before" "$run_folder"
}

# Podman's network program leaves its chains behind when its last network goes.
remove_netavark_chains() {
  local table
  for table in filter nat; do
    iptables-save -t $table | sed -n '/NETAVARK/s/^-A /-D /p' | xargs --no-run-if-empty -L1 iptables -t $table
    iptables-save -t $table | sed -n 's/^:\(NETAVARK[^ ]*\).*/-X \1/p' | xargs --no-run-if-empty -L1 iptables -t $table
  done
}

[ "$engine" = registryless ] || fail "host.sh is for the way without an engine of the user's; the engine here is $engine"
[ "$(id -u)" = 0 ] || fail "without a Docker engine the cluster needs root: run as root, or start Docker"
case ${1:-} in up) up ;; down) down ;; *) fail "usage: host.sh up | down" ;; esac
