# Shared by the scripts of this folder: sourced, not run. Leaves the caller at the package root with `swift` in PATH.
# shellcheck shell=bash

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! command -v swift >/dev/null && [ -x /opt/swift/usr/bin/swift ]; then
  export PATH="/opt/swift/usr/bin:$PATH"
fi

# Colour only for a person at a terminal.
if [ -t 1 ]; then bold=$'\e[1m' red=$'\e[31m' plain=$'\e[0m'; else bold='' red='' plain=''; fi

say() { printf '%s==>%s %s\n' "$bold" "$plain" "$*"; }
refuse() {
  printf '%snovation:%s %s\n' "$red" "$plain" "$*" >&2
  exit 1
}

# Tests and executable share one configuration, so that each file is compiled once for both.
swift_flags=(-c release)
