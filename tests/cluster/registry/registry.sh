#!/usr/bin/env bash
# An image registry beside the cluster, so that only changed layers travel.
#   registry.sh start           runs it on the cluster's network and tells every node
#   registry.sh push IMAGE      pushes and prints the name that pods use (it changes with the content)
#   registry.sh stop            removes it; its content stays in CACHE/registry
# Pods name images localhost:5001/...; the same name works from this machine.
source "$(dirname "$0")/../settings.sh"
source "$here/engine.sh"

data=$cache/registry
image=docker.io/library/registry:3
[ "$engine" != registryless ] || image=localhost/springtide-registry:v3.1.2

provide_image() {
  [ "$engine" = registryless ] || return 0
  "$here/programs/build.sh" registry
  local stamp
  stamp="$(digest "$cache/programs/registry") $(image_id $image || true)"
  [ "$(cat "$data/image-stamp" 2>/dev/null)" != "$stamp" ] || return 0
  python3 "$here/image_archive.py" program --tag $image "$data/image.tar" "$cache/programs/registry"
  podman load --quiet --input "$data/image.tar" >/dev/null
  rm "$data/image.tar"
  echo "$(digest "$cache/programs/registry") $(image_id $image)" >"$data/image-stamp"
}

stop() { # killed first: it has nothing to finish, and podman would wait ten seconds for it
  "$container" kill $registry_name >/dev/null 2>&1 || true
  "$container" rm --force $registry_name >/dev/null 2>&1 || true
}

answers() { curl --fail --silent --show-error --max-time 3 --noproxy '*' "http://127.0.0.1:$registry_port/v2/" >/dev/null; }

run() {
  mkdir -p "$data/data"
  provide_image
  cat >"$data/config.yml" <<YAML
version: 0.1
log: {level: warn}
storage:
  filesystem: {rootdirectory: /data}
  delete: {enabled: true}
http: {addr: ":5000"}
YAML
  stop
  "$container" run --detach --name $registry_name --network $network --publish "127.0.0.1:$registry_port:5000" \
    --env OTEL_TRACES_EXPORTER=none --volume "$data/data:/data" --volume "$data/config.yml:/config.yml:ro" \
    $image serve /config.yml >/dev/null
  for _ in $(seq 100); do
    if answers 2>/dev/null; then return; fi
    sleep 0.1
  done
  answers || { "$container" logs $registry_name | tail; return 1; }
}

start() {
  answers 2>/dev/null || step "starting the image registry (about 2 s)" run
  # As in kind's guide: each node's containerd reads this folder at every pull.
  local node folder=/etc/containerd/certs.d/localhost:$registry_port
  for node in $("$container" ps --quiet --filter label=io.x-k8s.kind.cluster=$cluster); do
    "$container" exec "$node" sh -c "mkdir -p $folder && echo '[host.\"http://$registry_name:5000\"]' >$folder/hosts.toml"
  done
}

push() {
  local target
  target=localhost:$registry_port/$(basename "${1%%:*}"):$(image_id "$1" | cut -c1-12)
  case $engine in
  docker) docker tag "$1" "$target" && docker push --quiet "$target" >&2 && docker rmi "$target" >&2 ;;
  podman) podman push --quiet --tls-verify=false "$1" "docker://$target" >&2 ;;
  # Not compressed: the wire is this machine's memory, and gzip would take minutes.
  registryless) buildah push --quiet --disable-compression --tls-verify=false "$1" "docker://$target" >&2 ;;
  esac
  echo "$target"
}

case ${1:-} in
start) start ;;
push) push "${2:?image}" ;;
stop) stop ;;
*) fail "usage: registry.sh start | push IMAGE | stop" ;;
esac
