# SPDX-License-Identifier: GPL-2.0-only
# Whose packets are, against what the generator says of its sockets. One line for each thing wrong.
#   $expected: its records; $actual: flowattr's, of packets; $least: packets that there are at least
def ends: "\(.laddr) \(.lport) \(.raddr) \(.rport)";
def other_ends: "\(.raddr) \(.rport) \(.laddr) \(.lport)";

($expected | map(select(.type == "connect" or .type == "accept" or .type == "flow") |
	select(.type != "flow" or (.lport | type) == "number"))) as $all
| ($all | map(select((.lport | type) == "number" and .laddr != null))) as $records
| ($all | map(select(.laddr == null) | "\(.raddr) \(.rport)")) as $partly # known of a failed connect
| ($records | map({key: ends, value: {pid, name, exe}}) | from_entries) as $owners
| ($actual | map(select(.type == "packet" and (.proto == "tcp" or .proto == "udp")))) as $packets
| (if ($packets | length) < $least then "\($packets | length) packets, not \($least)" else empty end),
  ($records[] | ends as $ends | select(any($packets[]; ends == $ends or other_ends == $ends) | not) | "no packet of \($ends)"),
  ($packets[] | ends as $ends | other_ends as $other | ($owners[$ends]) as $owner
   | if $owner and (.pid != $owner.pid or .name != $owner.name or ($owner.exe and .exe != $owner.exe)) then
	"\($ends): \(.pid) \(.name) \(.exe), not \($owner): \(.text)"
     elif $owners[$other] and (.peer_pid != $owners[$other].pid or
			       .peer_name != $owners[$other].name) then
	"\($ends): peer \(.peer_pid) \(.peer_name), not \($owners[$other]): \(.text)"
     elif any($partly[]; . as $peer | ($ends | endswith($peer)) or ($ends | startswith($peer))) then empty
     elif ($owner or $owners[$other]) | not then "whose is \($ends)? \(.text)"
     else empty end)
