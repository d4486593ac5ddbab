#!/usr/bin/env bash
# Installs the executable, units, manual, completions, samples and the service user. Never touches a configuration, key or
# ledger, and starts nothing. For distributions without Debian's packages; `make install` builds first.
#
#   DESTDIR=/tmp/root deploy/install.sh    into a folder instead (needs no root)
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

destination=${DESTDIR:-}
novation=.build/novation
[ -x "$novation" ] || refuse "no $novation: run make build first"
[ -n "$destination" ] || [ "$(id -u)" -eq 0 ] || refuse "needs root: sudo make install"

put() { install -D -m "$1" "$2" "$destination$3"; }
put 0755 "$novation" /usr/bin/novation
for unit in systemd/*.service systemd/*.timer; do put 0644 "$unit" "/usr/lib/systemd/system/${unit##*/}"; done
put 0644 systemd/novation.sysusers /usr/lib/sysusers.d/novation.conf
put 0644 systemd/novation.tmpfiles /usr/lib/tmpfiles.d/novation.conf
samples=(novation.toml genesis.json prometheus.rules.yml grafana.json firewall.nft)
for sample in "${samples[@]}"; do put 0644 "deploy/$sample" "/usr/share/doc/novation/$sample"; done
put 0644 README.md /usr/share/doc/novation/README.md
put 0644 docs/OPERATIONS.md /usr/share/doc/novation/OPERATIONS.md

# The program describes itself.
pages=$(mktemp -d)
trap 'rm -rf "$pages"' EXIT
"$novation" manual --to "$pages"
for page in "$pages"/*.1; do put 0644 "$page" "/usr/share/man/man1/${page##*/}"; done
completion() {
  "$novation" --generate-completion-script "$1" >"$pages/completion"
  put 0644 "$pages/completion" "$2"
}
completion bash /usr/share/bash-completion/completions/novation
completion zsh /usr/share/zsh/vendor-completions/_novation
completion fish /usr/share/fish/vendor_completions.d/novation.fish
[ -z "$destination" ] || exit 0

sh deploy/debian/postinst configure
say "installed. Next: novation init --service, see docs/OPERATIONS.md"
