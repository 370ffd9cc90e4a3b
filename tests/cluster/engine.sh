# shellcheck shell=bash disable=SC2034 # sourced: settings.sh first
# Which of the two ways this machine's cluster goes, and the settings of that way:
#   docker, podman   an engine that is the user's own, with kind's official node image
#   registryless     podman as we set it up, with a node image that we build: neither Docker nor an image registry
# The choice is noted while a cluster exists, so that every script makes the same one.

choose_engine() {
  if timeout 10 docker info >/dev/null 2>&1; then
    echo "docker: a Docker engine answers"
  elif [ -n "$(command -v podman)" ] && timeout 30 podman manifest inspect "$official_node_image" >/dev/null 2>&1; then
    echo "podman: no Docker engine answers, podman is here, and kind's node image can be fetched"
  else
    echo "registryless: no Docker engine answers, and no podman that can fetch kind's node image: podman as set up here, and a node image built from package registries"
  fi
}

[ -s "$cache/engine" ] || choose_engine >"$cache/engine"
engine=$(sed 's/:.*//' "$cache/engine")
case $engine in
docker | podman)
  container=$engine
  network=kind
  ;;
registryless)
  container=podman
  network=springtide
  # Everything of ours stays apart from what other users of podman on this machine have.
  export CONTAINERS_CONF=$cache/containers/containers.conf CONTAINERS_STORAGE_CONF=$cache/containers/storage.conf
  export KIND_EXPERIMENTAL_PODMAN_NETWORK=$network
  ;;
*) fail "$cache/engine names no engine: remove that file" ;;
esac
[ "$container" = docker ] || export KIND_EXPERIMENTAL_PROVIDER=podman

image_id() { "$container" image inspect --format '{{.ID}}' "$1" 2>/dev/null | sed 's/^sha256://'; }
cluster_containers() { "$container" ps --all --quiet --filter label=io.x-k8s.kind.cluster=$cluster; }
