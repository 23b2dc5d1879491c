/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The JSON writer of the API, read back by json-glib. */
#include "control/json.h"

#include <json-glib/json-glib.h>

static struct json *begin(void)
{
	struct json *j = g_new0(struct json, 1);
	j->text = g_string_new(NULL);
	return j;
}

static void assert_text(struct json *j, const char *expected)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(JsonNode) root = json_from_string(j->text->str, &error);
	g_assert_no_error(error);
	g_assert_nonnull(root);
	g_assert_cmpstr(j->text->str, ==, expected);
	g_string_free(j->text, TRUE);
	g_free(j);
}

static void commas_stand_between_values_and_nowhere_else(void)
{
	struct json *j = begin();
	json_open_object(j, NULL);
	json_open_array(j, "empty");
	json_close_array(j);
	json_open_array(j, "two");
	json_open_object(j, NULL);
	json_close_object(j);
	json_unsigned(j, NULL, 1);
	json_close_array(j);
	json_bool(j, "last", true);
	json_close_object(j);
	assert_text(j, "{\"empty\":[],\"two\":[{},1],\"last\":true}");
}

static void numbers_are_written_whole(void)
{
	struct json *j = begin();
	json_open_array(j, NULL);
	json_unsigned(j, NULL, UINT64_MAX);
	json_decimal(j, NULL, 0.0625);
	json_decimal(j, NULL, -1.5);
	json_null(j, NULL);
	json_string(j, NULL, NULL);
	json_bool(j, NULL, false);
	json_close_array(j);
	assert_text(j, "[18446744073709551615,0.062,-1.500,null,null,false]");
}

/* RFC 8259 §7. */
static void strings_are_escaped(void)
{
	struct json *j = begin();
	json_open_object(j, NULL);
	json_string(j, "a\"b", "\\ \" \n \x1b[31m \x7f /");
	json_close_object(j);
	assert_text(j, "{\"a\\\"b\":\"\\\\ \\\" \\u000a \\u001b[31m \\u007f /\"}");
}

/* A guest chooses its name, which may be any bytes. */
static void invalid_utf8_becomes_replacement_characters(void)
{
	struct json *j = begin();
	json_open_array(j, NULL);
	json_string(j, NULL, "a\xff\xc3z");
	json_string(j, NULL, "\xed\xa0\x80"); /* half of a surrogate pair */
	json_string(j, NULL, "\xc3\xa4");
	json_close_array(j);
	assert_text(j, "[\"a\uFFFD\uFFFDz\",\"\uFFFD\uFFFD\uFFFD\",\"\u00e4\"]");
}

static void any_string_is_read_back_as_written(void)
{
	GRand *random = g_rand_new_with_seed(1);
	for (unsigned i = 0; i < 2000; i++) {
		char value[16] = "";
		for (unsigned k = 0; k + 1 < sizeof(value); k++)
			value[k] = (char)g_rand_int_range(random, 1, 256);
		struct json j = { .text = g_string_new(NULL) };
		json_open_array(&j, NULL);
		json_string(&j, NULL, value);
		json_close_array(&j);
		g_autoptr(GError) error = NULL;
		g_autoptr(JsonNode) root = json_from_string(j.text->str, &error);
		g_assert_no_error(error);
		g_autofree char *valid = g_utf8_make_valid(value, -1);
		g_assert_cmpstr(json_array_get_string_element(json_node_get_array(root), 0), ==, valid);
		g_string_free(j.text, TRUE);
	}
	g_rand_free(random);
}

#define ADD(test) g_test_add_func("/json/" #test, test)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD(commas_stand_between_values_and_nowhere_else);
	ADD(numbers_are_written_whole);
	ADD(strings_are_escaped);
	ADD(invalid_utf8_becomes_replacement_characters);
	ADD(any_string_is_read_back_as_written);
	return g_test_run();
}
