/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/arguments.h"
#include "app/command.h"
#include "app/console.h"
#include "app/exec/inherited.h"
#include "app/failure.h"
#include "app/help.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* If a standard descriptor is closed, the next file opened would take its number. */
static bool fill_standard_descriptors(void)
{
	int fd;
	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static bool print(const char *text)
{
	return fputs(text, stdout) >= 0 && fflush(stdout) == 0;
}

static bool print_help(const struct command *command)
{
	g_autofree char *text = command ? help_command(command) : help_program();
	return print(text);
}

static bool run_command(const struct command *command, char **argv, GError **error)
{
	struct arguments a;
	bool good = arguments_parse(command, argv, &a, error);
	if (good)
		good = a.help ? print_help(command) : command->run(&a, error);
	arguments_done(&a);
	return good;
}

static bool run_word(char **argv, GError **error)
{
	const char *word = argv[1];
	if (!word)
		return fail(error, FAILURE_USAGE, "missing command: try lanlet --help");
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0)
		return print_help(NULL);
	if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
		return print("lanlet " LANLET_VERSION "\n");
	const struct command *command = command_find(word);
	if (!command)
		return fail(error, FAILURE_USAGE, "unknown command \"%s\": try lanlet --help", word);
	return run_command(command, argv + 2, error);
}

int main(int argc, char **argv)
{
	if (!fill_standard_descriptors())
		return EXIT_FAILURE;
	inherited_save();
	signal(SIGPIPE, SIG_IGN);
	g_autoptr(GError) error = NULL;
	if (run_word(argv, &error))
		return EXIT_SUCCESS;
	struct console console;
	console_init(&console);
	console_log(&console, LANLET_LOG_ERROR, error ? error->message : "cannot write to standard output");
	return error && error->domain == failure_quark() ? error->code : EXIT_FAILURE;
}
