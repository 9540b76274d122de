# SPDX-License-Identifier: GPL-2.0-only
# Do the flows of $actual (flowattr's JSON, all intervals) account for just the ends of connections and
# flows that close in $expected? A flow with both ends on this machine stands once, for the end that
# began it, and names the process at the other. Prints what is wrong, as text.

def key: "\(.proto) \(.pid) \(.name) \(.laddr):\(.lport) \(.raddr):\(.rport)";
def sums: reduce .[] as $r ({}; .[$r | key] |= {tx: (.tx + $r.tx_bytes), rx: (.rx + $r.rx_bytes),
	tx_packets: (.tx_packets + $r.tx_packets), total: $r.tx_total_bytes, row: $r});

[$expected[] | select(.type == "close") | select((.tx_bytes | type) == "number" and (.rx_bytes | type) == "number")
 | select(.tx_bytes + .rx_bytes > 0)] | sums as $wanted
| [$actual[] | select(.type == "flow")] | sums as $got
| ($got | to_entries[] | . as $g | $wanted[$g.key] as $w
   | if $w == null then
	select($g.value.tx + $g.value.rx > 0) | "not expected: \($g.key) tx \($g.value.tx) rx \($g.value.rx)"
     elif $totals then
	select($g.value.total != $w.tx) | "\($g.key): tx \($g.value.total) in all, not \($w.tx)"
     elif $g.value.tx != $w.tx or $g.value.rx != $w.rx then
	"\($g.key): tx \($g.value.tx) rx \($g.value.rx), not tx \($w.tx) rx \($w.rx)"
     elif $g.value.total < $g.value.row.tx_bytes then
	"\($g.key): total \($g.value.total) below the last interval's \($g.value.row.tx_bytes)"
     else empty end),
  ([$got[].row | select(.peer_pid != null) | "\(.proto) \(.peer_pid) \(.rport) \(.lport)"] as $peers
   | $wanted | to_entries[] | select($got[.key] == null)
   | .value.row as $r
   | select($peers | index("\($r.proto) \($r.pid) \($r.lport) \($r.rport)") | not)
   | "missing: \(.key) tx \(.value.tx) rx \(.value.rx)")
