#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# proctop's full-screen view, driven in tmux: keys, sizes, and the terminal afterwards. flowattr's, too:
# what a narrow one shows.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC1003,SC2015,SC2016,SC2317
. "$(dirname "$0")/lib.sh"
TOOL=$BUILD/proctop
STORM=storm-of-processes-and-threads # longer than comm holds

tm() {
	tmux -L "proctop-$$" -f /dev/null "$@"
}

clean() {
	trap '' INT TERM HUP # once begun, to the end
	tm kill-server 2>/dev/null
	[ -z "$GROUP" ] || wait_until 5 group_end 2>/dev/null
	rm -rf "$T"
}

group_end() {
	local pid
	while read -r pid; do
		kill -KILL "$pid"
	done <"$GROUP/cgroup.procs"
	rmdir "$GROUP"
}

keys() {
	tm send-keys "$@"
}

screen() {
	tm capture-pane -p
}

# shows EXTENDED-REGEX: a line of the screen
shows() {
	screen | grep -qE -- "$1"
}

shows_not() {
	! shows "$1"
}

# see EXTENDED-REGEX TEXT: soon
see() {
	wait_until 5 shows "$1"
	ok $? "$2" || {
		echo "nothing like $1 in:"
		screen
	} | diag
}

see_not() {
	wait_until 5 shows_not "$1"
	ok $? "$2" || screen | diag
}

tool_pid() {
	local pid
	while read -r pid; do
		[ "$(cat "/proc/$pid/comm" 2>/dev/null)" = proctop ] && echo "$pid" && return
	done <"$GROUP/cgroup.procs"
	return 1
}

start() {
	keys "clear; $TOOL --cgroup $GROUP $*; echo status=\$?" Enter
	wait_until 10 shows '^ *PID '
}

# The prompt is back, and the terminal as it was.
restored() {
	see "$1" "$2: the shell goes on"
	keys "clear; stty -a | tr ';' '\n' | grep -cE '^ *(-.*)?(-icanon|-echo) '; echo checked" Enter
	wait_until 5 shows '^checked$'
	is "$(screen | grep -B1 '^checked' | head -n 1) $(tm display-message -p '#{alternate_on}')" "0 0" \
		"$2: the terminal is as it was"
	keys clear Enter
}

if [ "$(id -u)" -ne 0 ]; then
	echo "1..0 # SKIP needs root"
	exit 0
fi
command -v tmux >/dev/null || {
	echo "1..0 # SKIP no tmux"
	exit 0
}
[ -x "$TOOL" ] || bail "no $TOOL: build it first, or set BUILD"
T=$(mktemp -d) || bail "mktemp"
GROUP=$(findmnt -nt cgroup2 -o TARGET | head -n 1)/proctop-$$
trap clean EXIT
trap 'exit 1' INT TERM HUP
if ! mkdir "$GROUP" 2>/dev/null; then
	GROUP=''
	echo "1..0 # SKIP no cgroup2 to write to"
	exit 0
fi
chmod 755 "$T"
cp "$BUILD/tests/storm" "$T/$STORM"
TERM=xterm-256color tm new-session -d -x 200 -y 30 'env -u NO_COLOR LC_ALL=C.UTF-8 PS1="prompt> " bash --norc' ||
	bail "tmux"
keys "echo \$\$ >$GROUP/cgroup.procs; $T/$STORM idle 3 >$T/idle & sleep 1234 & echo \$! >$T/sleeper" Enter
wait_until 5 grep -qsx ready "$T/idle" || bail "no processes to show"

# ---- what it shows ----

start 0.5
see '^ *PID +PPID USER +S +CPU% +TIME\+ +WAIT% +RSS +RD/s +WR/s +RX/s +TX/s +THR +AGE EXIT NAME +COMMAND' \
	"all columns"
see "^proctop [0-9:]{8}  load .* busy [0-9.]+%: processes [0-9.]+%, others [0-9.]+%" "head: the machine"
see '^  0\[\|* +[0-9.]+%\]' "head: processors"
see '^Memory [0-9.]+[MG] of ' "head: memory"
see '^Processes [0-9]+ shown; in .* born, .* died, 0 lost' "head: processes"
see "root +S +0\.0 .* $STORM +$T/$STORM idle 3" "a process, full name, command line"
see 'nobody +R .* proctop ' "proctop itself, without its rights"

# ---- keys ----

keys t
see "^ +[0-9]+ .*  $STORM +$T/$STORM idle" "t: a tree"
keys t '\'
keys 'SLEEP 1'
keys Enter
see_not "$STORM" "\\: only what contains the text"
see 'sleep +sleep 1234' "\\: in the command line, in any case"
see '^Processes .* lost; .*with "SLEEP 1"' "\\: the head says so"
keys Home k
see 'Signal for process [0-9]+ \(TERM; Esc: none\): _' "k: asks first"
keys Escape
sleeper=$(cat "$T/sleeper")
kill -0 "$sleeper"
ok $? "k, Escape: nothing happens"
keys k nonsense Enter
see 'No signal "nonsense"' "k: an unknown signal"
keys k USR1 Enter
see "USR1 to process $sleeper: sent" "k: sent"
wait_until 5 gone "$sleeper"
ok $? "k: arrived"
keys '\' Escape
see "$STORM" "\\, Escape: all again"
keys / storm Enter
keys k
see 'Signal for process' "/: selects what it finds"
keys Escape / 'no such thing'
see 'Nothing with "no such thing"' "/: nothing found"
keys Escape N
first=$(screen | grep -A1 '^ *PID ' | awk 'END { print $1 }')
keys I
wait_until 5 shows_not "^ +$first .*" || screen | grep -A1 '^ *PID ' | tail -n 1 | grep -qv "^ *$first "
ok $? "N, I: by process id, upside down"
keys P I I u nobody Enter
see_not "$STORM" "u: only a user's"
keys u nonsense-user Enter
see 'nonsense-user' "u: no such user is said"
keys u Enter
see "$STORM" "u, nothing: all"
keys c
see_not 'COMMAND' "c: without command lines"
keys c
see ' COMMAND' "c: and with them again"

"$T/$STORM" enter "$GROUP/cgroup.procs" "$T/$STORM" crew 3 2>/dev/null &
see " 4 +[0-9.]+m?s +- $STORM +$T/$STORM crew 3" "a process of four threads: one line, THR 4"
shows_not '  crew-[123] '
ok $? "H not pressed: no threads"
keys H
see '^ +[0-9]+ +[0-9]+ root +S .* crew-3  ' "H: a thread by its own name"
is "$(screen | grep -oE ' crew-[123] ' | sort -u | wc -l) $(screen | grep -cE "$STORM +.* crew 3")" "3 1" \
	"H: each thread once, the first by the process's name"
is "$(screen | awk '/ crew-[123] / || / crew 3/ { print $1 }' | sort -u | wc -l)" 4 "H: by their own ids"
keys H
see_not ' crew-[123] ' "H: processes again"
see " 4 +[0-9.]+m?s +- $STORM +$T/$STORM crew 3" "H: with all their threads"
keys K '?'
see '^P M T N +sort by' "?: help"
keys x
see '^ *PID ' "?: any key goes back"
keys K Z
see 'PAUSED' "Z: paused"
keys Z
see_not 'PAUSED' "Z: goes on"
keys Right Right Right
see '^ *PID +CPU%' "right: further columns"
keys Left Left Left F
see 'The selection follows its process' "F: follows"

# ---- sizes ----

for size in 80x24 60x10 20x5 3x2 1x1 300x80; do
	tm resize-window -x "${size%x*}" -y "${size#*x}"
	keys P
	sleep 0.6
	tool_pid >/dev/null
	ok $? "size $size: goes on" || screen | diag
	widest=$(screen | LC_ALL=C.UTF-8 wc -L)
	[ "$widest" -le "${size%x*}" ]
	ok $? "size $size: nothing beyond it" || screen | diag
done
tm resize-window -x 80 -y 24
see '^ *PID .*CPU%.* NAME' "80x24: PID, CPU%, NAME"
for ((i = 0; i < 40; i++)); do
	tm resize-window -x $((20 + i * 3)) -y $((5 + i))
done
tm resize-window -x 200 -y 30
see "root .*$STORM +$T/$STORM idle" "a storm of sizes: all is there again"

# ---- the end ----

keys q
restored 'status=0' "q"
start
kill -TERM "$(tool_pid)"
restored 'status=0' "SIGTERM"
start
keys C-c
restored 'status=0' "Ctrl-C"
keys "clear; (while sleep 0.01; do :; done) & LC_ALL=C $TOOL --cgroup $GROUP; echo status=\$?; kill %+" Enter
see ' sleep x [0-9]+ ' "LC_ALL=C: no character but its own"
keys q
restored 'status=0' "LC_ALL=C"
for signal in SEGV ABRT QUIT; do
	start
	kill -$signal "$(tool_pid)"
	restored 'status=1(39|34|31)' "crash (SIG$signal)"
done
start
keys C-z
see 'Stopped' "Ctrl-Z: stops"
restored '^prompt>' "Ctrl-Z"
keys fg Enter
see '^ *PID ' "fg: is there again"
keys q
see_not '^ *PID ' "fg: and ends"
start -m 1 1 3
is "$(screen | grep -A5 '^ *PID ' | grep -cE '^ *[0-9]+ ')" 1 "-m 1: one line"
restored 'status=0' "COUNT: ends after so many intervals"
for option in '-c 5' -t -T --no-header; do
	keys clear Enter "$TOOL --cgroup $GROUP $option; echo status=\$?" Enter
	see 'status=2' "$option: refused"
	see '^proctop: .*for tables.*-b' "$option: says why, and what to do"
done
keys clear Enter "TERM= $TOOL; echo status=\$?" Enter
see '^proctop: TERM is not set.*-b' "TERM not set: says so"
keys clear Enter "TERM=nonsense $TOOL; echo status=\$?" Enter
see '^proctop: a terminal of type "nonsense" is not known.*-b' "TERM unknown: says so"
see 'status=1' "TERM unknown: status 1"
keys clear Enter "TERM=dumb $TOOL --cgroup $GROUP 0.2; echo status=\$?" Enter
sleep 1
keys q
see 'status=[01]' "TERM=dumb: ends"
keys clear Enter "$TOOL --cgroup $GROUP -m 1 0.2 2 <&-; echo status=\$?" Enter
see 'status=0' "stdin closed: tables"

# ---- flowattr ----

tm resize-window -x 80 -y 24
cat >"$T/flows" <<'EOF'
ip link set lo up
while :; do "$1" -4 bytes 3 >/dev/null; done &
"$2" --netns $$ 0.5
kill $!
EOF
cp "$BUILD/tests/traffic" "$T/chatter"
keys clear Enter "unshare -n bash $T/flows $T/chatter $BUILD/flowattr; echo status=\$?" Enter
see '^ *PID +NAME +TX/s +RX/s +PROTO +LOCAL .*…$' "flowattr: rates in 80 columns, what is cut is marked"
see '^ *[0-9]+ chatter +[0-9.]+[kM]? +[0-9.]+[kM]? +tcp' "flowattr: a flow"
keys Right Right
see '^[^a-z]* REMOTE +PEER$' "flowattr: right: what was cut"
keys Left Left
see '^ *PID +NAME' "flowattr: left: the beginning"
keys q
see 'status=0' "flowattr: q"
keys clear Enter "unshare -n $BUILD/flowattr 0.2 1; echo status=\$?" Enter
see 'status=0' "flowattr 0.2 1: ends by itself"

start
tm kill-session
no_tool() {
	! tool_pid >/dev/null
}
wait_until 5 no_tool
ok $? "terminal gone: ends"
echo "1..$TESTS"
[ "$FAILED" -eq 0 ]
