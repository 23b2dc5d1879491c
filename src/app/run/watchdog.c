/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/run/watchdog.h"

#include "app/failure.h"
#include "app/run/notify.h"
#include "lanlet.h"

#include <errno.h>
#include <poll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

struct watchdog {
	int fd;
	struct lanlet_watch *watch;
};

/* The watchdog interval of the service manager; 0: no watchdog for this process. */
static guint64 watched_usec(void)
{
	const char *usec_text = g_getenv("WATCHDOG_USEC"), *pid_text = g_getenv("WATCHDOG_PID");
	guint64 usec, pid;
	if (!usec_text || !g_ascii_string_to_unsigned(usec_text, 10, 1, G_MAXINT64, &usec, NULL))
		return 0;
	if (pid_text && (!g_ascii_string_to_unsigned(pid_text, 10, 1, G_MAXINT, &pid, NULL) || pid != (guint64)getpid()))
		return 0;
	return usec;
}

static void timer_expired(void *opaque, short events)
{
	struct watchdog *w = opaque;
	guint64 times;
	if (read(w->fd, &times, sizeof(times)) == sizeof(times))
		notify_manager("WATCHDOG=1", NULL);
}

/* Twice as often as required, as sd_watchdog_enabled(3) recommends. */
static struct itimerspec every_half(guint64 usec)
{
	guint64 half = MAX(usec / 2, 1);
	struct timespec t = { .tv_sec = (time_t)(half / G_USEC_PER_SEC), .tv_nsec = (long)(half % G_USEC_PER_SEC * 1000) };
	return (struct itimerspec){ .it_interval = t, .it_value = t };
}

bool watchdog_new(struct lanlet_network *net, struct watchdog **ret, GError **error)
{
	guint64 usec = watched_usec();
	*ret = NULL;
	if (usec == 0)
		return true;
	struct itimerspec period = every_half(usec);
	struct watchdog *w = g_new0(struct watchdog, 1);
	w->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	int r = w->fd < 0 || timerfd_settime(w->fd, 0, &period, NULL) < 0 ? -errno : 0;
	if (r == 0)
		r = lanlet_network_watch(net, w->fd, POLLIN, timer_expired, w, &w->watch);
	if (r < 0) {
		watchdog_free(w);
		return fail(error, FAILURE_GENERAL, "the service manager's watchdog: %s", g_strerror(-r));
	}
	*ret = w;
	return true;
}

void watchdog_free(struct watchdog *w)
{
	if (!w)
		return;
	lanlet_watch_free(w->watch);
	if (w->fd >= 0)
		close(w->fd);
	g_free(w);
}
