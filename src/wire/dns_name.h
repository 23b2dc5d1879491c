/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Domain names (RFC 1035 §3.1, §4.1.4) as values: in wire format without compression, case preserved.
 * A name always ends with the root's empty label.  The parser follows compression pointers only
 * backwards, so that it always ends.
 */
#pragma once

#include "base/addr.h"
#include "base/bytes.h"

#define DNS_NAME_MAX 255 /* bytes on the wire, the root's length byte included (RFC 1035 §2.3.4) */
#define DNS_LABEL_MAX 63

struct dns_name {
	uint8_t len; /* at least 1: the root */
	uint8_t bytes[DNS_NAME_MAX];
};

/*
 * Parses the name at @r, a reader of the message that starts at @message.  -EBADMSG: the name does not end in the message, is
 * too long, or has an invalid label or pointer.
 */
int dns_name_parse(struct bytes_reader *r, const uint8_t *message, struct dns_name *ret);
void dns_name_emit(struct bytes_writer *w, const struct dns_name *n);

/* From dotted text without escapes; a dot at the end is optional; "." and "" are the root.  -EINVAL. */
int dns_name_from_text(const char *text, struct dns_name *ret);
/* "@label.@parent".  -EINVAL when @label is empty or the name becomes too long. */
int dns_name_child(const char *label, const struct dns_name *parent, struct dns_name *ret);
/* @n without its first @labels labels; the root when it has no more than that. */
struct dns_name dns_name_parent(const struct dns_name *n, unsigned labels);

/* @n in lower case. */
struct dns_name dns_name_fold(const struct dns_name *n);

/* The name under which the PTR record of @addr is (RFC 1035 §3.5, RFC 3596 §2.5). */
struct dns_name dns_name_of_address(const struct ip_addr *addr);
/* The address whose PTR record is at @n.  -EINVAL: of none. */
int dns_name_to_address(const struct dns_name *n, struct ip_addr *ret);

/* Case-insensitive for ASCII letters (RFC 4343). */
bool dns_name_equal(const struct dns_name *a, const struct dns_name *b);
/* Whether @bytes, as many as @n has, are @n without compression, compared likewise. */
bool dns_name_has_bytes(const struct dns_name *n, const uint8_t *bytes);
/* The number of labels without the root's. */
unsigned dns_name_labels(const struct dns_name *n);
/* True when @n is @ancestor or a subdomain of it. */
bool dns_name_within(const struct dns_name *n, const struct dns_name *ancestor);
/*
 * Label @index, counted from 0 on the left, as text in lower case.  -EINVAL when there is no such label or it has bytes other
 * than letters, digits, '-' and '_'.
 */
int dns_name_label(const struct dns_name *n, unsigned index, char ret[static DNS_LABEL_MAX + 1]);
/* @n as text in lower case for people to read: without the dot at the end, '?' for bytes that no label of a host has.  Returns @ret. */
#define DNS_NAME_TEXT_SIZE 256
char *dns_name_text(const struct dns_name *n, char ret[static DNS_NAME_TEXT_SIZE]);
