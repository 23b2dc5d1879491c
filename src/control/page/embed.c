/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes the page when lanlet is built: puts the style and the scripts, in the order given, into the HTML in place of @style@ and
 * @script@, and prints the result as C with the content security policy that admits these two and nothing else.
 */
#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_PER_LINE 24u

static char *read_file(const char *path)
{
	g_autoptr(GError) error = NULL;
	char *text = NULL;
	if (g_file_get_contents(path, &text, NULL, &error))
		return text;
	fprintf(stderr, "embed: %s\n", error->message);
	exit(EXIT_FAILURE);
}

/* HTML would take it for the end of the element that it stands in. */
static void refuse_end_tags(const char *text, const char *what)
{
	if (!strstr(text, "</"))
		return;
	fprintf(stderr, "embed: the %s has \"</\" in it\n", what);
	exit(EXIT_FAILURE);
}

/* As a policy names it (CSP Level 3 §2.3.1). */
static char *hash_source(const char *text)
{
	guint8 digest[32];
	gsize len = sizeof(digest);
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	g_checksum_update(sum, (const guchar *)text, (gssize)strlen(text));
	g_checksum_get_digest(sum, digest, &len);
	g_autofree char *base64 = g_base64_encode(digest, len);
	return g_strconcat("'sha256-", base64, "'", NULL);
}

static char *put_in(const char *html, const char *mark, const char *text)
{
	g_auto(GStrv) around = g_strsplit(html, mark, -1);
	if (g_strv_length(around) == 2)
		return g_strconcat(around[0], text, around[1], NULL);
	fprintf(stderr, "embed: the page has to have one %s\n", mark);
	exit(EXIT_FAILURE);
}

static void print_bytes(const char *text)
{
	size_t len = strlen(text);
	printf("const size_t page_len = %zu;\nconst char page_html[] = {", len);
	for (size_t i = 0; i < len; i++)
		printf("%s%d,", i % BYTES_PER_LINE ? "" : "\n\t", (signed char)text[i]);
	puts("\n};");
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fputs("embed: which HTML, CSS and JavaScript?\n", stderr);
		return EXIT_FAILURE;
	}
	g_autofree char *html = read_file(argv[1]), *style = read_file(argv[2]);
	g_autoptr(GString) script = g_string_new("'use strict';\n");
	for (int i = 3; i < argc; i++) {
		g_autofree char *part = read_file(argv[i]);
		g_string_append(script, part);
	}
	refuse_end_tags(style, "style");
	refuse_end_tags(script->str, "script");
	g_autofree char *style_source = hash_source(style), *script_source = hash_source(script->str);
	g_autofree char *with_style = put_in(html, "@style@", style), *page = put_in(with_style, "@script@", script->str);
	puts("/* made by embed.c */\n#include \"control/page.h\"\n");
	print_bytes(page);
	printf("const char page_policy[] = \"default-src 'none'; script-src %s; style-src %s; connect-src 'self'; img-src data:; \"\n"
	       "\t\"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \"\n"
	       "\t\"require-trusted-types-for 'script'; trusted-types 'none'\";\n",
	       script_source, style_source);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
