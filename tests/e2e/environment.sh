#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What connsnoop needs around it: privileges, the kernel's types, namespaces of a container. What
# would change the whole machine is left to virtual machines ($KERNEL says that this is one).

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2016,SC2317
. "$(dirname "$0")/lib.sh"
e2e_begin
cp "$TOOL" "$T/connsnoop" || bail "cannot copy the tool" # to where everybody may reach it
TOOL=$T/connsnoop

# program NAME LINE...: a shell script in $T
program() {
	printf '%s\n' '#!/bin/bash' "${@:2}" >"$T/$1"
	chmod 755 "$T/$1"
}

# unprivileged CAPABILITY...: $T/unprivileged becomes the tool as nobody, with these alone
unprivileged() {
	local list=-all capability
	for capability in "$@"; do
		list+=,+$capability
	done
	program unprivileged "exec setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs \\
		--bounding-set=$list --inh-caps=$list --ambient-caps=$list $T/connsnoop \"\$@\""
}

# refused TEXT REGEX OPTION...: status 1, one line on stderr that says why, nothing on stdout
refused() {
	local text=$1 regex=$2
	shift 2
	tool_run "$@"
	is "$TOOL_STATUS $(wc -l <"$T/err") $(wc -c <"$T/out")" "1 1 0" "$text: status 1, one line" ||
		diag <"$T/err"
	like "$(cat "$T/err")" "$regex" "$text: says what is missing"
}

# traces TEXT OPTION...: everything of a prefork server and its clients
traces() {
	seen
	if tool_start --netns "/run/netns/$NS" "${@:2}"; then
		scenario "$1: everything" -4 prefork
		scenario "$1: everything, IPv6" -6 connect
		tool_wait INT
		is "$TOOL_STATUS $(grep -cvx ready "$T/err")" "0 0" "$1: ends with 0, no complaint" ||
			diag <"$T/err"
	else
		tool_wait
		ok 1 "$1: starts"
	fi
}

# ---- privileges ----

TOOL=$T/unprivileged
unprivileged
refused "no capability" 'CAP_BPF.*CAP_PERFMON.*CAP_NET_ADMIN' -j
refused "no capability, -l" 'CAP_BPF.*CAP_PERFMON.*CAP_NET_ADMIN' -l
unprivileged bpf perfmon
refused "CAP_BPF and CAP_PERFMON alone" 'CAP_NET_ADMIN missing' -j
unprivileged bpf net_admin
refused "CAP_BPF and CAP_NET_ADMIN alone" 'CAP_PERFMON missing' -j
unprivileged perfmon net_admin
refused "CAP_PERFMON and CAP_NET_ADMIN alone" 'CAP_BPF missing' -j

# Before 5.11 the memory of maps counts as locked memory, of which nobody has much; going beyond
# takes CAP_SYS_RESOURCE, or a higher limit.
enough=(bpf perfmon net_admin)
has memory_by_cgroup || enough+=(sys_resource)
unprivileged "${enough[@]}"
traces "nobody with ${enough[*]^^}"
unprivileged "${enough[@]}" sys_ptrace
traces "nobody with ${enough[*]^^} SYS_PTRACE"
TOOL=$T/connsnoop

# ---- the kernel's types ----

cat >"$T/untyped" <<'END'
#!/bin/bash
exec unshare -m sh -c 'mount -t tmpfs none /sys/kernel/btf && exec "$0" "$@"' "${0%/*}/connsnoop" "$@"
END
chmod 755 "$T/untyped"
TOOL=$T/untyped
refused "no BTF" '/sys/kernel/btf/vmlinux.*CONFIG_DEBUG_INFO_BTF' -j
TOOL=$T/connsnoop

# ---- namespaces ----

program contained "exec unshare -m -u -i -C $T/connsnoop \"\$@\""
TOOL=$T/contained
traces "mount, UTS, IPC and cgroup namespaces of its own"
program contained "exec unshare -m -p -u -i -C --fork --kill-child --mount-proc $T/connsnoop \"\$@\""
traces_in_pid_namespace() {
	seen
	tool_start --netns "/run/netns/$NS"
	ok $? "a PID namespace of its own, too: starts"
	scenario "a PID namespace of its own, too: everything" -4 prefork
	kill -INT "$(tr -d ' ' <"/proc/$TOOL_PID/task/$TOOL_PID/children")" # what unshare has forked
	tool_wait
	is "$TOOL_STATUS" 0 "a PID namespace of its own, too: ends with 0" || diag <"$T/err"
}
traces_in_pid_namespace
for contained in connsnoop flowattr proctop; do
	timeout 60 unshare -p --fork --kill-child --mount-proc "$BUILD/$contained" -- true >"$T/out" 2>"$T/err"
	is "$? $(grep -c -- '--pid=host' "$T/err")" "1 1" "$contained in a PID namespace of its own, a COMMAND: refused" ||
		diag <"$T/err"
done
timeout 60 unshare -p --fork --kill-child --mount-proc "$BUILD/connsnoop" -p 1 -d 1 >"$T/out" 2>"$T/err"
is "$? $(grep -c -- '--pid=host' "$T/err")" "1 1" "a PID namespace of its own, -p: refused"
TOOL=$T/connsnoop

# ---- who else may use BPF ----

if [ -n "${KERNEL:-}" ]; then
	for value in 2 0 1; do # 1 is for good
		sysctl -qw kernel.unprivileged_bpf_disabled=$value
		is "$(sysctl -n kernel.unprivileged_bpf_disabled)" $value "unprivileged_bpf_disabled can be $value"
		traces "unprivileged_bpf_disabled=$value"
	done
else
	skip "unprivileged_bpf_disabled" "it is this machine's, for good"
fi

# ---- where functions cannot be traced, but probed ----

if has probe_accept; then
	BACKEND=kprobe traces "--backend kprobe" --proto tcp
else
	skip "--backend kprobe" "$LACKS"
fi

e2e_end
