# SPDX-License-Identifier: GPL-2.0-only
# Packets (flowattr -r FILE -j) as the table that clients.awk reads; with -r. A RST without an ACK
# answers what comes too late for any connection: it is not part of one.
select((.proto == "tcp" or .proto == "udp") and (.text | test("Flags \\[R\\]") | not))
| [.lport, .rport, .pid, .peer_pid, (.text | capture("Flags (?<flags>[^,]*)").flags // "UDP")]
| @tsv
