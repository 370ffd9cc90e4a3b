#!/usr/bin/env bash
# Kueue v0.15.0 in the cluster, from its Go module; it makes its webhooks' certificates itself.
#   kueue.sh start   installs it; does nothing if it is there
#   kueue.sh stop    removes it, and with it every queue and Workload
source "$(dirname "$0")/../settings.sh"
lock kueue "$0" "$@"
source "$here/engine.sh" # sets container
version=v0.15.0
image=localhost/springtide-kueue:$version
files=$cache/kueue

provide_image() {
  "$here/programs/build.sh" kueue
  mkdir -p "$files"
  python3 "$here/image_archive.py" program --user 65532 --tag $image "$files/image.tar" "$cache/programs/kueue"
  "$container" load --quiet --input "$files/image.tar" >/dev/null
  rm "$files/image.tar"
}

render() { # IMAGE
  PATH=$PATH:$cache/go/bin # where programs/build.sh had to install Go
  local module
  module=$(go mod download -json sigs.k8s.io/kueue@$version | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
  rm -rf "$files"
  mkdir -p "$files"
  cp -r --no-preserve=mode "$module/config" "$files/config"
  sed -e "s#KUEUE_NAME#${1%:*}#" -e "s#KUEUE_TAG#${1##*:}#" "$here/kueue/kustomization.yaml" >"$files/kustomization.yaml"
  kubectl kustomize "$files" >"$files/all.yaml"
}

# Objects of a new kind are refused until the API server serves the kind: once more, then.
apply() {
  local errors=
  for _ in 1 2 3; do
    if errors=$(kubectl apply --server-side --force-conflicts -f "$files/all.yaml" 2>&1 >/dev/null); then return; fi
    kubectl wait --for=condition=Established crd --selector app.kubernetes.io/name=kueue --timeout 30s >/dev/null
  done
  echo "$errors"
  return 1
}

is_there() {
  [ "$(kubectl get deployment kueue-controller-manager --namespace kueue-system --ignore-not-found \
    --output 'jsonpath={.metadata.annotations.springtide\.test/stamp} {.status.readyReplicas}')" = "$stamp 1" ]
}

# It makes its certificates in its first seconds. The kubelet brings them to a pod that runs already minutes later, to a
# new one at once.
with_certificates() {
  kubectl --namespace kueue-system wait --for='jsonpath={.data.tls\.crt}' secret/kueue-webhook-server-cert --timeout 60s
  kubectl --namespace kueue-system delete pod --selector control-plane=controller-manager --wait=false
  kubectl --namespace kueue-system rollout status deployment kueue-controller-manager --timeout 60s
}

# Ready is when its webhooks answer: the API server must have got their certificate.
webhooks_answer() {
  timeout 60 bash -c "until kubectl create --dry-run=server -f - >/dev/null 2>&1 \
    <<<'{apiVersion: kueue.x-k8s.io/v1beta2, kind: ResourceFlavor, metadata: {name: springtide-probe}}'; do sleep 0.5; done"
}

start() {
  [ -n "$(image_id $image || true)" ] || provide_image
  render "$("$here/registry/registry.sh" push $image)"
  apply
  with_certificates >/dev/null
  webhooks_answer || { echo "Kueue's webhooks do not answer"; kubectl --namespace kueue-system logs deployment/kueue-controller-manager --tail 20; return 1; }
  kubectl --namespace kueue-system annotate --overwrite deployment kueue-controller-manager "springtide.test/stamp=$stamp" >/dev/null
}

stamp=$(digest "$0" "$here/kueue/kustomization.yaml")
case ${1:-} in
start) is_there || step "installing Kueue (about 15 s; the first time 3 min)" start ;;
stop) [ ! -e "$files/all.yaml" ] || kubectl delete --ignore-not-found -f "$files/all.yaml" >/dev/null ;;
*) fail "usage: kueue.sh start | stop" ;;
esac
