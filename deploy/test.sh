#!/usr/bin/env bash
# The whole test suite. Arguments go to `swift test`: deploy/test.sh --filter ConsensusTests
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
deploy/build.sh

# Tests that start the program start this one.
export NOVATION_EXECUTABLE="$PWD/.build/novation"
run() { swift test "${swift_flags[@]}" --disable-testable-imports "$@"; }
if [ $# -gt 0 ]; then
  say "testing: $*"
  run "$@"
  exit
fi
# What starts processes or waits for sockets goes by itself, one test after the other: beside the suites that use every
# core it would wait for a processor and not for the program.
say "testing the modules"
run --skip 'NodeTests|NetworkTests'
say "testing the node and real networks"
run --skip-build --no-parallel --filter 'NodeTests|NetworkTests'
# Bugs on purpose need a build of their own, of the cores alone.
say "testing the tests: every mutant dies"
NOVATION_MUTANTS=1 swift test --scratch-path .build/mutants "${swift_flags[@]}" --disable-testable-imports
