#!/usr/bin/env bash
# Holds the sources against .swift-format and, where the tool is installed, the scripts against shellcheck.
# With --fix it rewrites the Swift sources instead.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

swift_paths=(Package.swift Sources Tests)
if [ "${1:-}" = --fix ]; then
  exec swift format format --in-place --parallel --recursive "${swift_paths[@]}"
fi

swift format lint --strict --parallel --recursive "${swift_paths[@]}"
scripts=(deploy/*.sh deploy/debian/* .ci/run)
for script in "${scripts[@]}"; do bash -n "$script"; done
if command -v shellcheck >/dev/null; then shellcheck --exclude=SC1091 "${scripts[@]}"; fi
say "format and lint: clean"
