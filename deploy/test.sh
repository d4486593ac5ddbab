#!/usr/bin/env bash
# The whole test suite. Arguments go to `swift test`: deploy/test.sh --filter ConsensusTests
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
deploy/build.sh

# Tests that start the program start this one.
export NOVATION_EXECUTABLE="$PWD/.build/novation"
say "testing"
swift test "${swift_flags[@]}" --disable-testable-imports "$@"
