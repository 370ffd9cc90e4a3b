#!/usr/bin/env bash
# Removes the cluster's nodes, whatever state they are in. They are killed first: waiting for their orderly
# shutdown takes ten seconds and serves nobody. Some may be dead without podman knowing it, after the machine slept.
source "$(dirname "$0")/settings.sh"
source "$here/engine.sh"

rm -f "$cache/cluster-stamp"
"$container" ps --quiet --filter label=io.x-k8s.kind.cluster=$cluster | xargs --no-run-if-empty "$container" kill --signal KILL >/dev/null 2>&1 || true
if command -v kind >/dev/null; then
  kind delete cluster --quiet --name $cluster
else
  cluster_containers | xargs --no-run-if-empty "$container" rm --force --volumes >/dev/null
fi
rm -f "$KUBECONFIG"
