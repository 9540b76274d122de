/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel offers to see connections with, and which of it is taken. */
#ifndef CONNECTION_FEATURES_H
#define CONNECTION_FEATURES_H

#include "lib/environment.h"
#include "lib/features.h"
#include "lib/options.h"

enum connection_feature {
	FEATURE_EXIT_ACCEPT,
	FEATURE_PROBE_ACCEPT,
	FEATURE_TOUCH_ACCEPT,
	FEATURE_EXIT_CONNECT,
	FEATURE_ROUTES_IPV4,
	FEATURE_ROUTES_IPV6,
	FEATURE_DATAGRAMS,
	FEATURE_EXIT_DATAGRAMS,
	FEATURE_EXIT_PACKETS,
	FEATURE_EXIT_RECEIVE,
	FEATURE_ARRIVALS,
	FEATURE_COPIES,
	FEATURE_COOKIES,
	FEATURE_SOCKET_FILES,
	FEATURE_ARGS,
	FEATURE_CAST,
	FEATURE_STAND_IN,
	CONNECTION_FEATURES,
};

struct connection_features {
	struct feature features[CONNECTION_FEATURES]; /* by enum connection_feature */
	bool has_sendpage;			      /* inet_sendpage(), if EXIT_ACCEPT */
	bool must_preallocate;		/* maps of kprobes: before 6.1 the kernel warns of others */
	unsigned int accept_parameters; /* of inet_csk_accept(), if EXIT_ACCEPT */
};

/* Asks the kernel's types, and tries the hooks on functions. FEATURE_ARGS is taken for granted:
 * only loading tells. Returns 0, or a negative errno with an error if @backend cannot be had. */
int connection_features_detect(struct environment *environment, enum backend backend,
			       struct connection_features *ret_features, struct error *error);

/* Without asking, for -l: whatever a new kernel has, and no hook. */
void connection_features_assume(struct connection_features *ret_features);

static inline bool connection_uses(const struct connection_features *features,
				   enum connection_feature feature)
{
	return features->features[feature].used;
}

/* Can what is sent and received on datagram sockets be seen? */
static inline bool connection_sees_datagrams(const struct connection_features *features)
{
	return connection_uses(features, FEATURE_DATAGRAMS) ||
	       connection_uses(features, FEATURE_EXIT_DATAGRAMS);
}

#endif
