#!/usr/bin/env bash
# KServe v0.20.0 in the cluster, in its Standard mode, from its Go module.
#   kserve.sh start   installs it; does nothing if it is there
#   kserve.sh stop    removes it, and with it every InferenceService
source "$(dirname "$0")/../settings.sh"
lock kserve "$0" "$@"
source "$here/engine.sh" # sets container
version=v0.20.0
image=localhost/springtide-kserve:$version
files=$cache/kserve
host=kserve-webhook-server-service.kserve.svc

provide_image() {
  "$here/programs/build.sh" kserve
  mkdir -p "$files"
  python3 "$here/image_archive.py" program --user 65532 --tag $image "$files/image.tar" "$cache/programs/kserve"
  "$container" load --quiet --input "$files/image.tar" >/dev/null
  rm "$files/image.tar"
}

render() { # IMAGE
  PATH=$PATH:$cache/go/bin # where programs/build.sh had to install Go
  local module
  module=$(go mod download -json github.com/kserve/kserve@$version | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
  rm -rf "$files"
  mkdir -p "$files"
  cp -r --no-preserve=mode "$module/config" "$files/config"
  openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=$host" -addext "subjectAltName=DNS:$host" \
    -keyout "$files/tls.key" -out "$files/tls.crt" 2>/dev/null
  sed -e "s#KSERVE_NAME#${1%:*}#" -e "s#KSERVE_TAG#${1##*:}#" -e "s#KSERVE_BUNDLE#$(base64 -w0 <"$files/tls.crt")#" \
    "$here/kserve/kustomization.yaml" >"$files/kustomization.yaml"
  kubectl kustomize "$files/config/crd/full" >"$files/kinds.yaml"
  kubectl kustomize "$files" >"$files/all.yaml"
}

put() { kubectl apply --server-side --force-conflicts -f "$1" >/dev/null; }

# The manager ends where it does not find its kinds: they come first.
apply() {
  put "$files/kinds.yaml"
  # A kind that was just made may have no conditions at all yet, which is an error for wait.
  for _ in 1 2 3; do
    if kubectl wait --for=condition=Established --timeout 30s -f "$files/kinds.yaml" >/dev/null 2>&1; then break; fi
    sleep 1
  done
  kubectl create namespace kserve --dry-run=client --output yaml | kubectl apply -f - >/dev/null
  kubectl --namespace kserve create secret tls kserve-webhook-server-cert --cert "$files/tls.crt" --key "$files/tls.key" \
    --dry-run=client --output yaml | kubectl apply -f - >/dev/null
  put "$files/all.yaml"
}

is_there() {
  [ "$(kubectl get deployment kserve-controller-manager --namespace kserve --ignore-not-found \
    --output 'jsonpath={.metadata.annotations.springtide\.test/stamp} {.status.readyReplicas}')" = "$stamp 1" ]
}

# Ready is when its webhooks answer.
webhooks_answer() {
  timeout 60 bash -c "until kubectl create --dry-run=server -f - >/dev/null 2>&1 \
    <<<'{apiVersion: serving.kserve.io/v1beta1, kind: InferenceService, metadata: {name: springtide-probe, namespace: kserve},
         spec: {predictor: {containers: [{name: kserve-container, image: none}]}}}'; do sleep 0.5; done"
}

start() {
  [ -n "$(image_id $image || true)" ] || provide_image
  render "$("$here/registry/registry.sh" push $image)"
  apply
  # Another certificate reaches a pod that runs already minutes later, a new one at once.
  kubectl --namespace kserve delete pod --selector control-plane=kserve-controller-manager --wait=false >/dev/null
  kubectl --namespace kserve rollout status deployment kserve-controller-manager --timeout 120s >/dev/null
  webhooks_answer || { echo "KServe's webhooks do not answer"; kubectl --namespace kserve logs deployment/kserve-controller-manager --tail 20; return 1; }
  kubectl --namespace kserve annotate --overwrite deployment kserve-controller-manager "springtide.test/stamp=$stamp" >/dev/null
}

stop() {
  # Its finalizers are taken off while it still runs.
  kubectl delete --ignore-not-found -f "$files/kinds.yaml" >/dev/null
  kubectl delete --ignore-not-found -f "$files/all.yaml" >/dev/null
}

stamp=$(digest "$0" "$here/kserve/kustomization.yaml")
case ${1:-} in
start) is_there || step "installing KServe (about 15 s; the first time 5 min)" start ;;
stop) [ ! -e "$files/all.yaml" ] || step "removing KServe" stop ;;
*) fail "usage: kserve.sh start | stop" ;;
esac
