#!/usr/bin/env bash
# An S3 server in the cluster for tests, with an empty bucket: s3://springtide, http://s3.springtide-s3:7070.
#   s3.sh start             runs it; the Secret s3 in namespace springtide-s3 has all that a client needs, as the
#                           AWS_... variables that boto reads: hand it to pods by envFrom, from a copy in their namespace
#   s3.sh secret NAMESPACE  puts that copy there, as the Secret springtide-s3
#   s3.sh stop              removes it and what is stored in it
source "$(dirname "$0")/../settings.sh"
source "$here/engine.sh"
namespace=springtide-s3
bucket=springtide
image=localhost/springtide-versitygw:v1.8.0
kubectl="kubectl --namespace $namespace"

provide_image() {
  "$here/programs/build.sh" versitygw
  mkdir -p "$cache/s3"
  python3 "$here/image_archive.py" program --user 10001 --tag $image "$cache/s3/image.tar" "$cache/programs/versitygw"
  "$container" load --quiet --input "$cache/s3/image.tar" >/dev/null
  rm -r "$cache/s3"
}

random() { head -c "$1" /dev/urandom | od -An -tx1 | tr -d ' \n'; }

run() {
  image_id $image >/dev/null || provide_image
  local name
  name=$("$here/registry/registry.sh" push $image)
  kubectl create namespace $namespace --dry-run=client --output yaml | kubectl apply -f - >/dev/null
  # From a file descriptor: no key is ever seen in a list of processes.
  $kubectl get secret s3 >/dev/null 2>&1 || $kubectl create secret generic s3 --from-env-file=<(cat <<ENV
AWS_ACCESS_KEY_ID=$(random 8)
AWS_SECRET_ACCESS_KEY=$(random 20)
AWS_DEFAULT_REGION=us-east-1
AWS_ENDPOINT_URL=http://s3.$namespace:7070
ENV
  ) >/dev/null
  sed "s#S3_IMAGE#$name#" "$here/s3/s3.yaml" | $kubectl apply -f - >/dev/null
  $kubectl rollout status deployment s3 --timeout 60s >/dev/null
}

value() { $kubectl get secret s3 --output "jsonpath={.data.$1}" | base64 --decode; }

# From this machine, through a port that kubectl forwards.
create_bucket() {
  local log forward port empty answer
  log=$(mktemp)
  $kubectl port-forward service/s3 :7070 --address 127.0.0.1 >"$log" 2>&1 &
  forward=$!
  # shellcheck disable=SC2064 # these, now
  trap "kill $forward; rm $log" EXIT
  timeout 20 sh -c "until grep -q '^Forwarding' '$log'; do sleep 0.1; done" || { cat "$log"; return 1; }
  port=$(sed -n 's/^Forwarding from 127.0.0.1:\([0-9]*\).*/\1/p' "$log")
  empty=$(sha256sum </dev/null | cut -d' ' -f1)
  answer=$(curl --silent --output /dev/null --write-out '%{http_code}' --noproxy '*' --request PUT \
    --aws-sigv4 aws:amz:us-east-1:s3 --header "x-amz-content-sha256: $empty" \
    --config <(echo "user = \"$(value AWS_ACCESS_KEY_ID):$(value AWS_SECRET_ACCESS_KEY)\"") "http://127.0.0.1:$port/$bucket")
  case $answer in 200 | 409) ;; *) echo "creating the bucket $bucket was answered with $answer"; return 1 ;; esac
}

start() {
  run
  create_bucket
}

secret() {
  $kubectl get secret s3 >/dev/null || fail "there is no S3 server: s3.sh start"
  kubectl --namespace "$1" create secret generic springtide-s3 --dry-run=client --output yaml --from-env-file=<(
    for name in AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_DEFAULT_REGION AWS_ENDPOINT_URL; do echo "$name=$(value $name)"; done
  ) | kubectl apply -f - >/dev/null
}

case ${1:-} in
start) step "starting an S3 server in the cluster (about 5 s)" start ;;
secret) secret "${2:?namespace}" ;;
stop) kubectl delete namespace $namespace --ignore-not-found >/dev/null ;;
*) fail "usage: s3.sh start | secret NAMESPACE | stop" ;;
esac
