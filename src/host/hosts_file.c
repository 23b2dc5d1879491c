/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/hosts_file.h"

#include "service/dns/records.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* "NAME" of a domain name of 253 characters, with a dot and NUL. */
#define WORD_SIZE 256u

struct words {
	const char *at, *end;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next word; false at the end.  A word that is too long comes out as "". */
static bool next_word(struct words *w, char ret[static WORD_SIZE])
{
	while (w->at < w->end && is_blank(*w->at))
		w->at++;
	size_t n = 0;
	while (w->at + n < w->end && !is_blank(w->at[n]) && w->at[n] != '\0')
		n++;
	bool fits = n < WORD_SIZE;
	memcpy(ret, w->at, fits ? n : 0);
	ret[fits ? n : 0] = '\0';
	w->at += n;
	return n > 0;
}

static bool is_loopback(const struct ip_addr *a)
{
	return ip_is_v4(a) ? ip_to_ip4(a) >> 24 == 127 : ip_equal(a, &IP6_LOOPBACK);
}

static bool has_word(struct words w, const char *wanted)
{
	char word[WORD_SIZE];
	while (next_word(&w, word))
		if (wanted && strcasecmp(word, wanted) == 0)
			return true;
	return false;
}

static int add_pointer(struct dns_records *to, const struct ip_addr *addr, const struct dns_name *name)
{
	struct dns_name reverse = dns_name_of_address(addr);
	bool is_first = !dns_owner_next(dns_records_find(to, &reverse), NULL, DNS_TYPE_PTR);
	return is_first ? dns_records_add(to, &reverse, DNS_TYPE_PTR, name->bytes, name->len) : 0;
}

/* Its own limit of records is no reason to leave out what follows. */
static int add_address(struct dns_records *to, const struct dns_name *name, const struct ip_addr *addr)
{
	int r = dns_records_add_address(to, name, addr);
	return r == -ENOSPC && to->n < DNS_RECORDS_MAX ? 0 : r;
}

static int take_line(struct words w, const struct hosts_file_self *self, struct dns_records *to)
{
	char word[WORD_SIZE];
	struct ip_addr addr;
	if (!next_word(&w, word) || ip_parse(word, &addr) < 0)
		return 0;
	bool has_pointer = !is_loopback(&addr) && !ip_is_unspecified(&addr);
	if (is_loopback(&addr) && has_word(w, self->host_name))
		addr = self->addr;
	int r = 0;
	while (r == 0 && next_word(&w, word)) {
		struct dns_name name;
		if (dns_name_from_text(word, &name) < 0 || name.len == 1)
			continue;
		r = add_address(to, &name, &addr);
		if (r == 0 && has_pointer)
			r = add_pointer(to, &addr, &name);
		has_pointer = false;
	}
	return r;
}

int hosts_file_parse(const char *text, size_t len, const struct hosts_file_self *self, struct dns_records *to)
{
	int r = 0;
	for (size_t at = 0; r == 0 && at < len;) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t line_len = end ? (size_t)(end - (text + at)) : len - at;
		const char *comment = memchr(text + at, '#', line_len);
		r = take_line((struct words){ text + at, comment ? comment : text + at + line_len }, self, to);
		at += line_len + 1;
	}
	return r;
}
