/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/record.h"

#include "options/value.h"
#include "wire/dns_text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define DATA_MAX 1024u

int record_parse(const char *text, struct settings_record *ret, const char **ret_why)
{
	struct settings_record r = { 0 };
	struct ip_addr addr;
	uint8_t bytes[DATA_MAX];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	const char *comma = strchr(text, ',');
	if (!comma || value_dns_name(text, (size_t)(comma - text), r.name, sizeof(r.name)) < 0)
		return -EINVAL;
	const char *data = comma + 1, *second = strchr(data, ',');
	if (second && dns_type_parse(data, (size_t)(second - data), &r.type) == 0)
		data = second + 1;
	else if (ip_parse(data, &addr) == 0)
		r.type = ip_is_v4(&addr) ? DNS_TYPE_A : DNS_TYPE_AAAA;
	else {
		if (second)
			*ret_why = "the types are A, AAAA, CNAME, MX, PTR, SRV and TXT";
		return -EINVAL;
	}
	if (strlen(data) >= sizeof(r.data) || !value_is_text(data) || dns_data_from_text(r.type, data, &w) < 0) {
		*ret_why = "the data does not fit the type of the record";
		return -EINVAL;
	}
	strcpy(r.data, data);
	*ret = r;
	return 0;
}

char *record_format(const struct settings_record *r, char text[static SETTINGS_RECORD_TEXT_SIZE])
{
	snprintf(text, SETTINGS_RECORD_TEXT_SIZE, "%s,%s,%s", r->name, dns_type_name(r->type), r->data);
	return text;
}

bool record_equal(const struct settings_record *a, const struct settings_record *b)
{
	return a->type == b->type && strcmp(a->name, b->name) == 0 && strcmp(a->data, b->data) == 0;
}
