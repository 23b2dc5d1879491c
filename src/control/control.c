/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/control.h"

#include "base/macros.h"
#include "control/control_internal.h"
#include "control/job.h"
#include "control/reload.h"
#include "control/route/capture.h"
#include "control/route/connect.h"
#include "control/route/events.h"
#include "control/server.h"
#include "host/clock.h"
#include "network/network.h"

#include <glib-unix.h>
#include <stdarg.h>
#include <sys/signalfd.h>
#include <unistd.h>

void control_log(const struct control *c, enum lanlet_log_level level, const char *format, ...)
{
	if (!c->config.log)
		return;
	va_list args;
	va_start(args, format);
	g_autofree char *line = g_strdup_vprintf(format, args);
	va_end(args);
	c->config.log(c->config.log_opaque, level, line);
}

/* --- jobs --- */

static void run_done(struct call *call)
{
	struct job *j = container_of(call, struct job, call);
	j->done(j);
}

/* On the network's thread. */
static void run_work(struct call *call)
{
	struct job *j = container_of(call, struct job, call);
	j->work(j, j->control->config.net, clock_now());
	j->call.run = run_done;
	call_queue_post(&j->control->finished, &j->call);
}

void job_post(struct control *c, struct job *j)
{
	j->control = c;
	j->call.run = run_work;
	network_post(c->config.net, &j->call);
}

static gboolean jobs_finished(gint fd, GIOCondition condition, gpointer opaque)
{
	struct control *c = opaque;
	struct call *call = call_queue_take(&c->finished);
	if (call)
		call->run(call);
	return G_SOURCE_CONTINUE;
}

static bool take_finished_jobs(struct control *c, GError **error)
{
	int r = call_queue_init(&c->finished);
	if (r < 0) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(-r), "eventfd: %s", g_strerror(-r));
		return false;
	}
	c->finished_source = g_unix_fd_source_new(c->finished.fd, G_IO_IN);
	g_source_set_callback(c->finished_source, G_SOURCE_FUNC(jobs_finished), c, NULL);
	g_source_attach(c->finished_source, c->context);
	return true;
}

/* --- life --- */

static void *thread_main(void *opaque)
{
	struct control *c = opaque;
	g_main_context_push_thread_default(c->context);
	g_main_loop_run(c->loop);
	g_main_context_pop_thread_default(c->context);
	return NULL;
}

static gboolean reload_asked_for(gint fd, GIOCondition condition, gpointer opaque)
{
	struct signalfd_siginfo info;
	if (read(fd, &info, sizeof(info)) == sizeof(info))
		reload_now(opaque);
	return G_SOURCE_CONTINUE;
}

static void watch_reload(struct control *c)
{
	if (c->config.reload_fd < 0)
		return;
	c->reload_source = g_unix_fd_source_new(c->config.reload_fd, G_IO_IN);
	g_source_set_callback(c->reload_source, G_SOURCE_FUNC(reload_asked_for), c, NULL);
	g_source_attach(c->reload_source, c->context);
}

/* GLib's worker, the one that starts threads of its pool (newer versions have it), one of the pool, and that of the control plane. */
#define THREADS 4

static void *wait_for_lock(void *lock)
{
	g_mutex_lock(lock);
	g_mutex_unlock(lock);
	return NULL;
}

/* Whether the user may have as many threads as are needed (RLIMIT_NPROC). */
static bool may_have_threads(GError **error)
{
	GThread *threads[THREADS];
	GMutex lock;
	unsigned n = 0;
	g_mutex_init(&lock);
	g_mutex_lock(&lock);
	while (n < THREADS && (threads[n] = g_thread_try_new("probe", wait_for_lock, &lock, error)))
		n++;
	g_mutex_unlock(&lock);
	for (unsigned i = 0; i < n; i++)
		g_thread_join(threads[i]);
	g_mutex_clear(&lock);
	return n == THREADS;
}

static void do_nothing(GTask *task, void *source, void *data, GCancellable *cancellable)
{
	g_task_return_boolean(task, TRUE);
}

/*
 * Asynchronous operations of GLib need a worker thread, without which it ends the process, and some a thread of a pool, without which
 * they never end.  So both are made now, and stay, instead of by the first request, when the user may have no more threads.
 */
static bool make_threads_of_glib(GError **error)
{
	if (!may_have_threads(error))
		return false;
	g_thread_pool_set_max_idle_time(0);
	g_autoptr(GTask) task = g_task_new(NULL, NULL, NULL, NULL);
	g_task_run_in_thread_sync(task, do_nothing);
	return true;
}

static bool start(struct control *c, GError **error)
{
	g_main_context_push_thread_default(c->context);
	bool good = make_threads_of_glib(error) && take_finished_jobs(c, error);
	event_hub_init(&c->events, &c->finished, c->context, event_stream_wake, event_stream_beat);
	watch_reload(c);
	if (good)
		c->server = server_new(c, error);
	g_main_context_pop_thread_default(c->context);
	if (c->server)
		c->thread = g_thread_try_new("control", thread_main, c, error);
	return c->thread;
}

struct control *control_new(const struct control_config *config, GError **error)
{
	struct control *c = g_new0(struct control, 1);
	c->config = *config;
	c->config.name = g_strdup(config->name);
	c->config.version = g_strdup(config->version);
	c->config.socket = g_strdup(config->socket);
	c->config.listen = g_strdup(config->listen);
	c->config.token_file = g_strdup(config->token_file);
	list_init(&c->connects);
	c->context = g_main_context_new();
	c->loop = g_main_loop_new(c->context, FALSE);
	if (start(c, error))
		return c;
	control_free(c);
	return NULL;
}

static gboolean quit(gpointer opaque)
{
	g_main_loop_quit(opaque);
	return G_SOURCE_REMOVE;
}

/* From within the loop, because g_main_loop_quit() has no effect before the thread has entered it. */
static void end_thread(struct control *c)
{
	g_autoptr(GSource) source = g_idle_source_new();
	g_source_set_callback(source, quit, c->loop, NULL);
	g_source_attach(source, c->context);
	g_thread_join(c->thread);
}

static void drop_source(GSource *source)
{
	if (!source)
		return;
	g_source_destroy(source);
	g_source_unref(source);
}

void control_free(struct control *c)
{
	if (!c)
		return;
	if (c->thread)
		end_thread(c);
	network_forget_calls(c->config.net); /* of requests that are freed now */
	connects_cancel(c);
	g_main_context_push_thread_default(c->context);
	server_free(c->server);
	g_main_context_pop_thread_default(c->context);
	network_forget_calls(c->config.net); /* that these posted as they ended */
	capture_streams_free(c);
	event_hub_done(&c->events);
	drop_source(c->finished_source);
	drop_source(c->reload_source);
	call_queue_done(&c->finished);
	g_main_loop_unref(c->loop);
	g_main_context_unref(c->context);
	g_free((char *)c->config.name);
	g_free((char *)c->config.version);
	g_free((char *)c->config.socket);
	g_free((char *)c->config.listen);
	g_free((char *)c->config.token_file);
	g_free(c);
}
