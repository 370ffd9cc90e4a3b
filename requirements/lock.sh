#!/usr/bin/env bash
# Pins every dependency: one file for each image, one for development.
# The CPU build of torch stands in while resolving, so that the files name no CUDA library; `uv pip install -r`
# adds the CUDA libraries by itself where only that build of torch is offered.
set -euo pipefail
cd "$(dirname "$0")/.."
lock() { # file, extras...
  local file=$1
  shift
  uv pip compile --quiet --no-header --no-annotate --no-emit-index-url --no-emit-find-links --python-version 3.11 \
    ${WHEELS:+--find-links "$WHEELS"} "${@/#/--extra=}" pyproject.toml --output-file "requirements/$file" "${upgrade[@]}" >/dev/null
  sed -i -e 's/+cpu$//' -e '/^nvidia-/d' -e '/^triton==/d' -e '/^cuda-/d' "requirements/$file"
}
upgrade=()
[ "${1:-}" != --upgrade ] || upgrade=(--upgrade)
lock dev.txt operator workloads cli crdgen test
cp requirements/dev.txt requirements/operator.txt && lock operator.txt operator
cp requirements/dev.txt requirements/workloads.txt && lock workloads.txt workloads
