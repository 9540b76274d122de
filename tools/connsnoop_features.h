/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel offers connsnoop, and which of its hooks are taken. */
#ifndef CONNSNOOP_FEATURES_H
#define CONNSNOOP_FEATURES_H

#include "lib/environment.h"
#include "lib/features.h"
#include "lib/options.h"

enum connsnoop_feature {
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
	CONNSNOOP_FEATURES,
};

struct connsnoop_features {
	struct feature features[CONNSNOOP_FEATURES]; /* by enum connsnoop_feature */
	bool has_sendpage;			     /* inet_sendpage(), if EXIT_ACCEPT */
	unsigned int accept_parameters;		     /* of inet_csk_accept(), if EXIT_ACCEPT */
};

/* Asks the kernel's types, and tries the hooks on functions. FEATURE_ARGS is taken for granted:
 * only loading tells. Returns 0, or a negative errno with an error if @backend cannot be had. */
int connsnoop_features_detect(struct environment *environment, enum backend backend,
			      struct connsnoop_features *ret_features, struct error *error);

/* Without asking, for -l: whatever a new kernel has, and no hook. */
void connsnoop_features_assume(struct connsnoop_features *ret_features);

static inline bool connsnoop_uses(const struct connsnoop_features *features,
				  enum connsnoop_feature feature)
{
	return features->features[feature].used;
}

/* Can what is sent and received on datagram sockets be seen? */
static inline bool connsnoop_sees_datagrams(const struct connsnoop_features *features)
{
	return connsnoop_uses(features, FEATURE_DATAGRAMS) ||
	       connsnoop_uses(features, FEATURE_EXIT_DATAGRAMS);
}

#endif
