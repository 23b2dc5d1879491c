/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/options.h"

#include "base/macros.h"
#include "base/one_line.h"
#include "options/option.h"
#include "options/settings.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct option_group *const groups[] = {
	&options_of_segment, &options_of_names, &options_of_dhcp, &options_of_ports, &options_of_outside, &options_of_log,
};

/* The option at @index, counted over all groups; NULL after the last. */
static const struct option *option_at(size_t index)
{
	for (size_t g = 0; g < ARRAY_SIZE(groups); g++) {
		if (index < groups[g]->count)
			return &groups[g]->options[index];
		index -= groups[g]->count;
	}
	return NULL;
}

static const struct option *option_find(const char *name)
{
	const struct option *o;
	for (size_t i = 0; (o = option_at(i)); i++)
		if (strcmp(o->public.name, name) == 0)
			return o;
	return NULL;
}

const struct lanlet_option *lanlet_option_at(size_t index)
{
	const struct option *o = option_at(index);
	return o ? &o->public : NULL;
}

const char *lanlet_option_subject(const struct lanlet_option *option)
{
	for (size_t g = 0; g < ARRAY_SIZE(groups); g++)
		for (size_t i = 0; i < groups[g]->count; i++)
			if (&groups[g]->options[i].public == option)
				return groups[g]->title;
	return NULL;
}

const char *lanlet_option_choice(const struct lanlet_option *option, size_t index, const char **ret_help)
{
	const struct option *o;
	for (size_t i = 0; (o = option_at(i)); i++)
		if (&o->public == option && o->choice)
			return o->choice(index, ret_help);
	return NULL;
}

/* "a, b or c": the words that @o accepts. */
static void list_choices(const struct option *o, char *ret, size_t size)
{
	const char *help, *word = o->choice(0, &help);
	ret[0] = '\0';
	for (size_t i = 1, len = 0; word && len < size; i++) {
		const char *next = o->choice(i, &help);
		len += (size_t)snprintf(ret + len, size - len, "%s%s", i == 1 ? "" : next ? ", " : " or ", word);
		word = next;
	}
}

static void explain(const struct option *o, const char *value, const char *why, char *error, size_t size)
{
	char words[160];
	if (o->choice)
		list_choices(o, words, sizeof(words));
	snprintf(error, size, "%s \"%s\"%s%s: expected %s", o->public.name, value, why ? ": " : "", why ? why : "",
		 o->choice ? words : o->accepts);
}

void option_set_defaults(struct settings *s)
{
	*s = (struct settings){ 0 };
	const struct option *o;
	for (size_t i = 0; (o = option_at(i)); i++) {
		const char *why = NULL, *value = o->public.default_value;
		if (!value || o->derived)
			continue;
		int r = o->set(s, value, &why);
		assert(r == 0);
		(void)r;
	}
}

int option_set(struct settings *s, const char *name, const char *value, char *error, size_t size)
{
	const struct option *o = option_find(name);
	if (!o) {
		snprintf(error, size, "%s: there is no such option", name);
		one_line(error, size);
		return -ENOENT;
	}
	if (o->clear && value[0] == '\0') {
		o->clear(s);
		return 0;
	}
	const char *why = NULL;
	int r = o->set(s, value, &why);
	if (r == -EINVAL)
		explain(o, value, why, error, size);
	else if (r < 0)
		snprintf(error, size, "%s: %s", name, strerror(-r));
	if (r < 0)
		one_line(error, size);
	return r;
}

bool option_is_same(size_t index, const struct settings *a, const struct settings *b)
{
	const struct option *o = option_at(index);
	if (o->same)
		return o->same(a, b);
	return memcmp((const char *)a + o->place.offset, (const char *)b + o->place.offset, o->place.size) == 0;
}

bool option_is_live(size_t index)
{
	return option_at(index)->live;
}

static void swap_bytes(struct settings *a, struct settings *b, struct option_place place)
{
	char *x = (char *)a + place.offset, *y = (char *)b + place.offset;
	for (size_t i = 0; i < place.size; i++) {
		char c = x[i];
		x[i] = y[i];
		y[i] = c;
	}
}

void option_swap_live(struct settings *a, struct settings *b)
{
	const struct option *o;
	for (size_t i = 0; (o = option_at(i)); i++)
		if (o->live)
			swap_bytes(a, b, o->place);
}
