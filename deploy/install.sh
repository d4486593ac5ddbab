#!/usr/bin/env bash
# Installs the executable, the units, the service user and a sample configuration. Never overwrites a configuration or
# a key, and starts nothing. `make install` builds first.
#
#   DESTDIR=/tmp/root deploy/install.sh    into a folder instead (needs no root)
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

destination=${DESTDIR:-}
[ -x .build/novation ] || refuse "no .build/novation: run make build first"
[ -n "$destination" ] || [ "$(id -u)" -eq 0 ] || refuse "needs root: sudo make install"

put() { install -D -m "$1" "$2" "$destination$3"; }
put 0755 .build/novation /usr/bin/novation
put 0644 systemd/novation.service /usr/lib/systemd/system/novation.service
put 0644 systemd/novation@.service /usr/lib/systemd/system/novation@.service
put 0644 systemd/novation.sysusers /usr/lib/sysusers.d/novation.conf
put 0644 systemd/novation.tmpfiles /usr/lib/tmpfiles.d/novation.conf
put 0644 deploy/novation.toml /usr/share/doc/novation/novation.toml
put 0644 README.md /usr/share/doc/novation/README.md
put 0644 docs/OPERATIONS.md /usr/share/doc/novation/OPERATIONS.md
[ -z "$destination" ] || exit 0

if command -v systemd-sysusers >/dev/null; then
  systemd-sysusers novation.conf
  systemd-tmpfiles --create novation.conf
else
  getent passwd novation >/dev/null || useradd --system --home-dir /var/lib/novation --shell /usr/sbin/nologin novation
  install -d -m 0750 -g novation /etc/novation
fi
[ -e /etc/novation/novation.toml ] || install -m 0640 -g novation deploy/novation.toml /etc/novation/novation.toml
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi

say "installed. Next: put the identity key at /etc/novation/identity.key (root, 0600), edit /etc/novation/novation.toml,"
say "then: systemctl enable --now novation"
