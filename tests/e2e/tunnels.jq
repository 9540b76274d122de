# SPDX-License-Identifier: GPL-2.0-only
# Whose packets are on a device, and on the veth below it, against what the generator says of its
# connections. One line for each thing wrong.
#   $expected: its records; $actual: flowattr's, of packets: those of this side, 10.N.0.1, count
#   $kinds: [name, n of 10.N.0.0/24, bytes that are put in front, the veth's protocol]
#   $bare: they are from a file, which has no comm
# What comes in by a VLAN is seen on the veth only.
def directions: map([.direction, .length]) | [map(select(.[0] == "out")), map(select(.[0] == "in"))];

($actual | map(select(.type == "packet" and .laddr != null and (.laddr | endswith(".0.1"))))) as $packets
| $kinds[] | . as [$name, $n, $bytes, $proto]
| ($expected | map(select(.type == "connect" and .raddr == "10.\($n).0.2"))) as $clients
| ($expected | map(select(.type == "accept" and .laddr == "10.\($n).0.2"))) as $servers
| $clients[0] as $client | $servers[0] as $server
| ($packets | map(select(.iface == $name and .proto == "tcp"))) as $above
| ($packets | map(select(.iface == "veth0" and .proto == $proto and
	($proto != "tcp" or .raddr == "10.\($n).0.2")))) as $below
| ($above | map(.length += $bytes) | directions) as $wanted
| ($below | directions) as $got
| (select(($clients | length) != 1 or ($servers | length) != 1) | "\($name): no traffic"),
  (select(($below | length) < 8) | "\($name): \($below | length) packets"),
  (($above + $below)[] | select(.pid != $client.pid or .name != $client.name or
	($bare or .comm == $client.name[:15] | not) or .peer_pid != $server.pid or .peer_name != $client.name)
   | "\($name): on \(.iface): \(.pid) \(.name), \(.peer_pid) \(.peer_name): \(.text)"),
  (select($got[0] != $wanted[0] or ($proto != "tcp" and $got[1] != $wanted[1]))
   | "\($name): \($got) on the veth, not \($wanted)")
