/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A DNS record that the user gives with the option name, beside the plain "NAME,ADDRESS" of one label and IPv4. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SETTINGS_RECORD_NAME_SIZE 254u
#define SETTINGS_RECORD_DATA_SIZE 1025u
/* "NAME,TYPE,DATA" */
#define SETTINGS_RECORD_TEXT_SIZE (SETTINGS_RECORD_NAME_SIZE + sizeof(",CNAME,") + SETTINGS_RECORD_DATA_SIZE)

struct settings_record {
	char name[SETTINGS_RECORD_NAME_SIZE]; /* lower case, no dot at the end */
	uint16_t type;                        /* enum dns_type */
	char data[SETTINGS_RECORD_DATA_SIZE]; /* as the user has written it (wire/dns_text.h) */
};

/* Parses "NAME,TYPE,DATA" or "NAME,ADDRESS".  -EINVAL, and *@ret_why is a static reason or unchanged. */
int record_parse(const char *text, struct settings_record *ret, const char **ret_why);
/* @r as record_parse() reads it; returns @text. */
char *record_format(const struct settings_record *r, char text[static SETTINGS_RECORD_TEXT_SIZE]);
bool record_equal(const struct settings_record *a, const struct settings_record *b);
