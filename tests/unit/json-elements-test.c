/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The CLI reads JSON: its output must not depend on line feeds or on where a read ends. */
#include "app/command/json_elements.h"
#include "app/failure.h"

#include <glib.h>
#include <string.h>

static bool note_name(void *opaque, JsonObject *element)
{
	g_string_append_printf(opaque, "%s|", json_object_get_string_member_with_default(element, "name", "-"));
	return strcmp(json_object_get_string_member_with_default(element, "name", "-"), "stop") != 0;
}

/* The names that each() sees of @text in two pieces, cut at @cut. */
static char *names_in(enum json_elements_of of, const char *text, gsize cut, bool *ret_complete)
{
	struct json_elements e;
	GString *seen = g_string_new(NULL);
	json_elements_init(&e, of, note_name, seen);
	bool good = json_elements_take(&e, text, cut, NULL) && json_elements_take(&e, text + cut, strlen(text) - cut, NULL);
	*ret_complete = good && json_elements_complete(&e);
	json_elements_done(&e);
	return g_string_free(seen, FALSE);
}

static void expect_names(enum json_elements_of of, const char *text, const char *expected)
{
	for (gsize cut = 0; cut <= strlen(text); cut++) {
		bool complete;
		g_autofree char *names = names_in(of, text, cut, &complete);
		g_assert_cmpstr(names, ==, expected);
		g_assert_true(complete);
	}
}

/* A string with braces, brackets, a comma, an escaped quote and, at its end, an escaped backslash. */
#define TRICKY "\"}],{\\\"[\\\\\""

static void lists_mean_the_same_however_they_are_laid_out(void)
{
	static const char *const layouts[] = {
		"{\"list\":[\n{\"name\":\"a\",\"x\":{\"name\":[1,{}]}}\n,{\"y\":" TRICKY ",\"name\":\"b\"}\n]}\n",
		"{\"list\":[{\"name\":\"a\",\"x\":{\"name\":[1,{}]}},{\"y\":" TRICKY ",\"name\":\"b\"}]}",
		" {\r\n\t\"list\" : [\r\n { \"name\" : \"\\u0061\" , \"x\":{\n\"name\":[\n1,\n{}\n]\n}\n}\n,\n\n{\n\"y\":" TRICKY
		",\n\"name\"\n:\n\"b\"\n}\n]\n}",
	};
	for (gsize i = 0; i < G_N_ELEMENTS(layouts); i++)
		expect_names(JSON_ELEMENTS_OF_LIST, layouts[i], "a|b|");
}

static void streams_mean_the_same_however_they_are_laid_out(void)
{
	static const char *const layouts[] = {
		"\n{\"name\":\"a\",\"x\":[{}]}\n\n{\"y\":" TRICKY ",\"name\":\"b\"}\n",
		"{\"name\":\"a\",\"x\":[{}]}{\"y\":" TRICKY ",\"name\":\"b\"}",
		"{\n\"name\":\n\"a\",\n\"x\"\n:[\n{\n}\n]\n}\n{\n\"y\":" TRICKY ",\"name\":\"b\"\n}",
	};
	for (gsize i = 0; i < G_N_ELEMENTS(layouts); i++)
		expect_names(JSON_ELEMENTS_OF_STREAM, layouts[i], "a|b|");
}

static void only_the_array_of_a_list_has_elements(void)
{
	expect_names(JSON_ELEMENTS_OF_LIST, "{\"list\":[]}", "");
	expect_names(JSON_ELEMENTS_OF_LIST, "{\"error\":\"no\"}", "");
	expect_names(JSON_ELEMENTS_OF_LIST,
		     "{\"about\":{\"x\":{\"name\":\"no\"}},\"list\":[{\"name\":\"a\"}],\"more\":{\"y\":{\"name\":\"no\"}}}", "a|");
	expect_names(JSON_ELEMENTS_OF_LIST, "{\"list\":[1,\"{\",[{\"name\":\"no\"}],{\"name\":\"a\"},null]}", "a|");
	expect_names(JSON_ELEMENTS_OF_LIST, "{\"list\":[{\"name\":\"\xc3\xa4\xe2\x82\xac\"}]}", "\xc3\xa4\xe2\x82\xac|");
}

static void answer_that_ends_early_is_not_complete(void)
{
	static const char text[] = "{\"list\":[\n{\"name\":\"a\"}\n]}";
	for (gsize len = 1; len < strlen(text); len++) {
		bool complete;
		g_autofree char *part = g_strndup(text, len), *names = names_in(JSON_ELEMENTS_OF_LIST, part, 0, &complete);
		g_assert_false(complete);
	}
}

static void reader_that_has_enough_gets_no_more(void)
{
	bool complete;
	g_autofree char *names = names_in(JSON_ELEMENTS_OF_LIST, "{\"list\":[{\"name\":\"stop\"},{\"name\":\"b\"}]}", 0, &complete);
	g_assert_cmpstr(names, ==, "stop|");
}

static void element_that_is_not_json_is_an_error(void)
{
	static const char *const broken[] = { "{\"list\":[{\"name\" \"a\"}]}", "{\"list\":[{name}]}", "{\"list\":[{]]}" };
	for (gsize i = 0; i < G_N_ELEMENTS(broken); i++) {
		struct json_elements e;
		g_autoptr(GString) seen = g_string_new(NULL);
		g_autoptr(GError) error = NULL;
		json_elements_init(&e, JSON_ELEMENTS_OF_LIST, note_name, seen);
		g_assert_false(json_elements_take(&e, broken[i], strlen(broken[i]), &error));
		g_assert_error(error, failure_quark(), FAILURE_GENERAL);
		json_elements_done(&e);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/json-elements/" #name, name)
	TEST(lists_mean_the_same_however_they_are_laid_out);
	TEST(streams_mean_the_same_however_they_are_laid_out);
	TEST(only_the_array_of_a_list_has_elements);
	TEST(answer_that_ends_early_is_not_complete);
	TEST(reader_that_has_enough_gets_no_more);
	TEST(element_that_is_not_json_is_an_error);
#undef TEST
	return g_test_run();
}
