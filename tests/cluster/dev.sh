#!/usr/bin/env bash
# make dev: brings the working tree into the cluster and waits until it runs there.
source "$(dirname "$0")/settings.sh"
lock dev "$0" "$@"
namespace=springtide-system

begin=$EPOCHREALTIME
"$here/images.sh"
# shellcheck source=/dev/null
source "$cache/images.env"

install() {
  # A helm that was killed leaves its release pending, and every later one refuses to go on.
  kubectl --namespace $namespace delete secret --ignore-not-found \
    --selector 'owner=helm,name=springtide,status in (pending-install,pending-upgrade,pending-rollback)' >/dev/null
  helm upgrade --install springtide "$repository/charts/springtide" --namespace $namespace --create-namespace \
    --values "$here/values.yaml" --set operator.image="$OPERATOR_IMAGE" \
    --set workloads.image="$WORKLOADS_IMAGE" --set mlflow.image="$MLFLOW_IMAGE" >/dev/null
}

rollout() {
  local deployment
  for deployment in $(kubectl --namespace $namespace get deployments --selector app.kubernetes.io/instance=springtide --output name); do
    kubectl --namespace $namespace rollout status "$deployment" --timeout 180s >/dev/null || { explain "$deployment"; return 1; }
  done
}

explain() {
  echo "$1 is not ready; its pods, and the last lines of their logs:"
  kubectl --namespace $namespace get pods --output wide
  kubectl --namespace $namespace logs "$1" --tail 20 || true
  kubectl --namespace $namespace get events --sort-by .lastTimestamp | tail -15
}

step "installing the chart (about 2 s)" install
step "waiting until it runs (seconds; when a node has to fetch an image for the first time, 1 min)" rollout
say "the working tree runs in namespace $namespace after $(awk "BEGIN { printf \"%.1f\", $EPOCHREALTIME - $begin }") s"
