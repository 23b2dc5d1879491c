/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/help.h"

#include "app/command.h"
#include "lanlet.h"

#include <glib.h>
#include <string.h>

#define WIDTH 80u
#define NAME_INDENT 2u
#define TEXT_INDENT 8u

static void add_spaces(GString *out, size_t n)
{
	g_string_append_printf(out, "%*s", (int)n, "");
}

/* Appends @text from column @column on, wrapped at WIDTH with @indent for further lines, and a line feed. */
static void add_wrapped(GString *out, size_t column, size_t indent, const char *text)
{
	g_auto(GStrv) words = g_strsplit(text, " ", -1);
	for (size_t i = 0; words[i]; i++) {
		size_t len = (size_t)g_utf8_strlen(words[i], -1);
		if (i > 0 && column + 1 + len > WIDTH) {
			g_string_append_c(out, '\n');
			add_spaces(out, indent);
			column = indent;
		} else if (i > 0) {
			g_string_append_c(out, ' ');
			column++;
		}
		g_string_append(out, words[i]);
		column += len;
	}
	g_string_append_c(out, '\n');
}

static void add_paragraph(GString *out, size_t indent, const char *text)
{
	add_spaces(out, indent);
	add_wrapped(out, indent, indent, text);
}

static size_t longest_choice(const struct lanlet_option *o)
{
	size_t most = 0;
	const char *word, *help;
	for (size_t i = 0; (word = lanlet_option_choice(o, i, &help)); i++)
		most = MAX(most, strlen(word));
	return most;
}

static void add_choices(GString *out, const struct lanlet_option *o)
{
	size_t column = TEXT_INDENT + 2 + longest_choice(o) + 2;
	const char *word, *help;
	for (size_t i = 0; (word = lanlet_option_choice(o, i, &help)); i++) {
		g_string_append_printf(out, "%*s%-*s", (int)TEXT_INDENT + 2, "", (int)(column - TEXT_INDENT - 2), word);
		add_wrapped(out, column, column, help);
	}
}

static void add_option(GString *out, const struct lanlet_option *o)
{
	g_string_append_printf(out, "%*s--%s%s%s\n", (int)NAME_INDENT, "", o->name, o->argument ? " " : "", o->argument ? o->argument : "");
	g_autofree char *rest = o->default_value ? g_strdup_printf(" Default: %s.", o->default_value) : g_strdup("");
	g_autofree char *text = g_strconcat(o->help, o->repeatable ? " Can be given several times." : "", rest, NULL);
	add_paragraph(out, TEXT_INDENT, text);
	add_choices(out, o);
}

char *help_program(void)
{
	GString *out = g_string_new("Usage: lanlet COMMAND [NAME | WORD...] [OPTION...]\n\n");
	add_paragraph(out, 0,
		      "lanlet gives your virtual machines libvirt's default network without root: a virtual switch (bridge) with gateway, "
		      "DHCP, DNS "
		      "and NAT, in one ordinary process. NAME is the network's name. Default: default.");
	g_string_append(out, "\nCommands:\n");
	for (size_t i = 0; command_at(i); i++)
		g_string_append_printf(out, "  %-10s%s\n", command_at(i)->name, command_at(i)->summary);
	g_string_append_c(out, '\n');
	add_paragraph(out, 0,
		      "lanlet COMMAND --help lists the options of a command, lanlet --version prints the version, man lanlet is the "
		      "manual.");
	return g_string_free(out, FALSE);
}

/* With a heading for each subject. */
static void add_network_options(GString *out)
{
	g_string_append(out, "\nOptions of the network, also accepted in the configuration file:\n");
	const struct lanlet_option *o;
	const char *subject = NULL;
	for (size_t i = 0; (o = lanlet_option_at(i)); i++) {
		if (lanlet_option_subject(o) != subject)
			g_string_append_printf(out, "\n %s:\n", subject = lanlet_option_subject(o));
		add_option(out, o);
	}
}

char *help_command(const struct command *command)
{
	GString *out = g_string_new(NULL);
	g_autofree char *usage =
		g_strdup_printf("Usage: lanlet %s %s [OPTION...]%s", command->name, command->operands ? command->operands : "[NAME]",
				command->takes_command ? " -- COMMAND [ARGUMENT...]" : "");
	add_wrapped(out, 0, TEXT_INDENT, usage);
	g_string_append_c(out, '\n');
	add_paragraph(out, 0, command->description);
	g_string_append(out, "\nOptions:\n");
	const struct flag *flag;
	for (size_t i = 0; (flag = command_flag_at(command, i)); i++)
		add_option(out, &flag->option);
	if (command->takes_options)
		add_network_options(out);
	return g_string_free(out, FALSE);
}
