// SPDX-License-Identifier: GPL-2.0-only
/* Connections made by other calls than connect() and accept(). */
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/generator/address.h"
#include "tests/generator/die.h"
#include "tests/generator/process.h"
#include "tests/generator/ring.h"
#include "tests/generator/traffic.h"
#include "tests/generator/traffic_connection.h"
#include "tests/generator/traffic_duo.h"
#include "tests/generator/traffic_expect.h"
#include "tests/generator/traffic_socket.h"

static char ring_data[200];

static void ring_move(struct ring *ring, struct connection *connection, uint8_t opcode, size_t n)
{
	uint64_t *count = opcode == IORING_OP_SEND ? &connection->tx : &connection->rx;

	while (n > 0) {
		int moved = ring_do(ring, &(struct io_uring_sqe){.opcode = opcode,
								 .fd = connection->fd,
								 .addr = (uintptr_t)ring_data,
								 .len = (uint32_t)n});

		if (!moved)
			die("an early end");
		*count += (uint64_t)moved;
		n -= (size_t)moved;
	}
}

static void client_by_ring(const struct duo *duo)
{
	int fd = new_socket(duo->run, 0);
	struct connection connection;
	struct ring ring;

	ring_open(&ring, false);
	ring_do(&ring, &(struct io_uring_sqe){.opcode = IORING_OP_CONNECT,
					      .fd = fd,
					      .addr = (uintptr_t)&duo->server.any,
					      .off = duo->server.length});
	connection = connected(fd, &duo->server);
	ring_move(&ring, &connection, IORING_OP_SEND, duo->tx);
	ring_move(&ring, &connection, IORING_OP_RECV, duo->rx);
	close_as(&connection, "local");
}

static void serve_by_ring(const struct duo *duo)
{
	struct connection connection = {};
	struct who who = who_self();
	struct ring ring;

	ring_open(&ring, false);
	connection.fd = ring_do(&ring, &(struct io_uring_sqe){.opcode = IORING_OP_ACCEPT,
							      .fd = duo->listener});
	connection.ends = ends_of(connection.fd, NULL);
	expect("accept", &who, &connection.ends, "\"listener_pid\":%d", duo->listener_pid);
	ring_move(&ring, &connection, IORING_OP_RECV, duo->tx);
	ring_move(&ring, &connection, IORING_OP_SEND, duo->rx);
	recv_end(&connection, 0);
	close_as(&connection, "remote");
	close(ring.fd);
}

static void scenario_uring(const struct run *run)
{
	duo_run(run, client_by_ring, serve_by_ring);
}

/* TCP Fast Open: the connect happens within sendto(). */
static void client_fast_open(const struct duo *duo)
{
	int fd = new_socket(duo->run, 0);
	struct connection connection;

	if (sendto(fd, "fast", 4, MSG_FASTOPEN, &duo->server.any, duo->server.length) != 4)
		die("sendto");
	connection = connected(fd, &duo->server);
	connection.tx = 4;
	recv_bytes(&connection, duo->rx);
	close_as(&connection, "local");
}

static void scenario_fast_open(const struct run *run)
{
	duo_run_sized(run, client_fast_open, serve_and_close_second, 0, 4, 200);
}

/* Sends data with its SYN, and what completes the handshake only when the server has shut down. */
static void client_completes_late(const struct duo *duo)
{
	int fd = new_socket(duo->run, 0);
	struct connection connection;

	gate_wait(duo->gate);
	set_option(fd, IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 1);
	if (sendto(fd, "fast", 4, MSG_FASTOPEN, &duo->server.any, duo->server.length) != 4)
		die("sendto");
	connection = connected(fd, &duo->server);
	connection.tx = 4;
	recv_bytes(&connection, duo->rx);
	gate_wait(duo->gate);
	send_bytes(&connection, 10);
	recv_end(&connection, 0);
	close_as(&connection, "remote");
}

/* Of what comes, only SYNs are let through until the server has answered and shut down: from 6.9 on
 * its FIN is sent when the next packet comes, in the context of whoever sends that. */
static void serve_before_established(const struct duo *duo)
{
	struct sock_filter only_syns[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x02, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog filter = {.len = 4, .filter = only_syns};
	struct connection connection;

	set_option(duo->listener, IPPROTO_TCP, TCP_FASTOPEN, 5);
	set_option(duo->listener, IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 1);
	if (setsockopt(duo->listener, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)))
		die("SO_ATTACH_FILTER");
	gate_open(duo->gate);
	connection = duo_accept(duo);
	recv_bytes(&connection, duo->tx);
	send_bytes(&connection, duo->rx);
	if (shutdown(connection.fd, SHUT_WR))
		die("shutdown");
	set_option(connection.fd, SOL_SOCKET, SO_DETACH_FILTER, 0);
	gate_open(duo->gate);
	recv_bytes(&connection, 10);
	recv_end(&connection, 0);
	close_as(&connection, "local");
}

static void scenario_early_shutdown(const struct run *run)
{
	duo_run_sized(run, client_completes_late, serve_before_established, 0, 4, 200);
}

const struct scenario traffic_calls[] = {
	{"early-shutdown", scenario_early_shutdown},
	{"fast-open", scenario_fast_open},
	{"uring", scenario_uring},
	{},
};
