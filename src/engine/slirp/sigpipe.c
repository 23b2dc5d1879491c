/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/slirp/sigpipe.h"

#include <pthread.h>
#include <stddef.h>
#include <time.h>

static bool is_ignored(void)
{
	struct sigaction now;
	return sigaction(SIGPIPE, NULL, &now) == 0 && !(now.sa_flags & SA_SIGINFO) && now.sa_handler == SIG_IGN;
}

static bool is_pending(void)
{
	sigset_t pending;
	return sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE);
}

static sigset_t only_sigpipe(void)
{
	sigset_t s;
	sigemptyset(&s);
	sigaddset(&s, SIGPIPE);
	return s;
}

void sigpipe_hold(struct sigpipe_guard *g)
{
	*g = (struct sigpipe_guard){ .active = !is_ignored() };
	if (!g->active)
		return;
	g->was_pending = is_pending();
	sigset_t s = only_sigpipe();
	pthread_sigmask(SIG_BLOCK, &s, &g->old_mask);
}

void sigpipe_release(struct sigpipe_guard *g)
{
	if (!g->active)
		return;
	if (!g->was_pending) {
		sigset_t s = only_sigpipe();
		const struct timespec at_once = { 0 };
		while (sigtimedwait(&s, NULL, &at_once) == SIGPIPE)
			;
	}
	pthread_sigmask(SIG_SETMASK, &g->old_mask, NULL);
}
