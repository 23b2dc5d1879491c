/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes of a running network.  No change touches a flow, and each happens completely or not at all.  Called on the thread that dispatches
 * the network.
 */
#pragma once

#include "base/addr.h"
#include "base/log.h"

#include <stdbool.h>
#include <stddef.h>

struct lanlet_config;
struct lanlet_network;
struct reservation;

/* When the network is made: works out its settings from the configuration and the entries added at run time.  Negative errno. */
int change_begin(struct lanlet_network *n);

/*
 * Adds a reservation (static lease), which is a value of the option host or dhcp-host, or a name, "NAME,ADDRESS", which outlives restarts.
 * It replaces an added one with the same MAC, client or name.  -EINVAL: the text is invalid; -EEXIST: it contradicts another entry or the
 * configuration; or the errno of what failed.  @error has one line about it.
 */
int change_add_reservation(struct lanlet_network *n, const char *text, char *error, size_t size);
int change_add_name(struct lanlet_network *n, const char *text, char *error, size_t size);
/* Removes what was added.  -ENOENT; -EPERM: it comes from the configuration and has to be removed there. */
int change_remove_reservation(struct lanlet_network *n, struct mac mac, char *error, size_t size);
/* The one for the same client as @client, by its id or name. */
int change_remove_client_reservation(struct lanlet_network *n, const struct reservation *client, char *error, size_t size);
int change_remove_name(struct lanlet_network *n, const char *name, char *error, size_t size);

void change_log_level(struct lanlet_network *n, enum log_level level);

/* What a reload does with an option. */
enum change {
	CHANGE_NONE,    /* its value is the same */
	CHANGE_DONE,    /* its new value is in effect */
	CHANGE_RESTART, /* its new value needs a restart; the old one stays in effect */
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
