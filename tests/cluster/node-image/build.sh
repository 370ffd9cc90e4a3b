#!/usr/bin/env bash
# Builds kind's node image from package registries only: Debian, our Go programs, and the images that the cluster
# itself runs, unpacked into the node's containerd store. With the same inputs a second run ends at once.
source "$(dirname "$0")/../settings.sh"
source "$here/engine.sh"
lock node-image "$0" "$@"
cd "$here/node-image"
work=$cache/node-image
programs=$cache/programs
in_image=(containerd containerd-shim-runc-v2 ctr coredns etcd kube local-path-provisioner netagent)

"$here/programs/build.sh" kind helm "${in_image[@]}"
stamp=$({ cat build.sh cni.yaml "$here/image_archive.py"; for name in "${in_image[@]}"; do cut -d' ' -f1,2 "$programs/$name.stamp"; done; } | sha256sum | cut -c1-16)
if [ "$(cat "$work/stamp" 2>/dev/null)" = "$stamp $(image_id $node_image)" ]; then exit 0; fi
mkdir -p "$work"
rm -f "$work/stamp"

packages=systemd,systemd-sysv,dbus,conntrack,iptables,nftables,iproute2,ethtool,util-linux,mount,kmod,libseccomp2,e2fsprogs,bash,ca-certificates,curl,jq,procps,runc,containernetworking-plugins,socat
rootfs=$work/rootfs-$(echo "$packages" | sha256sum | cut -c1-12).tar

# Units that wait for hardware, udev or a console have no place in a container.
debian() {
  # shellcheck disable=SC2016 # mmdebstrap expands $1
  mmdebstrap --quiet --variant=minbase --include="$packages" \
    --customize-hook='rm -f "$1"/lib/systemd/system/multi-user.target.wants/* "$1"/etc/systemd/system/*.wants/* "$1"/lib/systemd/system/local-fs.target.wants/* "$1"/lib/systemd/system/sockets.target.wants/*udev* "$1"/lib/systemd/system/sockets.target.wants/*initctl* "$1"/lib/systemd/system/basic.target.wants/* "$1"/lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service' \
    --customize-hook='echo ReadKMsg=no >>"$1"/etc/systemd/journald.conf; ln -sf /dev/null "$1"/etc/systemd/system/systemd-binfmt.service; mkdir -p "$1"/opt/cni "$1"/etc/kubernetes/manifests; ln -s /usr/lib/cni "$1"/opt/cni/bin; rm -rf "$1"/usr/share/doc "$1"/usr/share/man "$1"/usr/share/locale' \
    bookworm "$work/rootfs.new.tar"
  mv "$work/rootfs.new.tar" "$rootfs"
}

module() { (cd "$here/programs" && go list -m -f '{{.Dir}}' "$1"); }
constant() { sed -n "s/^const $1 = \"\(.*\)\"/\1/p" "$kind/pkg/build/nodeimage/const_storage.go"; }

# The archive of the cluster's own images, imported and unpacked by a containerd that runs only for this.
import_images() {
  local containerd
  ln -sf "$programs/kube" "$work/kubeadm"
  python3 "$here/image_archive.py" control-plane --work "$work" --programs "$programs" --version "$kubernetes_version" \
    --pause "$(sed -n 's/.*sandbox_image = "\(.*\)"/\1/p' "$kind/images/base/files/etc/containerd/config.toml")" \
    --storage "$storage" --helper "$helper" "$work/control-plane.tar"
  mkdir -p "$stage/var/lib/containerd" "$work/run"
  cat >"$work/containerd.toml" <<TOML
version = 2
root = "$stage/var/lib/containerd"
state = "$work/run"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime", "io.containerd.nri.v1.nri"]
[grpc]
address = "$work/run/containerd.sock"
TOML
  "$programs/containerd" --config "$work/containerd.toml" >"$work/containerd.log" 2>&1 &
  containerd=$!
  # shellcheck disable=SC2064 # this process, now
  trap "kill $containerd 2>/dev/null || true" EXIT
  timeout 10 sh -c "until [ -S '$work/run/containerd.sock' ]; do sleep 0.1; done" || { tail "$work/containerd.log"; return 1; }
  local ctr=("$programs/ctr" --address "$work/run/containerd.sock" --namespace k8s.io)
  "${ctr[@]}" images import --label io.cri-containerd.pinned=pinned --local --discard-unpacked-layers "$work/control-plane.tar" >"$work/import.log"
  "${ctr[@]}" content prune references >/dev/null
  kill "$containerd"
  wait "$containerd" || true
  trap - EXIT
}

# The layer above Debian: kind's own files, the programs, the containerd store.
node_layer() {
  local unit name
  install -d "$stage/usr/local/bin" "$stage/usr/bin" "$stage/kind/manifests" "$stage/etc/systemd/system/multi-user.target.wants"
  install -m755 "$kind/images/base/files/usr/local/bin/entrypoint" "$stage/usr/local/bin/"
  cp -r --no-preserve=mode "$kind/images/base/files/etc" "$kind/images/base/files/kind" "$stage/"
  chmod 755 "$stage"/kind/bin/*
  # A machine without CAP_SYS_RESOURCE cannot lower a container's OOM score.
  sed -i 's/restrict_oom_score_adj = false/restrict_oom_score_adj = true/' "$stage/etc/containerd/config.toml"
  for unit in kubelet containerd undo-mount-hacks; do
    ln -sf "/etc/systemd/system/$unit.service" "$stage/etc/systemd/system/multi-user.target.wants/"
  done
  install -m755 "$programs"/{containerd,containerd-shim-runc-v2,ctr} "$stage/usr/local/bin/"
  install -m755 "$programs/kube" "$stage/usr/bin/kube"
  for name in kubeadm kubelet kubectl; do ln -s kube "$stage/usr/bin/$name"; done
  "$programs/ctr" oci spec |
    jq '.hooks.createContainer += [{"path": "/kind/bin/mount-product-files.sh"}] | del(.process.rlimits)' >"$stage/etc/containerd/cri-base.json"
  printf %s "$kubernetes_version" >"$stage/kind/version"
  cp cni.yaml "$stage/kind/manifests/default-cni.yaml"
  sed -n '/^const defaultStorageManifest = `/,/^`/p' "$kind/pkg/build/nodeimage/const_storage.go" |
    sed -e '1d' -e '$d' -e "s#\` + storageProvisionerImage + \`#$storage#" -e "s#\` + storageHelperImage + \`#$helper#" >"$stage/kind/manifests/default-storage.yaml"
  tar -C "$stage" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$work/node.tar" .
}

load() {
  python3 "$here/image_archive.py" node --tag "$node_image" "$work/image.tar" "$rootfs" "$work/node.tar"
  local previous
  previous=$(image_id $node_image || true)
  podman load --quiet --input "$work/image.tar" >/dev/null
  [ -z "$previous" ] || [ "$previous" = "$(image_id $node_image)" ] || podman rmi "$previous" >/dev/null 2>&1 || true # in use: its cluster still runs
}

PATH=$PATH:$cache/go/bin # where programs/build.sh had to install Go
kind=$(module sigs.k8s.io/kind)
storage=$(constant storageProvisionerImage)
helper=$(constant storageHelperImage)
stage=$work/stage
rm -rf "$stage" "$work/run"
[ -e "$rootfs" ] || step "node image: Debian's file system (about 1 min)" debian
gcc -Os -static -s -DVERSION=3.10 -o "$work/pause" "$(module k8s.io/kubernetes)/build/pause/linux/pause.c"
step "node image: the cluster's own images (about 5 s)" import_images
step "node image: kind's files and the programs (about 2 s)" node_layer
step "node image: into podman's store (about 15 s)" load
rm -rf "$stage" "$work/run" "$work"/{image,node,control-plane}.tar
echo "$stamp $(image_id $node_image)" >"$work/stamp"
