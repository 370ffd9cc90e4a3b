#!/usr/bin/env bash
# make cluster: ends with a Ready cluster and its image registry. Does nothing if they are there already.
source "$(dirname "$0")/settings.sh"
lock cluster "$0" "$@"

# Whether the cluster that kind-config.yaml describes runs: the API server and every node say so.
why_not_ready() {
  [ -s "$cache/cluster-stamp" ] || { echo "there is none"; return; }
  [ "$(cat "$cache/cluster-stamp")" = "$(cluster_stamp)" ] || { echo "it was made from another kind-config.yaml or node image"; return; }
  # A busy machine answers late; a dead one refuses at once.
  local try
  for try in 1 2 3; do
    if timeout 10 kubectl --request-timeout 8s get --raw /readyz >/dev/null 2>&1; then break; fi
    [ $try -lt 3 ] || { echo "its API server does not answer"; return; }
    sleep 1
  done
  local nodes
  nodes=$(timeout 10 kubectl --request-timeout 8s get nodes --no-headers 2>/dev/null) || { echo "its nodes cannot be listed"; return; }
  [ "$(wc -l <<<"$nodes")" = "$(grep -c 'role:' "$repository/kind-config.yaml")" ] || { echo "it lacks a node"; return; }
  timeout 60 kubectl wait --for=condition=Ready nodes --all --timeout 50s >/dev/null 2>&1 || echo "a node is not Ready"
}
cluster_stamp() {
  local image=$official_node_image
  [ "$engine" != registryless ] || image=$(image_id $node_image)
  echo "$(digest "$repository/kind-config.yaml") $image"
}

provide_commands() {
  local name missing=()
  if [ "$engine" != registryless ]; then # a user with an engine has most of them
    for name in kind kubectl helm; do command -v $name >/dev/null || missing+=("$name"); done
    [ "${#missing[@]}" -gt 0 ] || return 0
    command -v go >/dev/null || fail "${missing[*]} not found: install them, or Go 1.21 or newer, with which they are built here"
    "$here/programs/build.sh" "${missing[@]/kubectl/kube}"
  else
    "$here/node-image/build.sh"
    "$here/programs/build.sh" kind kube helm registry
  fi
}

begin=$SECONDS
had_engine=$(cat "$cache/engine" 2>/dev/null || true)
source "$here/engine.sh"
say "cluster: $(cat "$cache/engine")"
[ "$engine" != registryless ] || "$here/host.sh" up
provide_commands
reason=$(why_not_ready)
if [ -n "$reason" ]; then
  if [ -n "$had_engine" ] && [ -n "$(cluster_containers)" ]; then
    step "replacing the cluster: $reason" "$here/remove.sh"
  fi
  step "creating $(grep -c role: "$repository/kind-config.yaml") nodes (about 40 s)" "$here/create.sh"
  cluster_stamp >"$cache/cluster-stamp"
fi
"$here/registry/registry.sh" start
say "cluster is ready after $((SECONDS - begin)) s; to use it:"
echo "export KUBECONFIG=$KUBECONFIG PATH=$cache/bin:\$PATH"
