#!/usr/bin/env bash
# Creates the cluster that kind-config.yaml describes, and waits until its nodes are Ready.
source "$(dirname "$0")/settings.sh"
source "$here/engine.sh"

image=$official_node_image
[ "$engine" != registryless ] || image=$node_image
kind create cluster --quiet --name $cluster --image "$image" --config "$repository/kind-config.yaml" --kubeconfig "$KUBECONFIG" --wait 120s

if [ "$engine" = registryless ]; then
  # Names outside the cluster do not exist here: answer so at once, instead of asking a server that the fence hides.
  kubectl="kubectl --namespace kube-system"
  $kubectl get configmap coredns -o json |
    jq '.data.Corefile |= (gsub("forward [^}]*\\}"; "") | gsub("\n *loop\n"; "\n") | sub("\\.:53"; "cluster.local:53 in-addr.arpa:53 ip6.arpa:53")) + ".:53 {\n    template ANY ANY {\n        rcode NXDOMAIN\n    }\n}\n"' |
    $kubectl replace -f - >/dev/null
  $kubectl scale deployment coredns --replicas 1 >/dev/null
  $kubectl rollout restart deployment coredns >/dev/null
  $kubectl rollout status deployment coredns --timeout 60s >/dev/null
fi
kubectl wait --for=condition=Ready nodes --all --timeout 60s >/dev/null
