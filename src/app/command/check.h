/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks for common problems of a machine. Each check examines one thing, changes nothing, and suggests a command that repairs
 * what it finds.
 */
#pragma once

#include "base/addr.h"

#include <glib.h>
#include <stdbool.h>

enum finding {
	FINDING_GOOD,
	FINDING_HINT,    /* works, but not for everything or not as well as possible */
	FINDING_PROBLEM, /* does not work */
};

/* The result of a check. Strings to g_free(). */
struct diagnosis {
	enum finding finding;
	char *text;
	char *repair; /* the command that repairs it; NULL: there is none */
};

void diagnosis_done(struct diagnosis *d);

/* What the checks know about the network. */
struct check_context {
	struct prefix4 subnet;
	/* NULL: no other DHCP server was heard. */
	const char *foreign_dhcp_server;
	const char *ipv6_prefix; /* of the network; NULL: IPv6 is off */
	/* Two ports that use one MAC or address; NULL: there are none. */
	const char *conflict;
};

struct check {
	const char *name;
	bool needs_network; /* examines a running network; others examine the machine */
	void (*run)(const struct check_context *p, struct diagnosis *ret);
};

/* NULL behind the last one. */
const struct check *check_at(size_t index);
