#!/usr/bin/env bash
# Plays the operator on a real systemd: boots a minimal Debian in a container without a network, installs the package in it
# and does what docs/OPERATIONS.md says, as written there, with four nodes; then kills, hangs, upgrades under load, backs
# up, restores, removes and purges. Needs root, debootstrap and systemd-nspawn; a machine that cannot boot a container
# gets exit code 77, which means skipped. `make test-systemd` builds the package first.
#
#   PREVIOUS=old.deb deploy/test-systemd.sh    upgrades from that package; else from this one under an older version
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
source "$PWD/deploy/container.sh"
prepare

previous=${PREVIOUS:-}
if [ -z "$previous" ]; then
  version="$(.build/novation --version)~previous"
  VERSION="$version" deploy/package.sh
  previous=.build/novation_${version}_$(dpkg --print-architecture).deb
fi
machine "$previous" "$package"
new=/packages/${package##*/}
old=/packages/${previous##*/}
failed() {
  for node in a b c d; do inside novation status --socket "$(socket "$node")" || true; done
  inside journalctl --no-pager -n 60 -o short-iso -u 'novation*'
}
boot "$root" --private-network
say "systemd runs in $root: $(inside systemctl --version | head -n 1)"

# MARK: helpers

play() {
  say "runbook: $1"
  runbook "$1" | sed 's/^/    /'
}
socket() { echo "/run/novation/$1/novation.sock"; }
height() { field "$(socket "$1")" height; }
in_sync() { [ "$(field "$(socket "$1")" syncing)" = false ] && [ "$(field "$(socket "$1")" peers)" = 3 ]; }
all_in_sync() { for node in a b c d; do in_sync "$node" || return 1; done; }
advances() {
  local from
  from=$(height "$1")
  until_true 20 above "$1" "$from"
}
above() { [ "$(height "$1")" -gt "$2" ]; }
restarts() { inside systemctl show -p NRestarts --value "novation@$1"; }
restarted() { [ "$(restarts "$1")" -gt "$2" ]; }
# Longest time between two blocks of a range, in milliseconds, by the blocks' own times.
longest_gap() {
  local height last='' time longest=0
  for height in $(seq "$2" "$3"); do
    time=$(inside curl -s --unix-socket "$(socket "$1")" "http://node/v1/blocks/$height" | sed -n 's/.*"timestamp":"\([^"]*\)".*/\1/p')
    time=$(date -d "$time" +%s%3N)
    if [ -n "$last" ] && [ $((time - last)) -gt "$longest" ]; then longest=$((time - last)); fi
    last=$time
  done
  echo "$longest"
}

# MARK: install and start

began=$(now)
inside dpkg -i "$old" >>"$log" 2>&1
installed=$(since "$began")
play one-host
for node in a b c d; do expect "novation@$node" "$(inside systemctl is-active "novation@$node")" active; done
say "installed in $installed, four nodes READY $(since "$began") after dpkg -i began"
until_true 20 all_in_sync
status_says() { inside systemctl show -p StatusText --value "novation@$1" | grep -q "$2"; }
until_true 15 status_says a '^height [0-9]*, view [0-9]*, 3 of 3 peers$'
say "STATUS of novation@a: $(inside systemctl show -p StatusText --value novation@a)"
expect "ledger's owner" "$(inside stat -c '%U %a' /var/lib/novation/a/ledger/state/ledger.mdb)" "novation 600"
expect "key's mode" "$(inside stat -c '%U %a' /etc/novation/a.key)" "root 600"
expect "socket" "$(inside stat -c '%G %a' "$(socket a)")" "novation 660"
expect "core dumps" "$(inside systemctl show -p LimitCORE --value novation@a)" 0

# MARK: reload, crash, hang

inside systemctl reload novation@a
until_true 5 sh -c "nsenter -t $leader -a -- journalctl -u novation@a --no-pager | grep -q 'configuration read again'"
expect "after a reload" "$(inside systemctl is-active novation@a)" active

before=$(restarts b)
began=$(now)
inside systemctl kill -s KILL novation@b
until_true 30 restarted b "$before"
until_true 30 in_sync b
say "killed: in sync again after $(since "$began")"

inside mkdir -p /run/systemd/system/novation@c.service.d
printf '[Service]\nWatchdogSec=4\n' | inside tee /run/systemd/system/novation@c.service.d/watchdog.conf >/dev/null
inside systemctl daemon-reload
inside systemctl restart novation@c
before=$(restarts c)
began=$(now)
inside systemctl kill -s STOP --kill-who=main novation@c
until_true 60 restarted c "$before"
until_true 30 in_sync c
say "hung with a watchdog of 4 s: killed and in sync again after $(since "$began")"

# MARK: care

play backup
play lose-a-disk
until_true 60 all_in_sync
say "restored: in sync again"
play encrypt-the-password
until_true 30 all_in_sync

# MARK: upgrade under load

advances a
inside touch /run/load
inside bash -c 'while [ -e /run/load ]; do
  novation transfer --to "$(cat /root/bob.account)" --amount 0.01 --key /root/keys/alice.key \
    --socket /run/novation/a/novation.sock --timeout 20s >/dev/null 2>>/run/load.errors && echo >>/run/load.done
done' &
load=$!
until_true 20 sh -c "[ \$(nsenter -t $leader -a -- sh -c 'wc -l </run/load.done') -gt 5 ]"
first=$(height d)
inside touch /etc/novation/no-restart
inside dpkg -i "$new" >>"$log" 2>&1
began=$(now)
inside systemctl restart novation@b
until_true 30 in_sync b
say "upgraded one of four in $(since "$began")"
last=$(height d)
gap_one=$(longest_gap d "$first" "$last")
first=$last
inside rm /etc/novation/no-restart
began=$(now)
inside dpkg -i "$new" >>"$log" 2>&1
until_true 30 all_in_sync
say "upgraded all, one after the other, in $(since "$began")"
gap_all=$(longest_gap d "$first" "$(height d)")
inside rm /run/load
wait "$load" || true
done_count=$(inside sh -c 'wc -l </run/load.done')
error_count=$(inside sh -c 'wc -l </run/load.errors')
say "longest time between two blocks: $gap_one ms while one of four was upgraded, $gap_all ms while all were, one by one"
say "transfers through node a, itself restarted once: $done_count final, $error_count failed"
[ "$gap_one" -le 1500 ] || refuse "finality stopped for $gap_one ms"

# MARK: what an upgrade and all the rest must not have done

for node in a b c d; do expect "roots" "$(inside novation status --socket "$(socket $node)" --json | grep -c warnings)" 1; done
for secret in $(inside sh -c 'cat /etc/novation/*.password') $(inside sh -c "sed -n 's/^\(secret\|ciphertext\) = //p' /etc/novation/*.key /root/keys/alice.key"); do
  if inside journalctl --no-pager -q | grep -qF "$secret"; then refuse "a secret is in the journal"; fi
  if inside grep -rqF "$secret" /var/lib/novation /var/lib/novation-backup /run/log /tmp; then refuse "a secret is on disk"; fi
done

# MARK: remove and purge

inside dpkg -r novation >>"$log" 2>&1
expect "units after removal" "$(inside systemctl list-units --plain --no-legend 'novation@*' | wc -l)" 0
expect "keys after removal" "$(inside sh -c 'ls /etc/novation/*.key | wc -l')" 4
inside dpkg -P novation >>"$log" 2>&1
expect "keys after purging" "$(inside sh -c 'ls /etc/novation/*.key | wc -l')" 4
expect "ledgers after purging" "$(inside sh -c 'ls /var/lib/novation/*/ledger/state/ledger.mdb | wc -l')" 4
inside sh -c 'rm -r /etc/novation /var/lib/novation /var/lib/novation-backup'
inside dpkg -i "$new" >>"$log" 2>&1
inside dpkg -P novation >>"$log" 2>&1
for path in /etc/novation /var/lib/novation /usr/bin/novation; do
  if inside test -e "$path"; then refuse "$path is left after purging"; fi
done
say "${bold}passed${plain}"
