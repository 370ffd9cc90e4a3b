#!/usr/bin/env bash
# make cluster-delete: removes the cluster, its registry, and what `make cluster` changed on this machine.
# Build output stays in the cache folder; the Debian packages stay.
source "$(dirname "$0")/settings.sh"
lock cluster "$0" "$@"

[ -s "$cache/engine" ] || { say "there is no cluster"; exit 0; }
source "$here/engine.sh"
if [ "$engine" != registryless ] || [ -e "$cache/host-before" ]; then
  step "removing the nodes" "$here/remove.sh"
  "$here/registry/registry.sh" stop
fi
[ "$engine" != registryless ] || step "taking back the network, its fence and its settings" "$here/host.sh" down
rm -f "$cache/engine" "$cache/images.env"
