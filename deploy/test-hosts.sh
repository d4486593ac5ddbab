#!/usr/bin/env bash
# Plays four operators who set a network up by docs/OPERATIONS.md: four containers with a real systemd each, joined by a
# bridge, with nothing but the package and the page's runbooks. Then one host loses its power and comes back. Exit code 77
# means skipped, as with test-systemd.sh.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
source "$PWD/deploy/container.sh"
prepare
command -v ip >/dev/null || skip "no ip: apt-get install iproute2"

bridge=nvt$$
ended() { ip link delete "$bridge"; }
ip link add "$bridge" type bridge 2>>"$log" || skip "no bridge can be made here"
ip link set "$bridge" up

names=(alpha beta gamma delta)
leaders=()
machines=()
started=()
# Boots host $1, gives it its address, and remembers it.
start_host() {
  boot "${machines[$1]}" --network-bridge="$bridge"
  nsenter --target "$leader" --net -- ip address add "192.0.2.1$1/24" dev host0
  nsenter --target "$leader" --net -- ip link set host0 up
  leaders[$1]=$leader
  started[$1]=$container
}
on() { leader=${leaders[$1]}; }
socket=/run/novation/novation.sock
in_sync() { [ "$(field $socket syncing)" = false ] && [ "$(field $socket peers)" = "$1" ]; }
above() { [ "$(field $socket height)" -gt "$1" ]; }
public() { sed -n 's/.*public key *\([0-9a-f]\{64\}\).*/\1/p'; }

for host in 0 1 2 3; do
  machine "$package"
  machines+=("$root")
  start_host "$host"
done
say "four hosts run"

began=$(now)
keys=()
for host in 0 1 2 3; do
  on "$host"
  inside dpkg -i "/packages/${package##*/}" >>"$log" 2>&1
  keys+=("$(runbook host-init | public)")
  [ ${#keys[$host]} -eq 64 ] || refuse "${names[$host]} printed no public key"
done
on 0
custodian=$(inside novation key new custodian --unencrypted | sed -n 's/^account *//p')
listing=$(inside novation key new listing --unencrypted | sed -n 's/^account *//p')
chain=$(runbook genesis "ALPHA=${keys[0]}" "BETA=${keys[1]}" "GAMMA=${keys[2]}" "DELTA=${keys[3]}" \
  "CUSTODIAN=$custodian" "LISTING=$listing" | tail -n 1)
say "chain $chain"
for host in 0 1 2 3; do
  on "$host"
  [ "$host" -eq 0 ] || cp "${machines[0]}/root/genesis.json" "${machines[$host]}/root/genesis.json"
  runbook host-start "CHAIN=$chain" | sed "s/^/    ${names[$host]}: /" | grep -E 'role|warning|error' || true
done
for host in 0 1 2 3; do
  on "$host"
  until_true 30 in_sync 3
  until_true 20 above 2
done
say "the network of four hosts makes blocks $(since "$began") after the first installation began"

say "delta loses its power"
on 3
kill -KILL "$leader"
wait "${started[3]}" 2>/dev/null || true
on 0
height=$(field $socket height)
until_true 20 above "$((height + 3))"
say "the others go on"
start_host 3
on 3
until_true 60 in_sync 3
until_true 20 above "$((height + 3))"
say "delta is back by itself"
say "${bold}passed${plain}"
