# SPDX-License-Identifier: GPL-2.0-only
# What flowattr says of traffic whose addresses are translated, against what both ends say of
# themselves ($expected: lines of the generator nat). Prints what is wrong, as text.
#   $actual: flowattr's lines; $check: flows, packets; $server: address of a server bound to any;
#   $router: network namespace of the router (0: known by its interfaces' packets being forwarded)

def ends: [group_by(.what)[] | {what: .[0].what, proto: .[0].proto,
	client: (map(select(.role == "client"))[0]),
	server: (map(select(.role == "server"))[0] | if .laddr == "0.0.0.0" then .laddr = $server else . end)}];
def own: "\(.laddr) \(.lport) \(.raddr) \(.rport)"; # as from here
def back: "\(.raddr) \(.rport) \(.laddr) \(.lport)";
def way: .text | capture("^(?<s>[^ ]+)\\.(?<sp>[0-9]+) > (?<d>[^ ]+)\\.(?<dp>[0-9]+):") |
	"\(.s) \(.sp) \(.d) \(.dp)";
def translated: (.client | own) != (.server | back);

# One row for both ends, of who began it, that names the other; to the byte; nothing besides.
def flows($actual): . as $c
| [$actual[] | select(.type == "flow" and (.pid == $c.client.pid or .pid == $c.server.pid))] as $rows
| if ($rows | map(.pid) | unique) != [$c.client.pid] then "\(.what): rows of \($rows | map(.pid))"
  else
    ($rows | {tx: (map(.tx_bytes) | add), rx: (map(.rx_bytes) | add)}) as $sum
    | (if $sum.tx != .client.tx or $sum.rx != .client.rx then "\(.what): carried \($sum)" else empty end),
      ($rows[] | select(own != ($c.client | own) or .netns != $c.client.netns) | "\($c.what): \(own) of \(.netns)"),
      ($rows[] | select(.peer_pid != $c.server.pid) | "\($c.what): the other end is \(.peer_pid)"),
      ($rows[] | "\(.nat_raddr) \(.nat_rport) \(.nat_laddr) \(.nat_lport)" as $seen
       | (if $c | translated then ($c.server | own) else "null null null null" end) as $wanted
       | select($seen != $wanted) | "\($c.what): translated to \($seen), not \($wanted)")
  end;

def forwarded($p; $from; $to): $p.text as $text
| ($text | test("Flags \\[S\\.")) as $answer # nobody may have accepted yet
| ($text | test("Flags \\[S\\]|UDP")) as $first
| if $p.owner != "forwarded" then "\($p.owner), not forwarded"
  elif $answer and $p.pid == $to.pid and $p.netns == $to.netns then empty
  elif $p.pid != $from.pid or $p.netns != $from.netns then "from \($p.pid) \($p.netns), not \($from.pid) \($from.netns)"
  elif $first and $p.peer_pid == null then empty
  elif $p.peer_pid != $to.pid or $p.peer_netns != $to.netns then "to \($p.peer_pid) \($p.peer_netns), not \($to.pid) \($to.netns)"
  elif "\($p.laddr) \($p.lport) \($p.raddr) \($p.rport)" != ($p | way) then "its end is \($p.laddr) \($p.lport)"
  else empty end;

# What passes the router is forwarded from one end to the other, as it comes in and as it goes out.
def packets($actual): . as $c
| [$actual[] | select(.proto == "tcp" or .proto == "udp") | way as $way
   | select(any(($c.client | own, back), ($c.server | own, back); . == $way))
   | . + {from_client: ($way == ($c.client | own) or $way == ($c.server | back))}] as $all
| [$all[] | select(if $router > 0 then .iface_netns == $router else .owner == "forwarded" end)] as $passing
| if .what == "own" then
    ($all[] | select(.owner != "process" and (.text | test("Flags \\[(S\\.|R)") | not)) | "\($c.what): \(.owner), not a process: \(.text)")
  else
    ($passing[] | . as $p
     | (if .from_client then forwarded($p; $c.client; $c.server) else forwarded($p; $c.server; $c.client) end)
     | "\($c.what): \($p.iface) \($p.direction) \($p.text): \(.)"),
    (true, false) as $from
    | ([$passing[] | select(.from_client == $from)] | group_by("\(.iface) \(.direction)") |
       map({where: "\(.[0].iface) \(.[0].direction)", n: length})) as $hops
    | select(($hops | length) < 2 or ($hops | map(.n) | unique | length) > 1)
    | "\($c.what): what came in, and went out: \($hops)"
  end;

$expected | ends[] | if $check == "flows" then flows($actual) else packets($actual) end
