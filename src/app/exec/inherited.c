/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/exec/inherited.h"

#include <signal.h>
#include <sys/stat.h>

static mode_t file_mask;
static struct sigaction pipe_action;

void inherited_save(void)
{
	file_mask = umask(0077);
	sigaction(SIGPIPE, NULL, &pipe_action);
}

void inherited_restore(void)
{
	umask(file_mask);
	sigaction(SIGPIPE, &pipe_action, NULL);
}
