# shellcheck shell=bash disable=SC2034 # sourced by every script of this folder, which use what is set here
# Where things lie, what they are called, and how a step is told.
set -Eeuo pipefail
trap 'echo "error: $0, line $LINENO: $BASH_COMMAND" >&2' ERR

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "$here/../.." && pwd)
cache=${SPRINGTIDE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/springtide}
mkdir -p "$cache"

cluster=springtide
kubernetes_version=v1.37.2
# What kind v0.33.0 uses by default; pinned, whatever kind the user has.
official_node_image=docker.io/kindest/node:v1.37.0@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5
node_image=localhost/springtide-node:$kubernetes_version
registry_port=${SPRINGTIDE_REGISTRY_PORT:-5001}
registry_name=springtide-registry # the fence lets nodes resolve names with "springtide" in them

export KUBECONFIG=$cache/kubeconfig
export PATH=$cache/bin:$PATH

say() { printf '%s  %s\n' "$(date +%T)" "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# step TEXT COMMAND...: tells what begins, then how long it took; what the command prints is indented.
step() {
  local text=$1 begin=$EPOCHREALTIME
  shift
  say "$text ..."
  "$@" 2>&1 | sed -u 's/^/            /'
  say "  done in $(awk "BEGIN { printf \"%.1f\", $EPOCHREALTIME - $begin }") s"
}

# lock NAME "$0" "$@": lets one run at a time go past this line; the others wait. The script is started anew below
# flock, which keeps the lock's file from children that outlive us (a container's monitor would hold it for ever).
lock() {
  local variable=SPRINGTIDE_LOCKED_${1//-/_} file=$cache/$1.lock
  [ -z "${!variable:-}" ] || return 0
  shift
  flock --nonblock "$file" true || say "waiting for another run of $(basename "$1") to end"
  exec env "$variable=1" flock --close "$file" "$@"
}

# digest FILE...: of the files' contents, short.
digest() { cat "$@" | sha256sum | cut -c1-16; }
