/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Build-time program: prints the manual page (mdoc(7)). Copies the template docs/lanlet.1.in and replaces its lines @commands@,
 * @flags@ and @options@ with what the tables of commands, flags and options say.
 */
#include "app/command.h"
#include "lanlet.h"

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_LEN 72u /* without escapes */

static void begin_list(void)
{
	puts(".Bl -tag -width Ds");
}

static void end_list(void)
{
	puts(".El");
}

static void put_word(const char *word)
{
	if (*word == '.' || *word == '\'')
		fputs("\\&", stdout);
	for (; *word; word++) {
		if (*word == '\\')
			fputs("\\e", stdout);
		else if (*word == '-')
			fputs("\\-", stdout);
		else
			putchar(*word);
	}
}

/* Prints running text. Each sentence begins a line, and requests and escapes in it are neutralized. */
static void put_text(const char *text)
{
	g_auto(GStrv) words = g_strsplit(text, " ", -1);
	size_t column = 0;
	for (size_t i = 0; words[i]; i++) {
		size_t len = strlen(words[i]);
		if (i > 0) {
			bool breaks = g_str_has_suffix(words[i - 1], ".") || column + len >= LINE_LEN;
			putchar(breaks ? '\n' : ' ');
			column = breaks ? 0 : column + 1;
		}
		put_word(words[i]);
		column += len;
	}
	putchar('\n');
}

static void put_choices(const struct lanlet_option *o)
{
	const char *word, *help;
	if (!lanlet_option_choice(o, 0, &help))
		return;
	puts(".Bl -tag -width libslirp -compact");
	for (size_t i = 0; (word = lanlet_option_choice(o, i, &help)); i++) {
		printf(".It Li %s\n", word);
		put_text(help);
	}
	end_list();
}

static void put_option(const struct lanlet_option *o, const char *before)
{
	printf(".It Fl -%s%s%s\n", o->name, o->argument ? " Ar " : "", o->argument ? o->argument : "");
	fputs(before, stdout);
	put_text(o->help);
	if (o->repeatable)
		put_text("Can be given several times.");
	if (o->default_value) {
		g_autofree char *text = g_strdup_printf("Default: %s.", o->default_value);
		put_text(text);
	}
	put_choices(o);
}

/* The flags of @c alone. */
static void put_own_flags(const struct command *c)
{
	if (!c->flags)
		return;
	begin_list();
	for (const struct flag *flag = c->flags; flag->store; flag++)
		put_option(&flag->option, "");
	end_list();
}

static void put_commands(void)
{
	const struct command *c;
	begin_list();
	for (size_t i = 0; (c = command_at(i)); i++) {
		printf(".It Cm %s %s%s%s\n", c->name, c->operands ? "Ar " : "Oo Ar NAME Oc", c->operands ? c->operands : "",
		       c->takes_command ? " Li -- Ar COMMAND Op Ar ARGUMENT..." : "");
		put_text(c->summary);
		put_text(c->description);
		put_own_flags(c);
	}
	end_list();
}

/* ".Cm status , web :", the commands that take @flag; "" if all do. */
static char *commands_of(const struct flag *flag)
{
	GString *out = g_string_new("");
	const struct command *c;
	for (size_t i = 0; !(flag->share & FLAG_SHARED_BY_ALL) && (c = command_at(i)); i++)
		if (flag->share & c->shares)
			g_string_append_printf(out, "%s %s", out->len ? " ," : ".Cm", c->name);
	if (out->len)
		g_string_append(out, " :\n");
	return g_string_free(out, FALSE);
}

static void put_shared_flags(void)
{
	const struct flag *flag;
	begin_list();
	for (size_t i = 0; (flag = shared_flag_at(i)); i++) {
		g_autofree char *commands = commands_of(flag);
		put_option(&flag->option, commands);
	}
	end_list();
}

static void put_options(void)
{
	const struct lanlet_option *o;
	const char *subject = NULL;
	for (size_t i = 0; (o = lanlet_option_at(i)); i++) {
		if (lanlet_option_subject(o) != subject) {
			if (subject)
				end_list();
			printf(".Ss %s\n", subject = lanlet_option_subject(o));
			begin_list();
		}
		put_option(o, "");
	}
	end_list();
}

static void put_line(const char *line)
{
	static const struct {
		const char *word;
		void (*put)(void);
	} words[] = { { "@commands@", put_commands }, { "@flags@", put_shared_flags }, { "@options@", put_options } };
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		if (strcmp(line, words[i].word) == 0) {
			words[i].put();
			return;
		}
	}
	puts(line);
}

int main(int argc, char **argv)
{
	g_autofree char *template = NULL;
	g_autoptr(GError) error = NULL;
	if (argc != 2 || !g_file_get_contents(argv[1], &template, NULL, &error)) {
		fprintf(stderr, "manpage: %s\n", error ? error->message : "one template, please");
		return EXIT_FAILURE;
	}
	g_auto(GStrv) lines = g_strsplit(g_strchomp(template), "\n", -1);
	for (size_t i = 0; lines[i]; i++)
		put_line(lines[i]);
	return EXIT_SUCCESS;
}
