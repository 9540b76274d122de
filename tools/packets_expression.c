/* SPDX-License-Identifier: GPL-2.0-only */
#include "tools/packets_expression.h"

#include <pcap/pcap.h>
#include <string.h>

#include "lib/packet.h"

#define PROGRAMS_MAX 16 /* link types; a packet of one more is compiled for each time anew */
#define SNAPLEN	     262144

struct program {
	struct bpf_program code;
	uint16_t link_type;
	bool matches; /* else: no packet of that link type */
};

struct expression {
	char *text;
	struct program programs[PROGRAMS_MAX];
	size_t n;
};

/* The number of a link type in files is nearly always that in libpcap's interface. */
static int dlt_of(uint16_t link_type)
{
	return link_type == PACKET_LINK_RAW ? DLT_RAW : link_type;
}

static int compile(const char *text, uint16_t link_type, struct program *ret_program,
		   struct error *error)
{
	struct bpf_program code = {};
	pcap_t *dead = pcap_open_dead(dlt_of(link_type), SNAPLEN);
	int r = 0;

	if (!dead)
		return -ENOMEM;
	if (pcap_compile(dead, &code, text, 1, PCAP_NETMASK_UNKNOWN) < 0)
		r = error_set(error, -EINVAL, "%s", pcap_geterr(dead));
	pcap_close(dead);
	*ret_program = (struct program){code, link_type, r == 0};
	return r;
}

int expression_new(const char *text, struct expression **ret_expression, struct error *error)
{
	struct expression *expression = calloc(1, sizeof(*expression));
	int r = -ENOMEM;

	if (expression)
		expression->text = strdup(text);
	if (expression && expression->text)
		r = compile(text, PACKET_LINK_ETHERNET, &expression->programs[0], error);
	if (r < 0) {
		expression_free(expression);
		return r;
	}
	expression->n = 1;
	*ret_expression = expression;
	return 0;
}

void expression_free(struct expression *expression)
{
	if (!expression)
		return;
	for (size_t i = 0; i < expression->n; i++)
		if (expression->programs[i].matches)
			pcap_freecode(&expression->programs[i].code);
	free(expression->text);
	free(expression);
}

static const struct program *program_for(struct expression *expression, uint16_t link_type)
{
	struct program *last = &expression->programs[PROGRAMS_MAX - 1];

	for (size_t i = 0; i < expression->n; i++)
		if (expression->programs[i].link_type == link_type)
			return &expression->programs[i];
	if (expression->n < PROGRAMS_MAX)
		last = &expression->programs[expression->n++];
	else if (last->matches)
		pcap_freecode(&last->code);
	compile(expression->text, link_type, last, NULL);
	return last;
}

bool expression_matches(struct expression *expression, uint16_t link_type, const void *data,
			size_t captured, size_t length)
{
	const struct pcap_pkthdr header = {.caplen = (bpf_u_int32)captured,
					   .len = (bpf_u_int32)length};
	const struct program *program;

	if (!expression)
		return true;
	program = program_for(expression, link_type);
	return program->matches && pcap_offline_filter(&program->code, &header, data);
}
