/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/rate_text.h"

#include "base/macros.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BITS 8u
#define NUMBER_MAX (RATE_MAX * BITS)

struct unit {
	char letter;
	uint64_t factor;
};

/* The largest first. */
static const struct unit bit_units[] = { { 'G', 1000000000 }, { 'M', 1000000 }, { 'k', 1000 } };
static const struct unit byte_units[] = { { 'M', 1024 * 1024 }, { 'K', 1024 } };
#define N_BIT_UNITS ARRAY_SIZE(bit_units)
#define N_BYTE_UNITS ARRAY_SIZE(byte_units)

/* A whole number with one of the @n letters of @units, or none.  @text ends at @end. */
static int parse_number(const char *text, const char *end, const struct unit *units, size_t n, uint64_t *ret)
{
	uint64_t v = 0, factor = 1;
	const char *p = text;
	for (; p < end && *p >= '0' && *p <= '9' && v <= NUMBER_MAX; p++)
		v = v * 10 + (uint64_t)(*p - '0');
	for (size_t i = 0; p == end - 1 && i < n; i++)
		if (*p == units[i].letter)
			factor = units[i].factor;
	if (p == text || v > NUMBER_MAX / factor || (p != end && !(p == end - 1 && factor > 1)))
		return -EINVAL;
	*ret = v * factor;
	return 0;
}

static int parse_rate(const char *text, const char *end, uint64_t *ret, const char **ret_why)
{
	uint64_t bits;
	if (parse_number(text, end, bit_units, N_BIT_UNITS, &bits) < 0)
		return -EINVAL;
	if (bits / BITS < RATE_MIN || bits / BITS > RATE_MAX) {
		*ret_why = "a rate is from 8k to 100G";
		return -EINVAL;
	}
	*ret = bits / BITS;
	return 0;
}

static int parse_burst(const char *text, const char *end, uint64_t *ret, const char **ret_why)
{
	uint64_t bytes;
	if (parse_number(text, end, byte_units, N_BYTE_UNITS, &bytes) < 0)
		return -EINVAL;
	if (bytes == 0 || bytes > RATE_BURST_MAX) {
		*ret_why = "a burst is from 1 to 1024M bytes";
		return -EINVAL;
	}
	*ret = bytes;
	return 0;
}

int rate_parse(const char *text, struct rate_limit *ret, const char **ret_why)
{
	struct rate_limit l = { 0 };
	if (strcmp(text, "off") == 0) {
		*ret = l;
		return 0;
	}
	const char *end = strchrnul(text, '/');
	int r = parse_rate(text, end, &l.average, ret_why);
	if (r == 0 && *end == '/') {
		const char *peak = end + 1;
		end = strchrnul(peak, '/');
		if (end > peak || *end == '\0')
			r = parse_rate(peak, end, &l.peak, ret_why);
	}
	if (r == 0 && *end == '/') {
		const char *burst = end + 1;
		end = strchrnul(burst, '/');
		r = *end != '\0' ? -EINVAL : parse_burst(burst, end, &l.burst, ret_why);
	}
	if (r == 0 && l.peak > 0 && l.peak < l.average) {
		*ret_why = "the peak rate is less than the average";
		r = -EINVAL;
	}
	if (r == 0)
		*ret = l;
	return r;
}

static void append(char **at, char *end, const char *before, uint64_t value, const struct unit *units, size_t n)
{
	const struct unit *unit = &(struct unit){ '\0', 1 };
	for (size_t i = n; i > 0; i--)
		if (value % units[i - 1].factor == 0)
			unit = &units[i - 1];
	int len = snprintf(*at, (size_t)(end - *at), "%s%llu%.1s", before, (unsigned long long)(value / unit->factor),
			   unit->letter ? &unit->letter : "");
	*at += MIN(len, (int)(end - *at));
}

char *rate_format(const struct rate_limit *l, char text[static RATE_TEXT_SIZE])
{
	char *at = text, *end = text + RATE_TEXT_SIZE;
	if (l->average == 0)
		return memcpy(text, "off", sizeof("off"));
	append(&at, end, "", l->average * BITS, bit_units, N_BIT_UNITS);
	if (l->peak > 0)
		append(&at, end, "/", l->peak * BITS, bit_units, N_BIT_UNITS);
	if (l->burst > 0)
		append(&at, end, l->peak > 0 ? "/" : "//", l->burst, byte_units, N_BYTE_UNITS);
	return text;
}
