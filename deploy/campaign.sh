#!/usr/bin/env bash
# Long hunts that the test suite has no time for. Each part can be run by itself, again and again:
#   deploy/campaign.sh simulate [HOURS] [ARG...]   simulated networks until HOURS cluster-hours are done (default 2000), then
#                                                  all Twins scenarios of three views; both go on where they stopped
#   deploy/campaign.sh mutants [SEEDS] [FIRST]     kills every mutant with fresh seeds, at most SEEDS each (default 300)
#   deploy/campaign.sh crash [FACTOR]              disk images of crashes: FACTOR x 1,600 images, and rot (default 13)
#   deploy/campaign.sh fuzz [SECONDS] [TARGET...]  libFuzzer with AddressSanitizer, SECONDS for each target (default 600)
# What the fuzzer learns is kept in .build/fuzz/corpus, so that the next run goes on from there; what breaks a target
# lies in .build/fuzz as crash-TARGET-...
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

simulate() {
  local hours="${1:-2000}"
  [ $# -eq 0 ] || shift
  [ -x .build/novation ] || refuse "no .build/novation: run make build first"
  say "simulated networks, up to $hours cluster-hours"
  nice -n 10 .build/novation simulate --campaign .build/campaign.jsonl --hours "$hours" "$@"
  say "Twins, three views"
  nice -n 10 .build/novation simulate --campaign .build/twins.jsonl --twins 3
}

mutants() {
  say "mutants, up to ${1:-300} seeds each from ${2:-1} on"
  NOVATION_MUTANTS=1 NOVATION_CAMPAIGN="${1:-300}" NOVATION_SEED="${2:-1}" swift test --scratch-path .build/mutants \
    "${swift_flags[@]}" --disable-testable-imports --filter MutantTests
}

crash() {
  say "crash images, ${1:-13} times the suite's"
  NOVATION_CORES=1 NOVATION_CAMPAIGN="${1:-13}" swift test --scratch-path .build/cores "${swift_flags[@]}" \
    --disable-testable-imports --filter CrashImageTests
}

fuzz() {
  local seconds="${1:-600}" failed=0 target
  [ $# -eq 0 ] || shift
  say "building the fuzz targets"
  NOVATION_FUZZ=1 swift build --scratch-path .build/fuzz-build "${swift_flags[@]}" --product Fuzz
  local fuzz="$PWD/.build/fuzz-build/release/Fuzz"
  [ $# -gt 0 ] || mapfile -t targets < <("$fuzz" list)
  [ $# -eq 0 ] || targets=("$@")
  mkdir -p .build/fuzz
  cd .build/fuzz
  for target in "${targets[@]}"; do
    mkdir -p "corpus/$target" "seeds"
    "$fuzz" seeds "$target" "seeds/$target"
    # Swift's metadata looks like leaks at exit.
    if SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0 nice -n 10 "$fuzz" "$target" \
      -max_total_time="$seconds" -timeout=10 -rss_limit_mb=3000 -max_len=6000 -print_final_stats=1 \
      -artifact_prefix="crash-$target-" "corpus/$target" "seeds/$target" >"$target.log" 2>&1; then
      say "$target: $(grep -c . <(ls "corpus/$target")) inputs, $(grep number_of_executed_units "$target.log" | tail -n 1 | grep -oE '[0-9]+$') executions"
    else
      say "$target: ${red}broken${plain}, see .build/fuzz/$target.log"
      failed=1
    fi
  done
  return "$failed"
}

case "${1:-}" in
simulate | mutants | crash | fuzz) "$@" ;;
"")
  simulate
  mutants
  crash
  fuzz
  ;;
*) refuse "usage: deploy/campaign.sh [simulate [HOURS] | mutants [SEEDS] [FIRST] | crash [FACTOR] | fuzz [SECONDS] [TARGET...]]" ;;
esac
