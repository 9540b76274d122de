// SPDX-License-Identifier: GPL-2.0-only
/* All of it by io_uring. */
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include "tests/generator/address.h"
#include "tests/generator/datagram.h"
#include "tests/generator/datagram_ledger.h"
#include "tests/generator/datagram_socket.h"
#include "tests/generator/die.h"
#include "tests/generator/ring.h"

static void uring(const struct run *run, bool polled)
{
	const struct run how = {run->mode, run->ledger, run->proto, .any_thread = polled};
	int server = bound(run), client = open_socket(run);
	struct address to = address_local(server), from = ADDRESS_UNKNOWN;
	struct iovec part = {payload(), 321};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_name = &to.any,
				 .msg_namelen = to.length};
	struct ring ring;

	ring_open(&ring, polled);
	sent(&how, client, &to,
	     ring_do(&ring, &(struct io_uring_sqe){.opcode = IORING_OP_SENDMSG,
						   .fd = client,
						   .addr = (uintptr_t)&message}),
	     321);
	part.iov_len = 1000;
	message.msg_name = &from.any;
	message.msg_namelen = from.length;
	if (ring_do(&ring, &(struct io_uring_sqe){.opcode = IORING_OP_RECVMSG,
						  .fd = server,
						  .addr = (uintptr_t)&message}) != 321)
		die("received less");
	note(&how, server, &from, true, 321, 1);
	ring_do(&ring, &(struct io_uring_sqe){.opcode = IORING_OP_CONNECT,
					      .fd = client,
					      .addr = (uintptr_t)&to.any,
					      .off = to.length});
	sent(&how, client, &to,
	     ring_do(&ring, &(struct io_uring_sqe){.opcode = IORING_OP_SEND,
						   .fd = client,
						   .addr = (uintptr_t)payload(),
						   .len = 55}),
	     55);
	received(&how, server, client,
		 ring_do(&ring, &(struct io_uring_sqe){.opcode = IORING_OP_RECV,
						       .fd = server,
						       .addr = (uintptr_t)payload(),
						       .len = 1000}));
	close(ring.fd);
}

static void scenario_uring(const struct run *run)
{
	uring(run, false);
}

static void scenario_sqpoll(const struct run *run)
{
	uring(run, true);
}

const struct scenario datagram_uring[] = {
	{"uring", scenario_uring},
	{"sqpoll", scenario_sqpoll},
	{},
};
