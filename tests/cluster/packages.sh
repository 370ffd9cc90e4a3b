#!/usr/bin/env bash
# Installs those of the named Debian packages that are missing, after naming them.
#   packages.sh NAME...
source "$(dirname "$0")/settings.sh"

missing=()
for package in "$@"; do
  dpkg-query --show --showformat '${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' || missing+=("$package")
done
[ "${#missing[@]}" -gt 0 ] || exit 0
[ -n "$(command -v apt-get)" ] || fail "this needs the programs of the Debian packages ${missing[*]}, and there is no apt-get: install them by hand"
[ "$(id -u)" = 0 ] || fail "run as root, or install these Debian packages first: apt-get install --no-install-recommends ${missing[*]}"
say "installing Debian packages (they stay): ${missing[*]}"
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >"$cache/apt.log" 2>&1 ||
  { tail -20 "$cache/apt.log" >&2; fail "apt-get could not install them; the whole log: $cache/apt.log"; }
