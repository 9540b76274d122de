#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# `make demo`: connsnoop's main job on real connections, in a network namespace of its own.
set -euo pipefail

BUILD=${BUILD:-build}
[ "$(id -u)" = 0 ] || {
	echo "the demo traces, and that takes root: sudo make demo" >&2
	exit 1
}

T=$(mktemp -d)
NS=connsnoop-demo-$$
trap 'ip netns del "$NS" 2>/dev/null || true; rm -rf "$T"' EXIT
ip netns add "$NS"
ip -n "$NS" link set lo up
client=$T/invoice-report-mailer
cp "$BUILD/tests/traffic" "$client"

cat >"$T/work" <<END
#!/bin/bash
# a client that lives for a millisecond, a server, and some connects that fail
$client -4 connect >/dev/null
$client -6 server-first >/dev/null
: </dev/tcp/127.0.0.1/9
: </dev/tcp/192.0.2.1/443
exit 0
END
chmod +x "$T/work"

say() {
	printf '\n\033[1m%s\033[0m\n' "$*"
}
[ -t 1 ] || say() {
	printf '\n%s\n' "$*"
}

say '$ connsnoop -- ./work      # every connection, made, refused or unreachable, by its process'
ip netns exec "$NS" timeout 20 "$BUILD/connsnoop" -- "$T/work" 2>"$T/err" || {
	cat "$T/err" >&2
	exit 1
}

say '$ connsnoop -j -e close -F name,pid,raddr,rport,tx_bytes,rx_bytes -- ./work | head -n 2'
ip netns exec "$NS" timeout 20 "$BUILD/connsnoop" -j -e close \
	-F name,pid,raddr,rport,tx_bytes,rx_bytes -- "$T/work" 2>"$T/err" | head -n 2

cat <<'END'

The client is named in full: the kernel's own name for it ends after 15 bytes
(invoice-report-), and most of these processes were dead before their line was printed.
END
