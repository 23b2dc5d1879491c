/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What commonly goes wrong on a machine where guests shall have a network.  Each check looks at one thing, changes nothing, and for what it
 * finds wrong has the line that repairs it.
 */
#pragma once

#include "base/addr.h"

#include <glib.h>
#include <stdbool.h>

enum finding {
	FINDING_GOOD,
	FINDING_HINT,    /* it works, but not as well as it could, or not for everything */
	FINDING_PROBLEM, /* something does not work */
};

/* What one check says.  Strings to g_free(). */
struct diagnosis {
	enum finding finding;
	char *text;
	char *repair; /* NULL: nothing is to be done, or nobody can */
};

void diagnosis_done(struct diagnosis *d);

/* What the checks are told of the network that is asked about. */
struct patient {
	struct prefix4 subnet;
	/* Of a running network; NULL: it does not run, or there is none. */
	const char *foreign_dhcp_server;
};

struct check {
	const char *name;
	void (*look)(const struct patient *p, struct diagnosis *ret);
};

/* NULL behind the last one. */
const struct check *check_at(size_t index);
