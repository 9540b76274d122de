#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Names of processes: each case is a real process of its own shape that connects once, each to a
# port of its own; the connect record must say who it was.
# shellcheck disable=SC2016,SC2317 # text for jq is in single quotes; functions run by wait_until

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

HELPER=$BUILD/tests/names_helper
[ -x "$HELPER" ] || bail "no $HELPER: build it first, or set BUILD"
e2e_begin
trap 'umount "$T/cgroup" 2>/dev/null; e2e_clean 2>/dev/null' EXIT

# judge STATUS TEXT LINE...: one test; the lines are for when it failed
judge() {
	local status=$1 text=$2
	shift 2
	ok "$status" "$text" || printf '%s\n' "$@" | diag
}

# ends PID: waits for a child; its status
ends() {
	wait_until 15 gone "$1" || kill -KILL "$1"
	wait "$1"
}

# --- The tool --------------------------------------------------------------------------------

# start_tool NAME [PREFIX...] -- OPTION...: outside of the namespace. Its records go to
# $T/NAME.records, its stderr to $T/NAME.messages, its process id to $started.
start_tool() {
	local name=$1 prefix=()
	shift
	while [ "$1" != -- ]; do
		prefix+=("$1")
		shift
	done
	shift
	# bash has background commands ignore SIGINT
	env --default-signal=INT "${prefix[@]}" "$TOOL" --netns "/run/netns/$NS" -e connect -v "$@" \
		>"$T/$name.records" 2>"$T/$name.messages" &
	started=$!
	LIVES+=("$started")
	wait_until 20 says_ready_or_gone "$started" "$T/$name.messages"
	grep -qx ready "$T/$name.messages" || bail "no tool: $(tr '\n' ' ' <"$T/$name.messages")"
}

says_ready_or_gone() { says "$2" ready || gone "$1"; }

# stop_tool PID TEXT: one test: SIGINT ends it with 0
stop_tool() {
	kill -INT "$1"
	ends "$1"
	ok $? "$2"
}

# --- Cases -----------------------------------------------------------------------------------

port=21000
ports=300
mptcp_port=$((port + ports + 1))
redirect_port=$((port + ports + 2))
stream=main # whose records the cases look at

# start COMMAND...: in the namespace, as this shell's own child (no fork in between).
start() {
	: >"$T/case.out" # now, not when the child gets to run
	"${INSIDE[@]}" "$@" >"$T/case.out" 2>"$T/case.err" &
	pid=$! tid=$! ppid=$$
	started=$!
}

# read_report [FILE]: ids that the process itself has printed.
read_report() {
	local report
	report=$(grep -m1 '^pid=' "${1:-$T/case.out}") || { pid=-1; return 1; }
	read -r pid tid ppid <<<"${report//[a-z=]/}"
}

# run COMMAND...: from start to end; ids from its report if there is one. Returns its status.
run() {
	start "$@"
	ends "$started"
	local status=$?
	if grep -q '^pid=' "$T/case.out"; then
		read_report
	fi
	return $status
}

lines_of() { grep '"type": *"connect"' "$T/$stream.records" | grep -E "\"rport\": *$1[,}]"; }
have_lines() { [ "$(lines_of "$port" | wc -l)" -ge "$1" ]; }

# what_is_wrong RECORD CLAUSE...: prints each jq expression that is not true of it.
what_is_wrong() {
	local record=$1 expression="" clause i=0
	shift
	set -- '.pid == $pid' '$tid == null or .tid == $tid' '$ppid == null or .ppid == $ppid' \
		'.netns == $netns' '.uid == 0' "$@"
	for clause in "$@"; do
		expression+="(($clause) | select(. != true) | \$ARGS.positional[$i]),"
		i=$((i + 1))
	done
	jq -r --argjson pid "$pid" --argjson tid "$tid" --argjson ppid "$ppid" --arg dir "$T" \
		--argjson netns "$NETNS" --arg namespace "$NS" --arg port "$port" \
		--arg long "$long" --arg chrome "$chrome" --arg name "${name:-}" \
		--arg bash "$bash_exe" --arg busybox "$busybox_exe" --arg python "$python" \
		"${expression%,}" --args "$@" <<<"$record" 2>&1
}

# check WHAT CLAUSE...: exactly one connect record to $port, valid JSON without raw control
# bytes, from $pid, and each clause (jq, with $dir) true of it.
check() {
	local what=$1 record wrong
	shift
	if ! wait_until 5 have_lines 1; then
		judge 1 "$what" "no connect record to port $port" "$(cat "$T/case.err")"
		return
	fi
	record=$(lines_of "$port")
	wrong=$(what_is_wrong "$record" "$@")
	if [ "$(wc -l <<<"$record")" != 1 ]; then
		wrong+=" more than one record"
	fi
	if ! iconv -f UTF-8 -t UTF-8 <<<"$record" >/dev/null 2>&1; then
		wrong+=" not UTF-8"
	fi
	if LC_ALL=C grep -q $'[\x01-\x1f\x7f]' <<<"$record"; then
		wrong+=" raw control bytes"
	fi
	[ -z "$wrong" ]
	judge $? "$what" "wrong: $wrong" "pid=$pid tid=$tid ppid=$ppid" "record: $record"
}

next() { port=$((port + 1)); }

# program NAME: a copy of the helper under that name.
program() { cp "$HELPER" "$T/$1"; }

# script NAME FIRST_LINE: connects from inside of the shell's own process.
script() {
	printf '%s\necho "pid=$$ tid=$$ ppid=$PPID"\n%s\n: </dev/tcp/127.0.0.1/$1\n' "$2" "${3:-}" \
		>"$T/$1"
	chmod 755 "$T/$1"
}

# --- Processes that run before the tool does -------------------------------------------------

declare -A early_pid early_port

# early KEY COMMAND...: starts it; the words FIFO and PORT are replaced. It prints "waiting" and
# waits until somebody opens the FIFO for writing.
early() {
	local key=$1 word words=()
	shift
	next
	[ -p "$T/$key.fifo" ] || mkfifo "$T/$key.fifo"
	for word in "$@"; do
		word=${word//FIFO/$T/$key.fifo}
		words+=("${word//PORT/$port}")
	done
	"${INSIDE[@]}" "${words[@]}" >"$T/$key.report" 2>"$T/$key.err" &
	early_pid[$key]=$!
	early_port[$key]=$port
	LIVES+=("$!")
}

# early_ready KEY: it has come as far as its FIFO.
early_ready() {
	wait_until 10 grep -qs waiting "$T/$1.report" || bail "process $1: $(cat "$T/$1.err")"
}

# release KEY: lets it go on; then as after run().
release() {
	pid=${early_pid[$1]} tid=$pid ppid=$$
	port=${early_port[$1]}
	timeout 10 bash -c ': >"$1"' - "$T/$1.fifo" || bail "process $1 does not wait any more"
	ends "$pid"
	if grep -q '^pid=' "$T/$1.report"; then
		read_report "$T/$1.report"
	fi
}

# -----------------------------------------------------------------------------------------------

bash_exe=$(realpath "$(command -v bash)")
busybox_exe=$(realpath "$(command -v busybox || echo /none)")
python=$(realpath "$(python3 -c 'import sys; print(sys.executable)' 2>/dev/null || echo /none)")
long=my-very-long-service-name-x # 27 characters
chrome='chrome-like-renderer-process'

"${INSIDE[@]}" "$HELPER" serve $port $ports >"$T/server" 2>&1 &
LIVES+=("$!")
wait_until 10 grep -qs ready "$T/server" || bail "no server: $(cat "$T/server")"

program "$long"
program "$chrome"
program "postgres-server-of-the-test"
program 'prog (deleted)'
cp "$HELPER" "$T/gone (deleted)"
cp "$HELPER" "$T/early-gone (deleted)"
cp "$HELPER" "$T/unlinked-while-it-runs"
ln -s "$busybox_exe" "$T/wget"
script a-script-with-a-long-name.sh '#!/bin/bash'
script early-script-with-a-long-name.sh '#!/bin/bash' 'echo waiting; read -r _ <"$2"'
script env-script-with-a-long-name.sh '#!/usr/bin/env bash'
script plain-script-with-a-long-name '# no interpreter line'
script early-plain-script.sh '# no interpreter line' 'echo waiting; read -r _ <"$2"'

early long "$T/$long" wait FIFO report connect PORT
early script "$T/early-script-with-a-long-name.sh" PORT FIFO
early plain "$bash_exe" "$T/early-plain-script.sh" PORT FIFO
early title "$T/postgres-server-of-the-test" title "postgres: background writer" \
	wait FIFO report connect PORT
early title_comm "$T/postgres-server-of-the-test" comm ":postgres: wal" \
	title "postgres: wal writer" wait FIFO report connect PORT
early joined "$T/$chrome" option --type=/renderer/x joined wait FIFO report connect PORT
early thread "$T/$long" thread "Socket Thread" wait FIFO report connect PORT
early leader_comm "$T/$long" comm ":GMainLoop" wait FIFO report connect PORT
early leaderless "$T/$long" leaderless worker leader-gone wait FIFO report connect PORT
early fork "$T/$long" wait FIFO thread ThreadPoolForeg fork report connect PORT
early dies "$T/$long" wait FIFO connect PORT
early deleted "$T/early-gone (deleted)" unlink-exe wait FIFO report connect PORT
early argv0 bash -c 'exec -a "$0" "$@"' /opt/other "$T/$long" wait FIFO report connect PORT
early hidden "$T/$long" wait FIFO report connect PORT
for key in long script plain title title_comm joined thread leader_comm leaderless fork dies \
	deleted argv0 hidden; do
	early_ready "$key"
done
if [ -x "$busybox_exe" ]; then
	# Has connected to a server that sends it on to another port when it is released.
	early busybox "$HELPER" redirect $redirect_port PORT FIFO
	wait_until 10 grep -qs ready "$T/busybox.report" || bail "$(cat "$T/busybox.err")"
	"${INSIDE[@]}" "$T/wget" -q -O /dev/null "http://127.0.0.1:$redirect_port/" 2>/dev/null &
	early_pid[busybox]=$!
	LIVES+=("$!")
	early_ready busybox
fi

start_tool main -- -j --stats
main_tool=$started
start_tool table -- -o table -a
table_tool=$started

# --- Programs ----------------------------------------------------------------------------------

port=21100
exec_long=('.name == $long' '.name_src == "exec"' '.exe == $dir + "/\($long)"'
	'.comm == "my-very-long-se"' '.script == null')

next
run "$T/$long" report connect $port
check "a binary with 27 characters" "${exec_long[@]}" \
	'.args == [$dir + "/\($long)", "report", "connect", $port]'

next
run "$T/$long" thread "Socket Thread" report connect $port
check "a named thread connects" "${exec_long[@]:0:3}" '.comm == "Socket Thread"' '.tid != .pid'

next
run "$T/$long" thread ThreadPoolForeg fork report connect $port
check "fork from a named thread" '.name == $long' '.name_src == "fork"' \
	'.exe == $dir + "/\($long)"' '.comm == "ThreadPoolForeg"' '.tid == .pid' '.args[1] == "thread"'

next
run "$HELPER" thread worker exec "$T/$long" "$T/$long" report connect $port
check "exec from a thread that is not the leader" "${exec_long[@]}" '.tid == .pid'

next
run "$T/$long" leaderless worker leader-gone report connect $port
check "the leader has ended, a worker goes on" "${exec_long[@]:0:3}" '.comm == "worker"' \
	'.tid != .pid'

next
run "$T/$long" leaderless worker leader-gone fork report connect $port
check "fork without a leader" '.name == $long' '.name_src == "fork"' '.comm == "worker"' \
	'.exe == $dir + "/\($long)"'

next
run "$HELPER" vfork "$T/$long" report connect $port
check "vfork and exec" "${exec_long[@]}"

next
if ! has io_uring; then
	skip "a worker thread of io_uring connects" "$LACKS"
else
	run "$T/$long" uring $port
	tid=null
	check "a worker thread of io_uring connects" "${exec_long[@]:0:3}"
fi

next
run bash -c 'exec -a other "$@"' - "$T/$long" report connect $port
check "exec -a other" "${exec_long[@]}" '.args[0] == "other"'

next
run bash -c 'exec -a -bash bash --norc --noprofile -c "$1"' - ": </dev/tcp/127.0.0.1/$port; exit"
check "a login shell" '.name == "bash"' '.name_src == "exec"' '.comm == "bash"' \
	'.args[0] == "-bash"' '.exe == $bash' '.script == null'

next
NAMES_PORT=$port run "$HELPER" noargs "$T/$long"
check "an empty argv" "${exec_long[@]}" '.args == [] or .args == [""]'

next
run "$HELPER" fexecve "$T/$long" "$T/$long" report connect $port
check "fexecve" '.name == $long' '.name_src == "exec"' '.exe == $dir + "/\($long)"' \
	'.script == null'

next
run "$HELPER" procfd "$T/$long" "$T/$long" report connect $port
check "exec of /proc/self/fd/N" '.name == $long' '.name_src == "exec"' \
	'.exe == $dir + "/\($long)"' '.script == null'

next
run "$HELPER" memfd foo "$T/$long" "$T/$long" report connect $port
check "a memfd" '.name == "memfd:foo"' '.exe | test("^/?memfd:foo( \\(deleted\\))?$")' \
	'.script == null'

next
run "$T/prog (deleted)" report connect $port
check "a binary truly named prog (deleted)" '.name == "prog (deleted)"' '.name_src == "exec"' \
	'.exe == $dir + "/prog (deleted)"'

next
run "$HELPER" unlinked "$T/gone (deleted)" gone report connect $port
check "a binary truly named gone (deleted), unlinked" '.name == "gone (deleted)"' \
	'.exe == $dir + "/gone (deleted) (deleted)"' '.args[0] == "gone"'

next
run "$T/unlinked-while-it-runs" unlink-exe report connect $port
check "a binary that is unlinked while it runs" '.name == "unlinked-while-it-runs"' \
	'.name_src == "exec"' '.exe | startswith($dir + "/unlinked-while-it-runs")'

next
run "$T/postgres-server-of-the-test" title "postgres: background writer" comm ":postgres: bgw" \
	report connect $port
check "a title as PostgreSQL sets it" '.name == "postgres-server-of-the-test"' \
	'.name_src == "exec"' '.comm == "postgres: bgw"'

next
run "$T/$chrome" option --type=/renderer/x joined report connect $port
check "argv joined with spaces as Chrome does it" '.name == $chrome' '.name_src == "exec"'

# --- Scripts -----------------------------------------------------------------------------------

next
name=a-script-with-a-long-name.sh
run "$T/$name" $port
check "a script with a long name" '.name == $name' '.name_src == "exec"' \
	'.comm == "a-script-with-a"' '.exe == $bash' '.script == $dir + "/\($name)"' \
	'.args == ["/bin/bash", $dir + "/\($name)", $port]'

next
ln -s "$bash_exe" "$T/sh"
script by-another-interpreter "#!$T/sh -e"
run "$T/by-another-interpreter" $port
check "a script whose interpreter is a link and has an option" \
	'.name == "by-another-interpreter"' '.name_src == "exec"' '.exe == $bash' \
	'.script == $dir + "/by-another-interpreter"' \
	'.args == [$dir + "/sh", "-e", $dir + "/by-another-interpreter", $port]'

# Known from the first of the two execs, or guessed from the last.
by_env='.name_src == "exec" or .name_src == "guess"'
next
name=env-script-with-a-long-name.sh
run "$T/$name" $port
check "a script by #!/usr/bin/env" '.name == $name' "$by_env" \
	'.comm == "bash"' '.exe == $bash' '.script == $dir + "/\($name)"' \
	'.args == ["bash", $dir + "/\($name)", $port]'

# The shell forks and reads the script itself: the process is a child of the launcher.
next
script launcher-with-a-long-name '#!/bin/bash' "\"$T/plain-script-with-a-long-name\" \$1; exit 0"
run "$T/launcher-with-a-long-name" $port
tid=null ppid=$pid
pid=$(sed -n '2s/^pid=\([0-9]*\) .*/\1/p' "$T/case.out")
check "a script without #!" '.name == "launcher-with-a-long-name"' '.name_src == "fork"' \
	'.exe == $bash' '.script == $dir + "/launcher-with-a-long-name"'

next
name=plain-script-with-a-long-name
run bash "$T/$name" $port
check "bash SCRIPT" '.name == $name' '.name_src == "guess"' '.comm == "bash"' \
	'.exe == $bash' '.script == $dir + "/\($name)"'

next
run bash -c ": </dev/tcp/127.0.0.1/$port; exit" "$T/$name"
check "bash -c CODE is no script" '.name == "bash"' '.name_src == "exec"' '.script == null'

next
if [ -x "$python" ]; then
	cat >"$T/a-python-script-with-a-long-name.py" <<-'END'
		import socket, sys
		socket.create_connection(("127.0.0.1", int(sys.argv[1])))
	END
	run "$python" -u "$T/a-python-script-with-a-long-name.py" $port
	check "python3 -u SCRIPT" '.name == "a-python-script-with-a-long-name.py"' \
		'.name_src == "guess"' '.exe == $python' \
		'.script == $dir + "/a-python-script-with-a-long-name.py"' '.args[1] == "-u"'
else
	skip "python3 -u SCRIPT" "no python3"
fi

# --- busybox -----------------------------------------------------------------------------------

if [ -x "$busybox_exe" ]; then
	next
	run "$T/wget" -q -O /dev/null "http://127.0.0.1:$port/"
	check "a busybox applet by its link" '.name == "wget"' '.name_src == "exec"' \
		'.exe == $busybox' '.comm == "wget"' '.args[0] == $dir + "/wget"'
	next
	run "$busybox_exe" wget -q -O /dev/null "http://127.0.0.1:$port/"
	check "busybox APPLET" '.name == "busybox"' '.name_src == "exec"' \
		'.exe == $busybox' '.args[1] == "wget"'
else
	skip "a busybox applet by its link" "no busybox"
	skip "busybox APPLET" "no busybox"
fi

# --- The kernel's own --------------------------------------------------------------------------

# The one kernel thread that connects without any server outside: the worker that adds a subflow
# to a Multipath TCP connection.
next
what="a kernel worker"
pid=null
if ! has mptcp; then
	skip "$what" "$LACKS"
elif port=$mptcp_port && ip -n "$NS" mptcp limits set subflows 2 &&
	ip -n "$NS" mptcp endpoint add 127.0.0.2 dev lo subflow && run "$HELPER" mptcp $port && wait_until 5 have_lines 2; then
	record=$(lines_of $port | grep '127\.0\.0\.2')
	jq -e '.name_src == "kernel" and (.name | test("^\\[kworker/.*\\]$")) and .exe == null and
		(.args == null or .args == []) and .ppid == 2' <<<"$record" >/dev/null
	judge $? "$what" "record: $record"
else
	judge 1 "$what" "no record of the subflow" "$(cat "$T/case.err")" "$(lines_of $port)"
fi
port=21150

# The kernel lets go of a child a moment after rmdir, and of a hierarchy only if it is unmounted when
# there is none: mounted and unmounted again until it is.
hierarchy_is_gone() {
	grep -q ":name=$NS:" /proc/self/cgroup || return 0
	mount -t cgroup -o "none,name=$NS" none "$T/cgroup" && umount "$T/cgroup"
	! grep -q ":name=$NS:" /proc/self/cgroup
}

# A hierarchy of its own, not the machine's: only its own agent is ever called.
next
what="a program that a kernel worker has started"
program release-agent-of-the-test
mkdir "$T/cgroup"
if has cgroup_v1; then
	mount -t cgroup -o "none,name=$NS" none "$T/cgroup" || bail "cannot mount a cgroup v1 hierarchy"
	echo "$T/release-agent-of-the-test" >"$T/cgroup/release_agent"
	mkdir "$T/cgroup/$NS:$port"
	echo 1 >"$T/cgroup/$NS:$port/notify_on_release"
	bash -c 'echo $$ >"$1/cgroup.procs"' - "$T/cgroup/$NS:$port"
	wait_until 5 have_lines 1
	pid=$(lines_of $port | head -n 1 | jq .pid) tid=null ppid=null
	check "$what" '.name == "release-agent-of-the-test"' '.name_src == "exec"' \
		'.exe == $dir + "/release-agent-of-the-test"' \
		'.args == [$dir + "/release-agent-of-the-test", "/\($namespace):\($port)"]'
	rmdir "$T/cgroup/$NS:$port"
	umount "$T/cgroup"
	wait_until 10 hierarchy_is_gone || echo "the hierarchy $NS stays" | diag
else
	skip "$what" "$LACKS"
fi

# --- Bytes in names ----------------------------------------------------------------------------

# comm_case WHAT COMM CLAUSE...
comm_case() {
	local what=$1 comm=$2
	shift 2
	next
	run "$T/$long" comm ":$comm" report connect $port
	check "comm $what" "${exec_long[@]:0:3}" "$@"
}

comm_case "with )" 'a) R 1 (b' '.comm == "a) R 1 (b"'
comm_case "with a newline" $'new\nline' '.comm | test("^new.+line$"; "m")'
comm_case "with ESC" $'a\e[31mb' '.comm | test("^a.+\\[31mb$")'
comm_case "with half a UTF-8 sequence" $'half\xc3' '.comm | test("^half.+$")'
comm_case "with DEL" $'a\x7fb' '.comm | test("^a.+b$")'
comm_case "with C1" $'c\xc2\x9bd' '.comm | test("^c.+d$")'
comm_case "with a bidi control" $'r\xe2\x80\xaetl' '.comm | test("^r.+tl$")'
comm_case "that is empty" '' '.comm == ""'
comm_case "that is UTF-8" 'Grüße' '.comm == "Grüße"'
comm_case "with quotes and a backslash" 'q"u\o' '.comm | test("^q\"u\\\\+o$")'

evil=$'evil\n\e]0;title\a\x7f\xc3(\xe2\x80\xae\xc2\x9b31m-name'
program "$evil"
next
evil_port=$port
run "$T/$evil" option $'arg\e\xff' report connect $port
check "a file name that a terminal would obey" '.name_src == "exec"' \
	'.name | test("^evil.*\\]0;title.*-name$"; "m")' '.exe | startswith($dir + "/evil")' \
	'.args[2] | test("^arg.+")'

# --- Namespaces --------------------------------------------------------------------------------

next
mkdir "$T/private"
run unshare -m bash -c 'mount -t tmpfs none "$1/private" && cp "$2" "$1/private/in-a-namespace-of-its-own" &&
	exec "$1/private/in-a-namespace-of-its-own" report connect "$3"' - "$T" "$HELPER" $port
check "another mount namespace" '.name == "in-a-namespace-of-its-own"' '.name_src == "exec"' \
	'.exe == $dir + "/private/in-a-namespace-of-its-own"'

next
run unshare -p -f "$T/$long" report connect $port
check "another PID namespace" "${exec_long[@]}" '.pid > 1'

next
run unshare -p -f --mount-proc "$T/$long" connect $port
tid=null ppid=$started
wait_until 5 have_lines 1
pid=$(lines_of $port | head -n 1 | jq .pid)
check "another PID namespace with its own /proc" "${exec_long[@]}" '.pid > 1 and .pid == .tid'

# --- Dead before the tool looks ----------------------------------------------------------------

# The tool sleeps while it happens: procfs cannot help it then.
asleep() {
	kill -STOP "$main_tool"
	run "$@"
	local status=$?
	kill -CONT "$main_tool"
	return $status
}

next
asleep "$T/$long" report connect $port
check "dead before the tool looks" "${exec_long[@]}" '.args | length == 4'

next
asleep "$T/a-script-with-a-long-name.sh" $port
check "a script, dead before the tool looks" '.name == "a-script-with-a-long-name.sh"' \
	'.script == $dir + "/a-script-with-a-long-name.sh"'

next
program second-program-with-a-long-name
what="a process id that is used again"
if ! has set_tid; then
	skip "$what" "$LACKS"
else
	asleep "$HELPER" reuse "$T/$long" "$T/second-program-with-a-long-name" $port
	wait_until 5 have_lines 2
	names=$(lines_of $port | jq -c "select(.pid == $pid) | [.name, .name_src, .exe]")
	want=$(for name in "$long" second-program-with-a-long-name; do
		jq -nc --arg name "$name" --arg dir "$T" '[$name, "exec", $dir + "/" + $name]'
	done)
	[ "$names" = "$want" ]
	judge $? "$what" "pid $pid" "want $want" "got  $names"
fi

next
kill -STOP "$main_tool"
start "$HELPER" zombie exec "$T/$long" "$T/$long" connect $port
wait_until 10 grep -q '^pid=' "$T/case.out"
read_report
grep -q '^State:.Z' "/proc/$pid/status" || bail "process $pid is no zombie"
kill -CONT "$main_tool"
check "a zombie" "${exec_long[@]}"
kill "$started"
ends "$started"

# lives WHAT NAME_SRC ACTION...: twenty children that connect and end, each must be there.
lives() {
	local what=$1 source=$2 wanted got briefest
	shift 2
	next
	asleep "$T/$long" brief 20 "$@" connect $port
	wait_until 5 have_lines 20
	wanted=$(sed -nE 's/^pid=([0-9]+) ppid=([0-9]+) .*/\1 \2/p' "$T/case.out" |
		sed "s|\$| $long $source $T/$long|")
	got=$(lines_of $port | jq -r '"\(.pid) \(.ppid) \(.name) \(.name_src) \(.exe)"')
	briefest=$(sed -n 's/.*life_us=//p' "$T/case.out" | sort -n | head -n 1)
	if [ "$got" != "$wanted" ] || [ -z "$got" ]; then
		judge 1 "$what" "want" "$wanted" "got" "$got"
	elif [ "$briefest" -ge 1000 ]; then
		skip "$what" "too slow a machine: the briefest life was $briefest us"
	else
		ok 0 "$what"
	fi
}

lives "processes that live under 1 ms, by fork" fork
lives "processes that live under 1 ms, by exec" exec exec "$T/$long" "$T/$long"

# --- Running before the tool -------------------------------------------------------------------

# Read in the kernel; the command line, where it cannot be read there, in /proc when the tool starts.
iter='.name_src == "iter"'
has iterator_args || iter='.name_src | IN("iter", "cmdline", "exe")'
iter_long=('.name == $long' "$iter" '.exe == $dir + "/\($long)"' '.script == null')

release long
check "before the tool: a binary with 27 characters" "${iter_long[@]}" \
	'.comm == "my-very-long-se"' \
	'.args == [$dir + "/\($long)", "wait", $dir + "/long.fifo", "report", "connect", $port]'

release script
name=early-script-with-a-long-name.sh
check "before the tool: a script" '.name == $name' \
	"($iter) or .name_src == \"guess\"" '.exe == $bash' \
	'.script == $dir + "/\($name)"' '.comm == "early-script-wi"'

release plain
check "before the tool: bash SCRIPT" '.name == "early-plain-script.sh"' '.name_src == "guess"' \
	'.exe == $bash' '.script == $dir + "/early-plain-script.sh"' '.comm == "bash"'

if [ -n "${early_pid[busybox]:-}" ]; then
	release busybox
	check "before the tool: a busybox applet by its link" '.name == "wget"' \
		"$iter" '.exe == $busybox' '.script == null'
else
	skip "before the tool: a busybox applet by its link" "no busybox"
fi

release title
check "before the tool: a title in argv" '.name == "postgres-server-of-the-test"' \
	"$iter" '.exe == $dir + "/postgres-server-of-the-test"'

release title_comm
check "before the tool: a title in argv and in comm" \
	'.name == "postgres-server-of-the-test"' '.comm == "postgres: wal"' "$iter"

release joined
check "before the tool: argv joined with spaces" '.name == $chrome' "$iter" \
	'.exe == $dir + "/\($chrome)"'

release thread
check "before the tool: a named thread" "${iter_long[@]}" '.comm == "Socket Thread"' '.tid != .pid'

release leader_comm
check "before the tool: the leader has another comm" "${iter_long[@]}" '.comm == "GMainLoop"'

release leaderless
check "before the tool: the leader has ended" "${iter_long[@]}" '.comm == "worker"' '.tid != .pid'

release fork
check "before the tool: fork without exec" '.name == $long' '.name_src == "fork"' \
	'.exe == $dir + "/\($long)"' '.comm == "ThreadPoolForeg"'

kill -STOP "$main_tool"
release dies
kill -CONT "$main_tool"
check "before the tool: dies at its first event" "${iter_long[@]}"

release deleted
check "before the tool: an unlinked binary truly named (deleted)" \
	'.name == "early-gone (deleted)"' "$iter" \
	'.exe == $dir + "/early-gone (deleted) (deleted)"'

release argv0
check "before the tool: exec -a" "${iter_long[@]}" '.args[0] == "/opt/other"'

# --- What was printed as a whole ---------------------------------------------------------------

stop_tool "$main_tool" "SIGINT ends it with 0"
stop_tool "$table_tool" "SIGINT ends it with 0: table"

problems=$(jq -es 'length > 0' "$T/main.records" 2>&1 >/dev/null)
judge $? "all output is valid JSON" "$problems"

lost=$(jq -c 'select(.type == "lost")' "$T/main.records")
[ -z "$lost" ]
judge $? "nothing was lost" "$lost"

# In JSON as in a table nothing of what a terminal obeys: C0, DEL, C1, bidi controls, invalid UTF-8.
for stream in main table; do
	raw=$(LC_ALL=C grep -anP '[\x01-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]' \
		"$T/$stream.records" | cat -v)
	[ -z "$raw" ] && iconv -f UTF-8 -t UTF-8 "$T/$stream.records" >/dev/null 2>&1 &&
		grep -q "$evil_port" "$T/$stream.records"
	judge $? "nothing that a terminal obeys: $stream" "$raw"
done

records=$(grep -c '"type": *"connect"' "$T/main.records")
lines=$(wc -l <"$T/table.records")
[ "$lines" = $((records + 1)) ]
judge $? "a table has one line for each record" "$records records and a header, $lines lines"

# --- /proc that shows nothing ------------------------------------------------------------------

stream=hidden
start_tool hidden unshare -m bash -c 'mount -t proc -o hidepid=2 proc /proc && exec "$@"' - -- -j
hidden_tool=$started
port=21200

next
run "$T/$long" report connect $port
check "hidepid=2" "${exec_long[@]}" '.args | length == 4'

next
run "$T/env-script-with-a-long-name.sh" $port
check "hidepid=2: a script" '.name == "env-script-with-a-long-name.sh"' "$by_env"

release hidden
check "hidepid=2: before the tool" "${iter_long[@]}" '.args | length == 6'
stop_tool "$hidden_tool" "SIGINT ends it with 0: hidepid=2"

# --- The summary -------------------------------------------------------------------------------

stream=stats
start_tool stats -- -j --stats
stats_tool=$started
port=21220
for i in 1 2 3; do
	next
	run "$T/$long" report connect $port
	next
	run "$T/$long" thread ThreadPoolForeg fork report connect $port
	next
	run bash "$T/plain-script-with-a-long-name" $port
done
wait_until 5 have_lines 1
stop_tool "$stats_tool" "SIGINT ends it with 0: --stats"
records=$(grep -c '"type": *"connect"' "$T/stats.records")
[ "$records" = 9 ]
judge $? "nine connects in nine cases" "$(cat "$T/stats.records")"

names=$(grep '^names:' "$T/stats.messages")
look_ups='[^0-9]0 procfs look-ups'
has iterator_args || look_ups='[^0-9]9 without procfs, 0 with procfs' # what was looked up ran before
like "$names" "$look_ups" "--stats: processes that began after the tool need no procfs"
like "$names" 'exec 3 fork 3 guess 3' "--stats: names by source"

e2e_end
