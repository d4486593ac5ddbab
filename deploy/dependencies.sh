#!/usr/bin/env bash
# Installs what the build needs and this machine lacks. Where nothing is lacking it asks for neither root nor network.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

command -v swift >/dev/null ||
  refuse "no Swift toolchain: install Swift 6.2 or newer from https://www.swift.org/install/linux and put it in PATH"

library_exists() { compgen -G "/usr/lib/$1" >/dev/null || compgen -G "/usr/lib/*/$1" >/dev/null || compgen -G "/usr/local/lib/$1" >/dev/null; }

missing=()
{ [ -e /usr/include/sodium.h ] && library_exists libsodium.a; } || missing+=(libsodium-dev)
{ [ -e /usr/include/lmdb.h ] && library_exists liblmdb.a; } || missing+=(liblmdb-dev)
{ [ -e /usr/include/zlib.h ] && library_exists libz.a; } || missing+=(zlib1g-dev)
library_exists 'gcc/*/*/libstdc++.a' || library_exists '*/*/libstdc++.a' || missing+=(libstdc++-12-dev)
{ command -v strip && command -v readelf; } >/dev/null || missing+=(binutils)
command -v git >/dev/null || missing+=(git ca-certificates)
[ ${#missing[@]} -gt 0 ] || exit 0

say "installing ${missing[*]}"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || refuse "needs root once: apt-get install ${missing[*]}"
  as_root=(sudo)
fi
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
