#!/bin/sh
# First step of every npm script, in plain shell because Node 26 may not start yet:
#
#   prepare.sh run|test|bench [COMMAND [ARGUMENT...]]
#
# brings the Debian packages of that scope (debian-packages.txt), then runs COMMAND in its place. As root on Debian it
# says what it installs and why; elsewhere it says what is missing and exits 69. `--without-peers` among the arguments
# goes on without the peers; where CI is set it is refused.
set -u
here=$(dirname "$0")
scope=$1
shift

say() { printf '%s\n' "$*" >&2; }
fail() { say "$@"; exit 69; } # EX_UNAVAILABLE

without_peers=''
for argument in "$@"; do [ "$argument" != --without-peers ] || without_peers=1; done
if [ -n "$without_peers" ] && [ -n "${CI:-}" ]; then say "--without-peers is refused where CI is set"; exit 64; fi
hint=''
[ "$scope" != test ] || hint="npm test -- --without-peers goes on without them."

# npm scripts find the Node 26 of node_modules first; the launcher asks on behalf of an older Node.
PATH=$(cd "$here/.." && pwd)/node_modules/.bin:$PATH
export PATH
case "$(node --version 2> /dev/null)" in
  v[0-9].* | v1[0-9].* | v2[0-5].*) fail "Postern needs Node 26; run npm ci without --omit=optional" ;;
esac

# Sets `missing` (names) and `reasons` (lines) to the packages of this scope that are not here.
look() {
  missing='' reasons=''
  while IFS='|' read -r package scopes present reason; do
    package=${package%% *}
    case "$package $scopes " in
      '#'*) continue ;;
      *" run "*) ;;
      *" $scope "*) [ -z "$without_peers" ] || continue ;;
      *) continue ;;
    esac
    if ! sh -c "$present" > /dev/null 2>&1 < /dev/null; then
      missing="$missing $package"
      reasons="$reasons  $package:$reason
"
    fi
  done < "$here/debian-packages.txt"
}

install() {
  log=$(mktemp)
  # Peers are programs that tests start themselves: no package may start a service of its own.
  policy=/usr/sbin/policy-rc.d
  if [ -e $policy ]; then policy=''; else printf '#!/bin/sh\nexit 101\n' > $policy && chmod +x $policy; fi
  trap '[ -z "$policy" ] || rm -f $policy' EXIT
  export DEBIAN_FRONTEND=noninteractive
  apt-get update > "$log" 2>&1 # where it fails, what is already known may do
  apt-get install -y --no-install-recommends $missing >> "$log" 2>&1
  status=$?
  [ -z "$policy" ] || rm -f $policy
  trap - EXIT
  if [ $status -ne 0 ]; then tail -n 20 "$log" >&2; fail "apt-get failed; all of its output is in $log"; fi
  rm -f "$log"
}

look
if [ -n "$missing" ]; then
  command="apt-get install -y --no-install-recommends$missing"
  if ! command -v apt-get > /dev/null; then
    say "Missing, by their Debian names:"; printf '%s' "$reasons" >&2
    fail "Install what your system calls them." ${hint:+"$hint"}
  elif [ "$(id -u)" -ne 0 ]; then
    say "Missing:"; printf '%s' "$reasons" >&2
    fail "To install: sudo $command" ${hint:+"$hint"}
  fi
  say "Installing Debian packages:"; printf '%s' "$reasons" >&2
  started=$(date +%s)
  install
  look
  [ -z "$missing" ] || fail "Installed, but still not found:$missing"
  say "Installed in $(($(date +%s) - started)) s."
fi

[ $# -eq 0 ] || exec "$@"
