#!/usr/bin/env bash
# Builds the executable and leaves it, stripped and fully static, at .build/novation. The first build compiles every
# dependency and takes minutes; later ones take what changed.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
deploy/dependencies.sh

say "building novation ($(swift --version 2>/dev/null | sed -n 's/^Swift version \([^ ]*\).*/Swift \1/p'))"
swift build "${swift_flags[@]}" --product novation

built="$(swift build "${swift_flags[@]}" --show-bin-path)/novation"
# The bugs that tests compile in on purpose (Mutant.swift) have one variable.
if nm "$built" | grep '6MutantO6active' >/dev/null; then refuse "$built was built with NOVATION_MUTANTS"; fi
stripped=.build/novation.stripped
strip -o "$stripped" "$built"
if LC_ALL=C readelf -d "$stripped" | grep -q 'Dynamic section'; then
  rm -f "$stripped"
  refuse "$built has a dynamic section, so it is not static: check -static-executable in Package.swift"
fi
mv "$stripped" .build/novation
say ".build/novation: $(du -h .build/novation | cut -f1), static"
