/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest as people name it: by its name, its MAC or its address.  Whom that means is for the network to say, each time. */
#pragma once

#include "base/addr.h"
#include "service/guest_name.h"

#include <stdbool.h>

enum guest_ref_kind {
	GUEST_REF_NAME,
	GUEST_REF_MAC,
	GUEST_REF_ADDRESS,
};

/* Members that are not of its kind are zero. */
struct guest_ref {
	enum guest_ref_kind kind;
	char name[GUEST_NAME_SIZE]; /* one label, lower case */
	struct mac mac;
	ip4_t ip;
};

/* A guest as text, and NUL. */
#define GUEST_REF_TEXT_SIZE GUEST_NAME_SIZE

/* -EINVAL: it is neither. */
int guest_ref_parse(const char *text, struct guest_ref *ret);
/*
 * The same for one of a network, which may be called by its whole name, in @domain or in the domain "lanlet", as ssh and others want
 * to tell such names from those of the world.
 */
int guest_ref_parse_in(const char *text, const char *domain, struct guest_ref *ret);
/* In one way only, so that equal ones are equal texts. */
const char *guest_ref_format(const struct guest_ref *g, char ret[static GUEST_REF_TEXT_SIZE]);
bool guest_ref_is_equal(const struct guest_ref *a, const struct guest_ref *b);
