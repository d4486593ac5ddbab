# Debian in a container with a real systemd, for the tests that play the operator: sourced, not run, after common.sh.
# shellcheck shell=bash

folder=.build/systemd
base=$folder/base
log=$folder/log
mkdir -p "$folder"
: >"$log"
roots=()
containers=()

skip() {
  say "${bold}skipped:${plain} $*"
  exit 77
}

# Ends what was booted, however the script ends.
finish() {
  status=$?
  trap - EXIT INT TERM
  if [ "$status" -ne 0 ] && [ "$status" -ne 77 ]; then failed || true; fi
  for container in "${containers[@]}"; do kill -TERM "$container" 2>/dev/null || true; done
  for container in "${containers[@]}"; do wait "$container" 2>/dev/null || true; done
  ended || true
  for root in "${roots[@]}"; do rm -rf "$root"; done
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# For the scripts to say more.
failed() { :; }
ended() { :; }

prepare() {
  [ "$(id -u)" -eq 0 ] || skip "only root can boot a container"
  for tool in debootstrap systemd-nspawn nsenter; do
    command -v "$tool" >/dev/null || skip "no $tool: apt-get install debootstrap systemd-container"
  done
  package=.build/novation_$(.build/novation --version)_$(dpkg --print-architecture).deb
  [ -e "$package" ] || refuse "no $package: run make package first"
  # nspawn asks for it; where another service manager runs it is only this empty folder.
  mkdir -p /run/systemd/system
  [ ! -x "$base/usr/lib/systemd/systemd" ] || return 0
  say "a minimal Debian, once"
  rm -rf "$base.partial"
  debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,curl bookworm "$base.partial" >>"$log" 2>&1 ||
    skip "debootstrap failed, see $log"
  rm -rf "$base"
  mv "$base.partial" "$base"
}

# A fresh machine with the given package files in /packages; leaves its folder in `root`.
machine() {
  root=$(mktemp -d "${TMPDIR:-/tmp}/novation-systemd.XXXXXX")
  roots+=("$root")
  cp -a --reflink=auto "$base/." "$root/"
  mkdir "$root/packages"
  cp "$@" "$root/packages/"
}

# Boots the machine in $1 with more arguments of nspawn; leaves its process in `container` and its init in `leader`.
boot() {
  local machine=$1 deadline=$((SECONDS + 120))
  shift
  systemd-nspawn -q -D "$machine" --register=no --keep-unit "$@" -b >>"$log" 2>&1 &
  container=$!
  containers+=("$container")
  leader=''
  until [ -n "$leader" ] && [ "$(inside systemctl is-system-running 2>/dev/null || true)" = running ]; do
    kill -0 "$container" 2>/dev/null || skip "systemd-nspawn does not start here, see $log"
    [ "$SECONDS" -lt "$deadline" ] || skip "systemd did not come up in the container, see $log"
    leader=$(pgrep -P "$container" | head -n 1 || true)
    sleep 0.2
  done
}

# In the machine whose init is $leader.
inside() { nsenter --target "$leader" --all -- /usr/bin/env -i -C /root PATH=/usr/sbin:/usr/bin HOME=/root "$@"; }

# What docs/OPERATIONS.md marks with this name, as it stands there; NAME=VALUE arguments are what its reader knows.
runbook() {
  local name=$1 script
  shift
  script=$(awk -v mark="<!-- runbook: $name -->" \
    '$0 == mark { found = 1; next } /^```/ && found { found++; next } found == 3 { exit } found == 2' docs/OPERATIONS.md)
  [ -n "$script" ] || refuse "docs/OPERATIONS.md has no runbook \"$name\""
  printf 'sudo() { "$@"; }\n%s\n' "$script" | inside env "$@" bash -euo pipefail 2>&1
}

now() { date +%s%N; }
since() { echo "$((($(now) - $1) / 1000000)) ms"; }
until_true() {
  local seconds=$1 deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || refuse "not within $seconds s: $*"
    sleep 0.1
  done
}
expect() { [ "$2" = "$3" ] || refuse "$1: expected \"$3\", found \"$2\""; }
# One value of the status of the node at a socket.
field() { inside novation status --socket "$1" --json | sed -n "s/.*\"$2\" *: *\"\{0,1\}\([^\",]*\).*/\1/p" | head -n 1; }
