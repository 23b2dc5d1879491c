/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Build-time program: prints the completions for bash, zsh or fish, made from the tables of commands, flags, options and choices. */
#include "app/command.h"
#include "lanlet.h"

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Calls @each for every option of @c. */
static void for_each_option(const struct command *c, void (*each)(const struct command *c, const struct lanlet_option *o))
{
	const struct flag *flag;
	const struct lanlet_option *o;
	for (size_t i = 0; (flag = command_flag_at(c, i)); i++)
		each(c, &flag->option);
	for (size_t i = 0; c->takes_options && (o = lanlet_option_at(i)); i++)
		each(c, o);
}

static void for_each_command(void (*each)(const struct command *c))
{
	const struct command *c;
	for (size_t i = 0; (c = command_at(i)); i++)
		each(c);
}

static bool is_path(const struct lanlet_option *o)
{
	return o->argument &&
	       (strcmp(o->argument, "FILE") == 0 || strcmp(o->argument, "DIRECTORY") == 0 || g_str_has_prefix(o->argument, "PATH"));
}

static bool takes_file(const struct command *c)
{
	return c->operands && strcmp(c->operands, "FILE") == 0;
}

/* The words that @o accepts, separated by blanks; "" if it accepts others. A string to g_free(). */
static char *choices(const struct lanlet_option *o)
{
	GString *out = g_string_new(NULL);
	const char *word, *help;
	for (size_t i = 0; (word = lanlet_option_choice(o, i, &help)); i++)
		g_string_append_printf(out, "%s%s", i ? " " : "", word);
	return g_string_free(out, FALSE);
}

/*
 * What @text says first: its first sentence, up to a colon or an example. Goes between single quotes. A colon and brackets would be
 * syntax for zsh. A string to g_free().
 */
static char *summary_of(const char *text)
{
	static const char *const ends[] = { ". ", ":", "[", "]", ", such as ", " such as ", ", like ", " like " };
	size_t len = strlen(text);
	if (g_str_has_suffix(text, "."))
		len--;
	for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
		const char *end = g_strstr_len(text, (gssize)len, ends[i]);
		len = end ? (size_t)(end - text) : len;
	}
	g_autofree char *summary = g_strndup(text, len);
	g_auto(GStrv) parts = g_strsplit(summary, "'", -1);
	return g_strjoinv("'\\''", parts);
}

static void put_name(const struct command *c)
{
	printf(" %s", c->name);
}

/* --- bash --- */

static void bash_option(const struct command *c, const struct lanlet_option *o)
{
	printf(" --%s", o->name);
}

static void bash_command(const struct command *c)
{
	printf("\t%s) options=\"", c->name);
	for_each_option(c, bash_option);
	puts(takes_file(c) ? "\" files=1 ;;" : "\" ;;");
}

static void bash_value(const struct command *c, const struct lanlet_option *o)
{
	g_autofree char *words = choices(o);
	if (words[0])
		printf("\t%s:--%s) COMPREPLY=($(compgen -W \"%s\" -- \"$word\")); return ;;\n", c->name, o->name, words);
	else if (is_path(o))
		printf("\t%s:--%s) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n", c->name, o->name);
	else if (o->argument)
		printf("\t%s:--%s) return ;;\n", c->name, o->name);
}

static void bash_values(const struct command *c)
{
	for_each_option(c, bash_value);
}

static void put_bash(void)
{
	puts("# bash completion for lanlet, made from its tables of commands and options\n"
	     "_lanlet() {\n"
	     "\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} options= files=\n"
	     "\tCOMPREPLY=()\n"
	     "\tif [ \"$COMP_CWORD\" -eq 1 ]; then");
	fputs("\t\tCOMPREPLY=($(compgen -W \"", stdout);
	for_each_command(put_name);
	puts(" --help --version\" -- \"$word\"))\n\t\treturn\n\tfi\n\tcase \"$command:$before\" in");
	for_each_command(bash_values);
	puts("\tesac\n\tcase \"$command\" in");
	for_each_command(bash_command);
	puts("\tesac\n"
	     "\tif [ -n \"$files\" ] && [ \"${word#-}\" = \"$word\" ]; then\n"
	     "\t\tCOMPREPLY=($(compgen -f -- \"$word\"))\n\t\treturn\n\tfi\n"
	     "\tCOMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
	     "}\n"
	     "complete -F _lanlet lanlet");
}

/* --- zsh --- */

static void zsh_summary(const struct command *c)
{
	g_autofree char *text = summary_of(c->summary);
	printf("\t\t'%s:%s'\n", c->name, text);
}

static void zsh_option(const struct command *c, const struct lanlet_option *o)
{
	g_autofree char *text = summary_of(o->help), *words = choices(o);
	printf(" \\\n\t\t\t'%s--%s[%s]", o->repeatable ? "*" : "", o->name, text);
	if (o->argument)
		printf(":value:%s%s%s", words[0] ? "(" : is_path(o) ? "_files" : "", words, words[0] ? ")" : "");
	putchar('\'');
}

static void zsh_command(const struct command *c)
{
	printf("\t%s)\n\t\t_arguments", c->name);
	for_each_option(c, zsh_option);
	puts(takes_file(c) ? " \\\n\t\t\t'1:file:_files'\n\t\t;;" : "\n\t\t;;");
}

static void put_zsh(void)
{
	puts("#compdef lanlet\n# zsh completion for lanlet, made from its tables of commands and options\n_lanlet() {\n\tlocal -a "
	     "commands\n\tcommands=(");
	for_each_command(zsh_summary);
	puts("\t)\n\tif (( CURRENT == 2 )); then\n\t\t_describe command commands\n\t\treturn\n\tfi\n\tlocal command=$words[2]\n"
	     "\tshift words\n\t(( CURRENT-- ))\n\tcase $command in");
	for_each_command(zsh_command);
	puts("\tesac\n}\n_lanlet \"$@\"");
}

/* --- fish --- */

static void fish_option(const struct command *c, const struct lanlet_option *o)
{
	g_autofree char *text = summary_of(o->help), *words = choices(o);
	printf("complete -c lanlet -n '__fish_seen_subcommand_from %s' -l %s -d '%s'", c->name, o->name, text);
	if (words[0])
		printf(" -x -a '%s'", words);
	else if (o->argument)
		fputs(is_path(o) ? " -r -F" : " -x", stdout);
	putchar('\n');
}

static void fish_command(const struct command *c)
{
	g_autofree char *text = summary_of(c->summary);
	printf("complete -c lanlet -n __fish_use_subcommand -a %s -d '%s'\n", c->name, text);
	for_each_option(c, fish_option);
	if (takes_file(c))
		printf("complete -c lanlet -n '__fish_seen_subcommand_from %s' -F\n", c->name);
}

static void put_fish(void)
{
	puts("# fish completion for lanlet, made from its tables of commands and options\ncomplete -c lanlet -f");
	for_each_command(fish_command);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *shell;
		void (*put)(void);
	} shells[] = { { "bash", put_bash }, { "zsh", put_zsh }, { "fish", put_fish } };
	for (size_t i = 0; argc == 2 && i < G_N_ELEMENTS(shells); i++) {
		if (strcmp(argv[1], shells[i].shell) != 0)
			continue;
		shells[i].put();
		return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	fputs("completions: bash, zsh or fish?\n", stderr);
	return EXIT_FAILURE;
}
