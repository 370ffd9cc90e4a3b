#!/usr/bin/env bash
# Makes or completes .venv: Python 3.11, what dev.txt pins, and our two packages as they lie here.
set -euo pipefail
cd "$(dirname "$0")/.."

works() { .venv/bin/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; }
uv=$(command -v uv || true)
[ -z "$uv" ] || "$uv" --version >/dev/null 2>&1 || uv= # a shim without its program
if ! works; then
  rm -rf .venv
  if [ -n "$uv" ]; then
    "$uv" venv --quiet --python 3.11 .venv
  else
    command -v python3.11 >/dev/null && python3.11 -c 'import ensurepip' 2>/dev/null ||
      tests/cluster/packages.sh python3.11 python3.11-venv
    python3.11 -m venv .venv
  fi
fi
if [ -z "$uv" ]; then
  [ -x .venv/bin/uv ] || .venv/bin/python -m pip install --quiet uv
  uv=.venv/bin/uv
fi
find_links=()
[ -z "${WHEELS:-}" ] || find_links=(--find-links "$WHEELS")
echo "installing into .venv what requirements/dev.txt names"
"$uv" pip install --quiet --compile-bytecode --python .venv/bin/python "${find_links[@]}" -r requirements/dev.txt
"$uv" pip install --quiet --python .venv/bin/python --no-deps -e .
