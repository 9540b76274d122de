#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Multipath TCP: connsnoop shows the TCP connections underneath, owned by who uses what is on top.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2015,SC2086
. "$(dirname "$0")/lib.sh"
if ! has mptcp; then
	echo "1..0 # SKIP $LACKS"
	exit 0
fi
e2e_begin
"${INSIDE[@]}" sysctl -qw net.mptcp.enabled=1 || bail "sysctl"

tool_start --netns "/run/netns/$NS" --proto tcp
ok $? "starts and says that it is ready"
for family in $FAMILIES; do
	for what in connect nonblock server-first half-close exit killed reset unread fork-server \
		lent prefork reuseport accept-threads threads "exec $T/$NAME-heir"; do
		scenario "$family: ${what%% *}" $family -M $what
	done
done
tool_wait INT
is "$TOOL_STATUS" 0 "SIGINT: exit status 0"
compare "nothing else until the end"

for family in $FAMILIES; do
	netns_new # without what is in TIME_WAIT
	seen
	traffic_start $family -M open
	traffic_phase open
	tool_run -l -j --netns "/run/netns/$NS"
	is "$TOOL_STATUS" 0 "$family: -l ends with 0" || diag <"$T/err"
	compare "$family: -l: with all their holders"
	traffic_go
	traffic_end
	ok $? "generator: open"
done

e2e_end
