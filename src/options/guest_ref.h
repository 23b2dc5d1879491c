/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A reference to a guest: its name, its MAC or its address.  The network looks the guest up each time, because names and addresses move. */
#pragma once

#include "base/addr.h"
#include "service/guest_name.h"

#include <stdbool.h>

enum guest_ref_kind {
	GUEST_REF_NAME,
	GUEST_REF_MAC,
	GUEST_REF_ADDRESS,
};

/* Members that its kind does not use are zero. */
struct guest_ref {
	enum guest_ref_kind kind;
	char name[GUEST_NAME_SIZE]; /* one label, lower case */
	struct mac mac;
	struct ip_addr ip;
};

/* Any reference as text, with its NUL. */
#define GUEST_REF_TEXT_SIZE GUEST_NAME_SIZE

/* -EINVAL: @text is not a valid name, MAC or address. */
int guest_ref_parse(const char *text, struct guest_ref *ret);
/*
 * The same; a name may also be given with @domain or with the domain "lanlet", by which ssh and other programs tell guests from hosts on
 * the internet.
 */
int guest_ref_parse_in(const char *text, const char *domain, struct guest_ref *ret);
/* Canonical: equal references are equal texts. */
const char *guest_ref_format(const struct guest_ref *g, char ret[static GUEST_REF_TEXT_SIZE]);
bool guest_ref_is_equal(const struct guest_ref *a, const struct guest_ref *b);
