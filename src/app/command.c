/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/command.h"

#include <string.h>

#define COMMAND_POINTER(name) &command_##name,
static const struct command *const commands[] = { COMMANDS(COMMAND_POINTER) };
#undef COMMAND_POINTER

const struct command *command_at(size_t index)
{
	return index < G_N_ELEMENTS(commands) ? commands[index] : NULL;
}

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

const struct flag *command_flag_at(const struct command *c, size_t index)
{
	const struct flag *f;
	for (f = c->flags; f && f->store; f++)
		if (index-- == 0)
			return f;
	for (size_t i = 0; (f = shared_flag_at(i)); i++)
		if (f->share & (c->shares | FLAG_SHARED_BY_ALL) && index-- == 0)
			return f;
	return NULL;
}
