/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/dns_name.h"

#include <errno.h>
#include <stdio.h>

/* The two upper bits of a length byte (RFC 1035 §4.1.4). */
#define LABEL_KIND 0xc0
#define LABEL_POINTER 0xc0
/* Names begin behind the header (DNS_HEADER_LEN). */
#define FIRST_NAME_AT 12

/* Appends a label; false when there would be no room for the root's. */
static bool append(struct dns_name *n, const uint8_t *label, size_t len)
{
	if (n->len + 1 + len + 1 > DNS_NAME_MAX)
		return false;
	n->bytes[n->len] = (uint8_t)len;
	memcpy(n->bytes + n->len + 1, label, len);
	n->len = (uint8_t)(n->len + 1 + len);
	return true;
}

static void finish(struct dns_name *n)
{
	n->bytes[n->len++] = 0;
}

/* Without the bytes behind the name, which most names have many of. */
static void copy(struct dns_name *to, const struct dns_name *from)
{
	to->len = from->len;
	memcpy(to->bytes, from->bytes, from->len);
}

/* Follows the pointer with first byte @high; -EBADMSG unless it points in front of @start. */
static int follow(struct bytes_reader *r, uint8_t high, const uint8_t *message, const uint8_t **start, const uint8_t *end)
{
	size_t offset = (size_t)(high & ~LABEL_KIND & 0xff) << 8 | bytes_get_u8(r);
	if (r->failed || offset < FIRST_NAME_AT || offset >= (size_t)(*start - message))
		return -EBADMSG;
	*start = message + offset;
	*r = bytes_reader(*start, (size_t)(end - *start));
	return 0;
}

int dns_name_parse(struct bytes_reader *r, const uint8_t *message, struct dns_name *ret)
{
	struct dns_name n;
	struct bytes_reader at = *r;
	const uint8_t *start = r->at, *end = r->at + r->left;
	bool followed = false;
	n.len = 0;
	for (uint8_t len; (len = bytes_get_u8(&at)) != 0;) {
		if ((len & LABEL_KIND) == LABEL_POINTER) {
			if (!followed) {
				*r = at;
				bytes_skip(r, 1);
				followed = true;
			}
			if (follow(&at, len, message, &start, end) < 0)
				return -EBADMSG;
			continue;
		}
		if (len & LABEL_KIND)
			return -EBADMSG;
		const uint8_t *label = bytes_take(&at, len);
		if (!label || !append(&n, label, len))
			return -EBADMSG;
	}
	if (at.failed)
		return -EBADMSG;
	if (!followed)
		*r = at;
	finish(&n);
	copy(ret, &n);
	return 0;
}

void dns_name_emit(struct bytes_writer *w, const struct dns_name *n)
{
	bytes_put(w, n->bytes, n->len);
}

int dns_name_from_text(const char *text, struct dns_name *ret)
{
	struct dns_name n = { 0 };
	if (strcmp(text, ".") == 0)
		text = "";
	while (*text) {
		size_t len = strcspn(text, ".");
		if (len == 0 || len > DNS_LABEL_MAX || !append(&n, (const uint8_t *)text, len))
			return -EINVAL;
		text += len;
		if (*text == '.')
			text++;
	}
	finish(&n);
	*ret = n;
	return 0;
}

int dns_name_child(const char *label, const struct dns_name *parent, struct dns_name *ret)
{
	struct dns_name n = { 0 };
	size_t len = strlen(label);
	if (len == 0 || len > DNS_LABEL_MAX || 1 + len + parent->len > DNS_NAME_MAX)
		return -EINVAL;
	append(&n, (const uint8_t *)label, len);
	memcpy(n.bytes + n.len, parent->bytes, parent->len);
	n.len = (uint8_t)(n.len + parent->len);
	*ret = n;
	return 0;
}

/* The offset of label @index, or of the root's label behind the last one. */
static size_t label_offset(const struct dns_name *n, unsigned index)
{
	size_t at = 0;
	for (; index > 0 && n->bytes[at] != 0; index--)
		at += 1u + n->bytes[at];
	return at;
}

struct dns_name dns_name_parent(const struct dns_name *n, unsigned labels)
{
	size_t at = label_offset(n, labels);
	struct dns_name parent = { .len = (uint8_t)(n->len - at) };
	memcpy(parent.bytes, n->bytes + at, parent.len);
	return parent;
}

static uint8_t lower(uint8_t c)
{
	return (uint8_t)(c + ((uint8_t)(c - 'A') < 26) * ('a' - 'A'));
}

struct dns_name dns_name_fold(const struct dns_name *n)
{
	struct dns_name folded;
	folded.len = n->len;
	for (size_t i = 0; i < n->len; i++)
		folded.bytes[i] = lower(n->bytes[i]);
	return folded;
}

struct dns_name dns_name_of_address(const struct ip_addr *addr)
{
	char text[80];
	size_t at = 0;
	const uint8_t *b = addr->b;
	if (ip_is_v4(addr)) {
		snprintf(text, sizeof(text), "%u.%u.%u.%u.in-addr.arpa", b[15], b[14], b[13], b[12]);
	} else {
		for (size_t i = sizeof(addr->b); i-- > 0; at += 4)
			snprintf(text + at, sizeof(text) - at, "%x.%x.", b[i] & 0xfu, b[i] >> 4);
		snprintf(text + at, sizeof(text) - at, "ip6.arpa");
	}
	struct dns_name name = { .len = 1 };
	dns_name_from_text(text, &name);
	return name;
}

static int parse_nibble(const char *label)
{
	if (label[0] == '\0' || label[1] != '\0')
		return -EINVAL;
	return label[0] >= '0' && label[0] <= '9' ? label[0] - '0' : label[0] >= 'a' && label[0] <= 'f' ? label[0] - 'a' + 10 : -EINVAL;
}

/* "0" to "255" without leading zeros. */
static int parse_octet(const char *label)
{
	int value = 0;
	for (const char *c = label; *c; c++) {
		if (*c < '0' || *c > '9' || (c == label && *c == '0' && c[1] != '\0') || value > 25)
			return -EINVAL;
		value = value * 10 + (*c - '0');
	}
	return label[0] == '\0' || value > 255 ? -EINVAL : value;
}

int dns_name_to_address(const struct dns_name *n, struct ip_addr *ret)
{
	static const struct dns_name reverse4 = { 14, "\7in-addr\4arpa" }, reverse6 = { 10, "\3ip6\4arpa" };
	unsigned labels = dns_name_labels(n);
	bool is_v4 = labels == 6 && dns_name_within(n, &reverse4);
	if (!is_v4 && !(labels == 34 && dns_name_within(n, &reverse6)))
		return -EINVAL;
	struct ip_addr addr = { { [10] = is_v4 ? 0xff : 0, [11] = is_v4 ? 0xff : 0 } };
	for (unsigned i = 0; i + 2 < labels; i++) {
		char label[DNS_LABEL_MAX + 1];
		int value = dns_name_label(n, i, label) < 0 ? -EINVAL : is_v4 ? parse_octet(label) : parse_nibble(label);
		if (value < 0)
			return -EINVAL;
		addr.b[15 - (is_v4 ? i : i / 2)] |= (uint8_t)(is_v4 || i % 2 == 0 ? value : value << 4);
	}
	*ret = addr;
	return 0;
}

/* Length bytes are below 'A', so case folding does not change them. */
static bool equal_bytes(const uint8_t *a, const uint8_t *b, size_t len)
{
	if (memcmp(a, b, len) == 0) /* most are spelled alike */
		return true;
	for (size_t i = 0; i < len; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

bool dns_name_equal(const struct dns_name *a, const struct dns_name *b)
{
	return a->len == b->len && equal_bytes(a->bytes, b->bytes, a->len);
}

bool dns_name_has_bytes(const struct dns_name *n, const uint8_t *bytes)
{
	return equal_bytes(n->bytes, bytes, n->len);
}

unsigned dns_name_labels(const struct dns_name *n)
{
	unsigned labels = 0;
	for (size_t at = 0; n->bytes[at] != 0; at += 1u + n->bytes[at])
		labels++;
	return labels;
}

bool dns_name_within(const struct dns_name *n, const struct dns_name *ancestor)
{
	unsigned labels = dns_name_labels(n), above = dns_name_labels(ancestor);
	if (labels < above)
		return false;
	size_t at = label_offset(n, labels - above);
	return (size_t)n->len - at == ancestor->len && equal_bytes(n->bytes + at, ancestor->bytes, ancestor->len);
}

static bool is_host_char(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

int dns_name_label(const struct dns_name *n, unsigned index, char ret[static DNS_LABEL_MAX + 1])
{
	const uint8_t *label = n->bytes + label_offset(n, index);
	uint8_t len = *label++;
	if (len == 0)
		return -EINVAL;
	for (uint8_t i = 0; i < len; i++)
		if (!is_host_char(lower(label[i])))
			return -EINVAL;
	for (uint8_t i = 0; i < len; i++)
		ret[i] = (char)lower(label[i]);
	ret[len] = '\0';
	return 0;
}

char *dns_name_text(const struct dns_name *n, char ret[static DNS_NAME_TEXT_SIZE])
{
	char *to = ret;
	for (size_t at = 0; n->bytes[at] != 0; at += 1u + n->bytes[at]) {
		if (to > ret)
			*to++ = '.';
		for (uint8_t i = 1; i <= n->bytes[at]; i++)
			*to++ = is_host_char(lower(n->bytes[at + i])) ? (char)lower(n->bytes[at + i]) : '?';
	}
	if (to == ret)
		*to++ = '.';
	*to = '\0';
	return ret;
}
