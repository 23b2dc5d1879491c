/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/json.h"

static void put_quoted(GString *out, const char *value)
{
	g_autofree char *valid = g_utf8_validate(value, -1, NULL) ? NULL : g_utf8_make_valid(value, -1);
	g_string_append_c(out, '"');
	for (const char *c = valid ? valid : value; *c; c++) {
		if (*c == '"' || *c == '\\')
			g_string_append_c(out, '\\');
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			g_string_append_printf(out, "\\u%04x", *c);
		else
			g_string_append_c(out, *c);
	}
	g_string_append_c(out, '"');
}

/* Writes the comma and the key before a value. */
static void begin(struct json *j, const char *key)
{
	if (j->comma)
		g_string_append_c(j->text, ',');
	j->comma = true;
	if (!key)
		return;
	put_quoted(j->text, key);
	g_string_append_c(j->text, ':');
}

static void open_with(struct json *j, const char *key, char bracket)
{
	begin(j, key);
	g_string_append_c(j->text, bracket);
	j->comma = false;
}

static void close_with(struct json *j, char bracket)
{
	g_string_append_c(j->text, bracket);
	j->comma = true;
}

void json_open_object(struct json *j, const char *key)
{
	open_with(j, key, '{');
}

void json_close_object(struct json *j)
{
	close_with(j, '}');
}

void json_open_array(struct json *j, const char *key)
{
	open_with(j, key, '[');
}

void json_close_array(struct json *j)
{
	close_with(j, ']');
}

void json_string(struct json *j, const char *key, const char *value)
{
	begin(j, key);
	if (value)
		put_quoted(j->text, value);
	else
		g_string_append(j->text, "null");
}

void json_unsigned(struct json *j, const char *key, uint64_t value)
{
	begin(j, key);
	g_string_append_printf(j->text, "%" G_GUINT64_FORMAT, value);
}

void json_decimal(struct json *j, const char *key, double value)
{
	char digits[G_ASCII_DTOSTR_BUF_SIZE];
	begin(j, key);
	g_string_append(j->text, g_ascii_formatd(digits, sizeof(digits), "%.3f", value));
}

void json_bool(struct json *j, const char *key, bool value)
{
	begin(j, key);
	g_string_append(j->text, value ? "true" : "false");
}

void json_null(struct json *j, const char *key)
{
	json_string(j, key, NULL);
}
