#!/usr/bin/env bash
# Measures four validators on this machine: starts them, loads them, prints the figures beside the machine's own
# limits, and stops them. Arguments go to `novation bench`. `make bench` builds first.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

novation=.build/novation
[ -x "$novation" ] || refuse "no $novation: run make build first"
directory=$(mktemp -d "${TMPDIR:-/tmp}/novation-bench.XXXXXX")
stop() {
  status=$?
  trap - EXIT INT TERM
  "$novation" devnet down --dir "$directory" || true
  rm -rf "$directory"
  exit "$status"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

"$novation" devnet up --dir "$directory" --detach
"$novation" bench --dir "$directory" "$@"
