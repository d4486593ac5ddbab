#!/usr/bin/env bash
# Starts four validators on this machine, clears a session that the program generates from a seed (with a crash of the
# market in it), prints what happened, and stops everything it started. `make demo` builds first.
#
#   SEED=7 deploy/demo.sh      another session
#   KEEP=1 deploy/demo.sh      leaves the nodes' directories, with their logs
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

novation=.build/novation
[ -x "$novation" ] || refuse "no $novation: run make build first"
seed=${SEED:-1}
# Two hours of market a second: a session of two days with an expiry and a crash takes half a minute.
clock_start=2026-01-05T00:00:00Z
clock_rate=7200

directory=$(mktemp -d "${TMPDIR:-/tmp}/novation-demo.XXXXXX")
stop() {
  status=$?
  trap - EXIT INT TERM
  "$novation" devnet down --dir "$directory" || true
  if [ -n "${KEEP:-}" ]; then say "kept: $directory"; else rm -rf "$directory"; fi
  exit "$status"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say "four validators under $directory"
"$novation" devnet up --dir "$directory" --detach --no-instruments --seed "$seed" \
  --clock-start "$clock_start" --clock-rate "$clock_rate"

say "a session from seed $seed"
"$novation" replay --tape "$seed" --dir "$directory"

say "the network afterwards"
"$novation" devnet status --dir "$directory"
