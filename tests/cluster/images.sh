#!/usr/bin/env bash
# make images: builds the product's images from their Dockerfiles and pushes them to the cluster's registry.
# CACHE/images.env then names them: OPERATOR_IMAGE, WORKLOADS_IMAGE, and MLFLOW_IMAGE, which is the latter without our
# code, so that MLflow stays up while we edit. A tag is the image's content.
source "$(dirname "$0")/settings.sh"
lock images "$0" "$@"
source "$here/engine.sh"
cd "$repository"

base=localhost/springtide-python:3.11
wheels=${WHEELS:-$cache/no-wheels}

# Stands in for python:3.11-slim-bookworm, whose /usr/local/bin/python a Dockerfile expects.
build_base() {
  # shellcheck disable=SC2016 # mmdebstrap expands $1
  mmdebstrap --quiet --variant=minbase \
    --include=python3,python3-venv,python3-pip,ca-certificates,netbase,tzdata,libgomp1 \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --customize-hook='ln -s /usr/bin/python3 "$1/usr/local/bin/python"; ln -s /usr/bin/python3 "$1/usr/local/bin/python3"; rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED; rm -rf "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/*' \
    bookworm "$cache/python.tar"
  podman import --quiet --change 'CMD ["python3"]' --change 'ENV LANG=C.UTF-8' "$cache/python.tar" $base >/dev/null
  rm "$cache/python.tar"
}

# How this machine reaches its package registry is handed to the build as mounted files only: nothing of it is in a
# Dockerfile or in an image.
write_access() {
  mkdir -p "$cache/access"
  {
    echo '[global]'
    { pip config list 2>/dev/null || true; } | # not python3 -m pip: the virtual environment's python has none
      sed -n "s/^\(global\|install\|:env:\)\.\(cert\|index-url\|extra-index-url\|trusted-host\|proxy\|timeout\|default-timeout\)='\(.*\)'$/\2 = \3/p" | sort -u -t= -k1,1
  } >"$cache/access/pip.conf"
  {
    echo 'system-certs = true'
    sed -n 's/^index-url = \(.*\)$/index-url = "\1"/p; s/^extra-index-url = \(.*\)$/extra-index-url = ["\1"]/p' "$cache/access/pip.conf"
  } >"$cache/access/uv.toml"
}

build_registryless() { # FOLDER TAG OPTION...
  local arguments=() name
  write_access
  for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
    [ -z "${!name:-}" ] || arguments+=(--build-arg "$name=${!name}") # predefined: not kept in the image
  done
  [ ! -d /usr/local/share/ca-certificates ] || arguments+=(--volume /usr/local/share/ca-certificates:/usr/local/share/ca-certificates:ro)
  mkdir -p "$cache/tmp"
  TMPDIR=$cache/tmp buildah bud --quiet --isolation chroot --layers --network host --build-arg BASE=$base "${arguments[@]}" \
    --build-context wheels="$wheels" --volume /etc/ssl/certs:/etc/ssl/certs:ro \
    --volume "$cache/access/pip.conf:/etc/pip.conf:ro" --volume "$cache/access/uv.toml:/etc/uv/uv.toml:ro" \
    --file "$1/Dockerfile" --tag "$2" "${@:3}" .
}

build() { # NAME FOLDER OPTION...
  local tag=localhost/springtide-$1 previous
  previous=$(image_id "$tag" || true)
  if [ "$engine" = registryless ]; then
    build_registryless "$2" "$tag" "${@:3}" >/dev/null
  else
    "$container" build --quiet --build-context wheels="$wheels" --file "$2/Dockerfile" --tag "$tag" "${@:3}" . >/dev/null
  fi
  # What the new one does not share of the old one is of no use.
  [ -z "$previous" ] || [ "$previous" = "$(image_id "$tag")" ] || "$container" rmi "$previous" >/dev/null 2>&1 || true
}

publish() { # NAME
  local variable
  variable=$(tr '[:lower:]' '[:upper:]' <<<"$1")_IMAGE
  echo "$variable=$("$here/registry/registry.sh" push "localhost/springtide-$1")" >>"$cache/images.env.new"
}

image() { # NAME HOW-LONG-COLD FOLDER OPTION...
  step "building the $1 image (seconds; when its requirements changed, $2)" build "$1" "${@:3}"
  step "pushing the $1 image" publish "$1"
}

mkdir -p "$cache/no-wheels"
rm -f "$cache/images.env.new"
if [ "$engine" = registryless ] && ! podman image exists $base; then
  step "building the Python base image (about 50 s)" build_base
fi
image operator "20 s" operator
offered=(--build-arg "WHEELS=$(ls "$wheels")")
image mlflow "3 min" workloads --target dependencies "${offered[@]}"
image workloads "3 min" workloads "${offered[@]}"
mv "$cache/images.env.new" "$cache/images.env"
"$container" image prune --force --filter until=24h >/dev/null # layers that nothing is built on any more
cat "$cache/images.env"
