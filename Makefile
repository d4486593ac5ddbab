# Every target is a line or two; the work is in deploy/ and in the program.

.PHONY: help build demo test test-systemd campaign bench package format lint install clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

build: ## the stripped, fully static executable, at .build/novation
	@deploy/build.sh

demo: build ## four validators on this machine, one real session, end to end
	@deploy/demo.sh

test: ## the whole test suite
	@deploy/test.sh

test-systemd: package ## the package in a real systemd in containers: the runbooks, kill, hang, upgrade, restore, four hosts (root)
	@deploy/test-systemd.sh
	@deploy/test-hosts.sh

campaign: ## long hunts: simulated networks, disk images of crashes, fuzzing (see deploy/campaign.sh)
	@deploy/campaign.sh

bench: build ## throughput and latency of four validators on this machine, beside its limits
	@deploy/bench.sh

package: build ## a Debian package, at .build/novation_VERSION_ARCHITECTURE.deb
	@deploy/package.sh

format: ## rewrite the sources in the project's format
	@deploy/lint.sh --fix

lint: ## refuse what the format, the linter or the shell checker objects to
	@deploy/lint.sh

install: build ## executable, units, user and configuration into this system (root)
	@deploy/install.sh

clean: ## forget what was built here, not the fetched packages
	@rm -rf .build/novation .build/*/release .build/*/debug .build/release .build/debug
