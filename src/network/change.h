/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes of a network that runs.  None of them touches a flow, and each either happens whole or not at all.  By the thread that
 * dispatches the network.
 */
#pragma once

#include "base/addr.h"
#include "base/log.h"

#include <stdbool.h>
#include <stddef.h>

struct lanlet_config;
struct lanlet_network;

/* The network is being made: its settings become what was configured and what was added to that earlier.  Negative errno. */
int change_begin(struct lanlet_network *n);

/*
 * Adds a reservation, "MAC,ADDRESS[,NAME]", or a name, "NAME,ADDRESS", and keeps it over restarts.  One of the same MAC (name)
 * that was added in this way is replaced.  -EINVAL: the text is none; -EEXIST: it contradicts what is there; or the errno of what
 * failed.  @error has one line about it.
 */
int change_add_reservation(struct lanlet_network *n, const char *text, char *error, size_t size);
int change_add_name(struct lanlet_network *n, const char *text, char *error, size_t size);
/* Takes back what was added.  -ENOENT; -EPERM: it stands in the configuration, and only there it can be taken out. */
int change_remove_reservation(struct lanlet_network *n, struct mac mac, char *error, size_t size);
int change_remove_name(struct lanlet_network *n, const char *name, char *error, size_t size);

void change_log_level(struct lanlet_network *n, enum log_level level);

/* What a reload did with an option. */
enum change {
	CHANGE_NONE,    /* it is as before */
	CHANGE_DONE,    /* it is in effect */
	CHANGE_RESTART, /* it is another, and would need a restart: the old value stays in effect */
};

#define CHANGE_OPTIONS_MAX 64u

struct change_report {
	struct {
		const char *option; /* static */
		enum change change;
	} options[CHANGE_OPTIONS_MAX];
	unsigned n;
};

/*
 * Applies the options of @config to the running network, as far as a reload can.  -EINVAL: they contradict one another or what was added
 * at run time; or the errno of a forward that cannot be opened.  @error then has one line about it, and nothing is changed.
 */
int change_reload(struct lanlet_network *n, const struct lanlet_config *config, struct change_report *ret, char *error, size_t size);
