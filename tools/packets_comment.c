/* SPDX-License-Identifier: GPL-2.0-only */
/* Whose a packet is, as a comment in a file, and back. */
#include <string.h>

#include "lib/text.h"
#include "tools/packets_lines.h"

static const char *const words[PACKET_OWNER_KINDS] = {
	[PACKET_OWNER_KERNEL] = "kernel",
	[PACKET_OWNER_FORWARDED] = "forwarded",
};

static bool is_known(const struct packet_process *process)
{
	return process->id.tgid != 0;
}

static void append_process(struct buffer *buffer, const struct packet_process *process)
{
	const char *name = process->names.name ? process->names.name : process->id.comm;

	buffer_append_string(buffer, "pid ");
	buffer_append_uint(buffer, process->id.tgid);
	buffer_append_char(buffer, ' ');
	text_append(buffer, name, strlen(name));
}

/* " from netns 4026532301 pid 123 curl" */
static void append_forwarded(struct buffer *buffer, const char *how,
			     const struct packet_process *process)
{
	if (!is_known(process))
		return;
	buffer_append_string(buffer, how);
	buffer_append_string(buffer, "netns ");
	buffer_append_uint(buffer, process->netns);
	buffer_append_char(buffer, ' ');
	append_process(buffer, process);
}

void packet_comment(struct buffer *buffer, const struct packet_owner *owner)
{
	const char *word = words[owner->kind];

	if (owner->kind == PACKET_OWNER_FORWARDED) {
		buffer_append_string(buffer, word);
		append_forwarded(buffer, owner->gets ? " to " : " from ", &owner->local);
		append_forwarded(buffer, " to ", &owner->peer);
		return;
	}
	if (is_known(&owner->local))
		append_process(buffer, &owner->local);
	else
		buffer_append_string(buffer, word ? word : is_known(&owner->peer) ? "?" : "");
	if (!is_known(&owner->peer))
		return;
	buffer_append_string(buffer, " > ");
	append_process(buffer, &owner->peer);
}

/* What is left of a comment. */
struct rest {
	const char *text;
	size_t length;
};

static bool skip(struct rest *rest, const char *text, size_t length)
{
	if (rest->length < length || memcmp(rest->text, text, length) != 0)
		return false;
	rest->text += length;
	rest->length -= length;
	return true;
}

static bool skip_word(struct rest *rest, const char *word)
{
	return skip(rest, word, strlen(word));
}

/* A number and the space behind it. */
static bool take_number(struct rest *rest, uint32_t *ret_number)
{
	uint64_t number = 0;
	size_t i = 0;

	for (; i < rest->length && rest->text[i] >= '0' && rest->text[i] <= '9'; i++) {
		number = number * 10 + (uint64_t)(rest->text[i] - '0');
		if (number > UINT32_MAX)
			return false;
	}
	if (!i || i == rest->length || rest->text[i] != ' ')
		return false;
	rest->text += i + 1;
	rest->length -= i + 1;
	*ret_number = (uint32_t)number;
	return true;
}

/* "pid 77 nginx", up to the end. */
static bool take_peer(struct rest rest, char *name, size_t size, struct packet_process *ret_peer)
{
	uint32_t pid;

	if (!skip_word(&rest, "pid ") || !take_number(&rest, &pid) || !pid || rest.length >= size)
		return false;
	memcpy(name, rest.text, rest.length);
	name[rest.length] = '\0';
	ret_peer->id.tgid = pid;
	ret_peer->names.name = name;
	return true;
}

/* "pid 123 curl", which is known otherwise. */
static bool skip_process(struct rest *rest, const struct packet_process *process)
{
	struct buffer own = {};
	bool found;

	append_process(&own, process);
	found = !own.failed && skip(rest, own.data, own.length);
	buffer_release(&own);
	return found;
}

static bool parse_forwarded(struct rest rest, char *name, size_t size, struct packet_owner *owner)
{
	uint32_t netns, peer_netns = 0;
	bool gets;

	if (!is_known(&owner->local)) {
		if (rest.length)
			return false;
		owner->kind = PACKET_OWNER_FORWARDED;
		return true;
	}
	gets = skip_word(&rest, " to netns ");
	if ((!gets && !skip_word(&rest, " from netns ")) || !take_number(&rest, &netns) ||
	    !skip_process(&rest, &owner->local))
		return false;
	if (rest.length &&
	    (gets || !skip_word(&rest, " to netns ") || !take_number(&rest, &peer_netns) ||
	     !take_peer(rest, name, size, &owner->peer)))
		return false;
	owner->local.netns = netns;
	owner->peer.netns = peer_netns;
	owner->gets = gets;
	owner->kind = PACKET_OWNER_FORWARDED;
	return true;
}

/* What is in a process's place. */
static bool skip_kind(struct rest *rest, const struct packet_owner *owner, uint8_t *ret_kind)
{
	if (is_known(&owner->local)) {
		*ret_kind = PACKET_OWNER_PROCESS;
		return skip_process(rest, &owner->local);
	}
	if (skip_word(rest, words[PACKET_OWNER_KERNEL])) {
		*ret_kind = PACKET_OWNER_KERNEL;
		return true;
	}
	*ret_kind = PACKET_OWNER_UNKNOWN;
	return !rest->length || (skip_word(rest, "?") && rest->length);
}

bool packet_comment_parse(const char *comment, size_t length, char *name, size_t size,
			  struct packet_owner *owner)
{
	struct rest rest = {comment, length};
	uint8_t kind;

	if (skip_word(&rest, words[PACKET_OWNER_FORWARDED]))
		return parse_forwarded(rest, name, size, owner);
	if (!skip_kind(&rest, owner, &kind))
		return false;
	if (rest.length && (!skip_word(&rest, " > ") || !take_peer(rest, name, size, &owner->peer)))
		return false;
	owner->kind = kind;
	return true;
}
