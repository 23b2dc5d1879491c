/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/arguments.h"

#include "app/command.h"
#include "app/failure.h"
#include "app/paths.h"

#include <string.h>

/* What the option called @name, of @len characters, is: a flag of the command or an option of the network. */
struct match {
	const struct flag *flag;
	const struct lanlet_option *option; /* of the flag or of the network; NULL: unknown */
};

static bool name_is(const struct lanlet_option *option, const char *name, size_t len)
{
	return strlen(option->name) == len && memcmp(option->name, name, len) == 0;
}

static struct match find_option(const struct command *command, const char *name, size_t len)
{
	const struct flag *flag;
	for (size_t i = 0; (flag = command_flag_at(command, i)); i++)
		if (name_is(&flag->option, name, len))
			return (struct match){ .flag = flag, .option = &flag->option };
	const struct lanlet_option *option;
	for (size_t i = 0; command->takes_options && (option = lanlet_option_at(i)); i++)
		if (name_is(option, name, len))
			return (struct match){ .option = option };
	return (struct match){ 0 };
}

static bool store(const struct flag *flag, struct arguments *a, const char *value, GError **error)
{
	char *object = flag->share ? (char *)a : a->flags;
	return flag->store(flag, value, object + flag->offset, error);
}

/* Takes "--name=value", "--name value" or, for a switch, "--name" at *@argv, and moves *@argv to the last word taken. */
static bool take_option(const struct command *command, char ***argv, struct arguments *a, GError **error)
{
	const char *word = **argv, *name = word + 2;
	size_t len = strcspn(name, "=");
	const char *value = name[len] == '=' ? name + len + 1 : NULL;
	struct match m = find_option(command, name, len);
	if (!m.option)
		return fail(error, FAILURE_USAGE, "unknown option %.*s: try lanlet %s --help", (int)len + 2, word, command->name);
	if (!m.option->argument && m.flag && value)
		return fail(error, FAILURE_USAGE, "--%s takes no value", m.option->name);
	if (!value && m.option->argument)
		value = *++*argv;
	else if (!value)
		value = "true";
	if (!value)
		return fail(error, FAILURE_USAGE, "--%s needs a value: --%s %s", m.option->name, m.option->name, m.option->argument);
	if (m.flag)
		return store(m.flag, a, value, error);
	struct argument_setting setting = { m.option->name, value };
	g_array_append_val(a->settings, setting);
	return true;
}

static bool take_name(struct arguments *a, const char *word, GError **error)
{
	if (a->network)
		return fail(error, FAILURE_USAGE, "unexpected argument \"%s\": the network's name is \"%s\"", word, a->network);
	a->network = word;
	return network_name_check(word, error);
}

static bool take_operand(const struct command *command, struct arguments *a, const char *word, GError **error)
{
	if (!command->operands)
		return take_name(a, word, error);
	if (a->n_operands == command->max_operands)
		return fail(error, FAILURE_USAGE, "unexpected argument \"%s\": lanlet %s %s", word, command->name, command->operands);
	a->operands[a->n_operands++] = word;
	return true;
}

static bool take_command(char **words, struct arguments *a)
{
	a->command = (const char *const *)words;
	return true;
}

static bool take_word(const struct command *command, char ***argv, struct arguments *a, bool *names_only, GError **error)
{
	const char *word = **argv;
	if (*names_only || word[0] != '-')
		return take_operand(command, a, word, error);
	if (strcmp(word, "-h") == 0)
		return a->help = true;
	if (strcmp(word, "--") == 0 && command->takes_command)
		return take_command(*argv + 1, a);
	if (strcmp(word, "--") == 0)
		return *names_only = true;
	if (word[1] != '-')
		return fail(error, FAILURE_USAGE, "unknown option %s: try lanlet %s --help", word, command->name);
	return take_option(command, argv, a, error);
}

bool arguments_parse(const struct command *command, char **argv, struct arguments *ret, GError **error)
{
	*ret = (struct arguments){ .settings = g_array_new(FALSE, FALSE, sizeof(struct argument_setting)) };
	ret->flags = g_malloc0(command->flags_size);
	if (command->flags_initial)
		memcpy(ret->flags, command->flags_initial, command->flags_size);
	bool names_only = false;
	for (; *argv && !ret->command; argv++)
		if (!take_word(command, &argv, ret, &names_only, error))
			return false;
	ret->is_named = ret->network;
	if (!ret->network)
		ret->network = NETWORK_DEFAULT_NAME;
	if (command->takes_command && !ret->help && (!ret->command || !ret->command[0]))
		return fail(error, FAILURE_USAGE, "missing COMMAND: lanlet %s [NAME] -- COMMAND [ARGUMENT...]", command->name);
	if (ret->n_operands < command->min_operands && !ret->help)
		return fail(error, FAILURE_USAGE, "missing argument: lanlet %s %s", command->name, command->operands);
	return true;
}

void arguments_done(struct arguments *a)
{
	if (a->settings)
		g_array_unref(a->settings);
	g_free(a->flags);
	*a = (struct arguments){ .flags = NULL };
}

char *arguments_runtime_dir(const struct arguments *a)
{
	return a->runtime_dir ? g_strdup(a->runtime_dir) : path_default_runtime_dir(a->network);
}
