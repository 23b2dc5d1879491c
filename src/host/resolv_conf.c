/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/resolv_conf.h"

#include "base/macros.h"
#include "wire/dns_name.h"

#include <string.h>

/* What is left of a line. */
struct line {
	const char *at;
	size_t left;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Up to white space or a comment.  A '#' inside a word precedes a port. */
static size_t word_len(const struct line *l)
{
	size_t n = 0;
	while (n < l->left && l->at[n] != '\0' && !strchr(" \t\r;", l->at[n]))
		n++;
	return n;
}

/* The next word; false at the end of the line or at a comment.  A word that does not fit @size comes out as "". */
static bool take_word(struct line *l, char *ret, size_t size)
{
	while (l->left > 0 && is_blank(*l->at)) {
		l->at++;
		l->left--;
	}
	size_t n = word_len(l);
	if (n == 0 || *l->at == '#')
		return false;
	bool fits = n < size;
	memcpy(ret, l->at, fits ? n : 0);
	ret[fits ? n : 0] = '\0';
	l->at += n;
	l->left -= n;
	return true;
}

static void take_server(struct line *l, struct resolv_conf *conf)
{
	char word[DNS_SERVER_TEXT_SIZE];
	struct dns_server server;
	if (take_word(l, word, sizeof(word)) && dns_server_parse(word, &server) == 0)
		dns_server_list_add(&conf->servers, &server);
}

static void add_domain(struct resolv_conf *conf, char *word)
{
	struct dns_name name;
	size_t len = strlen(word);
	if (len > 0 && word[len - 1] == '.')
		word[--len] = '\0';
	for (char *c = word; *c; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
	if (len == 0 || dns_name_from_text(word, &name) < 0 || conf->n_search == RESOLV_SEARCH_MAX)
		return;
	for (unsigned i = 0; i < conf->n_search; i++)
		if (strcmp(conf->search[i], word) == 0)
			return;
	memcpy(conf->search[conf->n_search++], word, len + 1);
}

static void take_search(struct line *l, struct resolv_conf *conf)
{
	char word[RESOLV_DOMAIN_SIZE];
	conf->n_search = 0;
	while (take_word(l, word, sizeof(word)))
		add_domain(conf, word);
}

static void take_domain(struct line *l, struct resolv_conf *conf)
{
	char word[RESOLV_DOMAIN_SIZE];
	conf->n_search = 0;
	if (take_word(l, word, sizeof(word)))
		add_domain(conf, word);
}

static void take_options(struct line *l, struct resolv_conf *conf)
{
	char word[32];
	while (take_word(l, word, sizeof(word))) {
		conf->rotate |= strcmp(word, "rotate") == 0;
		conf->use_vc |= strcmp(word, "use-vc") == 0;
		conf->no_aaaa |= strcmp(word, "no-aaaa") == 0;
	}
}

static const struct {
	const char *keyword;
	void (*take)(struct line *l, struct resolv_conf *conf);
} keywords[] = { { "nameserver", take_server }, { "search", take_search }, { "domain", take_domain }, { "options", take_options } };

static void parse_line(const struct line *l, struct resolv_conf *conf)
{
	for (size_t i = 0; i < ARRAY_SIZE(keywords); i++) {
		size_t len = strlen(keywords[i].keyword);
		if (l->left <= len || memcmp(l->at, keywords[i].keyword, len) != 0 || !is_blank(l->at[len]))
			continue;
		keywords[i].take(&(struct line){ l->at + len, l->left - len }, conf);
		return;
	}
}

void resolv_conf_parse(const char *text, size_t len, struct resolv_conf *ret)
{
	*ret = (struct resolv_conf){ 0 };
	for (size_t at = 0; at < len;) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t line_len = end ? (size_t)(end - (text + at)) : len - at;
		parse_line(&(struct line){ text + at, line_len }, ret);
		at += line_len + 1;
	}
	static const struct dns_server loopback = { .endpoint = { { { [10] = 0xff, 0xff, 127, 0, 0, 1 } }, 53 } };
	if (ret->servers.count == 0)
		dns_server_list_add(&ret->servers, &loopback);
}

bool resolv_conf_equal(const struct resolv_conf *a, const struct resolv_conf *b)
{
	bool same = dns_server_list_equal(&a->servers, &b->servers) && a->n_search == b->n_search && a->rotate == b->rotate &&
		    a->use_vc == b->use_vc && a->no_aaaa == b->no_aaaa;
	for (unsigned i = 0; same && i < a->n_search; i++)
		same = strcmp(a->search[i], b->search[i]) == 0;
	return same;
}
