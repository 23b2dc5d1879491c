/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Domain names (RFC 1035 §3.1, §4.1.4) as values: wire form without compression, in the case they came in.
 * A name always ends with the root's empty label.  Parsing follows compression pointers strictly
 * backwards, so that every name ends.
 */
#pragma once

#include "base/bytes.h"

#define DNS_NAME_MAX 255 /* bytes on the wire, the root's length byte included (RFC 1035 §2.3.4) */
#define DNS_LABEL_MAX 63

struct dns_name {
	uint8_t len; /* at least 1: the root */
	uint8_t bytes[DNS_NAME_MAX];
};

/*
 * The name at @r, which walks over the message that starts at @message.  -EBADMSG: it does not end in the message, is too
 * long, or has a label or pointer that cannot be.
 */
int dns_name_parse(struct bytes_reader *r, const uint8_t *message, struct dns_name *ret);
void dns_name_emit(struct bytes_writer *w, const struct dns_name *n);

/* From dotted text without escapes, a dot at the end or not; "." and "" are the root.  -EINVAL. */
int dns_name_from_text(const char *text, struct dns_name *ret);
/* @label in front of @parent.  -EINVAL when it is empty or the name becomes too long. */
int dns_name_child(const char *label, const struct dns_name *parent, struct dns_name *ret);
/* @n without its first @labels labels; the root when it has no more. */
struct dns_name dns_name_parent(const struct dns_name *n, unsigned labels);

/* Without regard to the case of ASCII letters (RFC 4343). */
bool dns_name_equal(const struct dns_name *a, const struct dns_name *b);
/* How many labels, the root's not counted. */
unsigned dns_name_labels(const struct dns_name *n);
/* True when @n is @ancestor or below it. */
bool dns_name_within(const struct dns_name *n, const struct dns_name *ancestor);
/*
 * Label @index, the leftmost is 0, as text in lower case.  -EINVAL when there is none or it has bytes other than
 * letters, digits, '-' and '_'.
 */
int dns_name_label(const struct dns_name *n, unsigned index, char ret[static DNS_LABEL_MAX + 1]);
