# SPDX-License-Identifier: GPL-2.0-only
# Do packets name the right process, at both ends? Against the log of many clients of one server, each
# with a port of its own.
#   awk -v wanted=WORDS -f clients.awk LOG PACKETS
# LOG: "connect PID PORT" of each client, "accept PID ..." or "serve PID ..." of the server.
# PACKETS: tab-separated: local port, remote port, pid, peer_pid, what it is. Local is who sends it,
# if `received` is set, who receives it.
# wanted: what of each client there has to be: a word is who sends it, c or s, ":", what it is.
# Prints "PACKETS RIGHT CLIENTS WHOLE", in which RIGHT is packets that name both processes, and WHOLE
# clients with all that is wanted; then a line for each of the first ten packets that are wrong.
BEGIN {
	FS = "\t"
	n_wanted = split(wanted, words, " ")
}
FNR == NR {
	split($0, log_words, " ")
	if (log_words[1] == "connect") {
		clients[log_words[3], log_words[2]]
		ports[log_words[3]]
		n_clients++
	} else if (log_words[1] == "accept" || log_words[1] == "serve") {
		servers[log_words[2]]
	}
	next
}
{
	if ($1 in ports) {
		port = $1; client = $3; server = $4; from = received ? "s" : "c"
	} else if ($2 in ports) {
		port = $2; client = $4; server = $3; from = received ? "c" : "s"
	} else {
		next
	}
	packets++
	if ((port, client) in clients && server in servers) {
		right++
		seen[port, client, from ":" $5]
	} else if (n_wrong < 10) {
		wrong[++n_wrong] = $0
	}
}
END {
	for (client in clients) {
		there = 0
		for (i = 1; i <= n_wanted; i++)
			there += (client SUBSEP words[i]) in seen
		whole += there == n_wanted
	}
	print packets + 0, right + 0, n_clients + 0, whole + 0
	for (i = 1; i <= n_wrong; i++)
		print "wrong: " wrong[i]
}
