/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reload by SIGHUP, and by POST /v1/reload, which answers with what took effect and what needs a restart. */
#include "control/reload.h"

#include "base/macros.h"
#include "control/control_internal.h"
#include "control/job.h"
#include "control/request.h"
#include "network/change.h"
#include "lanlet.h"

#include <errno.h>

struct reload {
	struct lanlet_config *config;
	struct change_report report;
	int result;
	char error[512];
};

/* NULL on failure, with the reason in *@ret_error, to be g_free()d. */
static struct lanlet_config *read_config(const struct control *c, char **ret_error)
{
	if (c->config.read_config)
		return c->config.read_config(c->config.read_opaque, ret_error);
	*ret_error = g_strdup("this network has no configuration to reload");
	return NULL;
}

/* On the network's thread. */
static void apply(struct lanlet_network *n, struct reload *l)
{
	l->result = change_reload(n, l->config, &l->report, l->error, sizeof(l->error));
}

/* The options with @change, comma-separated.  A string to g_free(). */
static char *list(const struct change_report *report, enum change change)
{
	GString *out = g_string_new(NULL);
	for (unsigned i = 0; i < report->n; i++)
		if (report->options[i].change == change)
			g_string_append_printf(out, "%s%s", out->len ? ", " : "", report->options[i].option);
	return g_string_free(out, FALSE);
}

static void log_outcome(const struct control *c, const struct reload *l)
{
	if (l->result < 0) {
		control_log(c, LANLET_LOG_ERROR, "reload: %s; nothing is changed", l->error);
		return;
	}
	g_autofree char *done = list(&l->report, CHANGE_DONE), *restart = list(&l->report, CHANGE_RESTART);
	control_log(c, LANLET_LOG_INFO, "reloaded: %s", done[0] ? done : "nothing that could change has changed");
	if (restart[0])
		control_log(c, LANLET_LOG_WARNING, "reload: options that need a restart: %s; their old values stay in effect", restart);
}

/* --- by a signal --- */

struct signal_reload {
	struct job job;
	struct reload reload;
};

static void signal_work(struct job *j, struct lanlet_network *n, usec_t now)
{
	apply(n, &container_of(j, struct signal_reload, job)->reload);
}

static void signal_done(struct job *j)
{
	struct signal_reload *s = container_of(j, struct signal_reload, job);
	log_outcome(j->control, &s->reload);
	lanlet_config_free(s->reload.config);
	g_free(s);
}

void reload_now(struct control *c)
{
	g_autofree char *error = NULL;
	struct lanlet_config *config = read_config(c, &error);
	if (!config) {
		control_log(c, LANLET_LOG_ERROR, "reload: %s; nothing is changed", error);
		return;
	}
	struct signal_reload *s = g_new0(struct signal_reload, 1);
	s->job.work = signal_work;
	s->job.done = signal_done;
	s->reload.config = config;
	job_post(c, &s->job);
}

/* --- by a request --- */

static void request_work(struct lanlet_network *n, usec_t now, void *data)
{
	apply(n, data);
}

static void write_options(struct json *j, const char *key, const struct change_report *report, enum change change)
{
	json_open_array(j, key);
	for (unsigned i = 0; i < report->n; i++)
		if (report->options[i].change == change)
			json_string(j, NULL, report->options[i].option);
	json_close_array(j);
}

static void request_done(struct request *r, void *data)
{
	const struct reload *l = data;
	log_outcome(request_control(r), l);
	if (l->result < 0) {
		request_fail(r, l->result == -ENOMEM ? SOUP_STATUS_INTERNAL_SERVER_ERROR : SOUP_STATUS_CONFLICT, "%s", l->error);
		return;
	}
	struct json j = { .text = g_string_new(NULL) };
	json_open_object(&j, NULL);
	write_options(&j, "changed", &l->report, CHANGE_DONE);
	write_options(&j, "need_restart", &l->report, CHANGE_RESTART);
	json_close_object(&j);
	request_respond_json(r, j.text);
}

static void request_ended(struct request *r)
{
	struct reload *l = request_data(r);
	lanlet_config_free(l->config);
}

static void post_reload(struct request *r)
{
	g_autofree char *error = NULL;
	struct lanlet_config *config = read_config(request_control(r), &error);
	if (!config) {
		request_fail(r, SOUP_STATUS_CONFLICT, "%s", error);
		return;
	}
	struct reload *l = g_new0(struct reload, 1);
	l->config = config;
	request_set_data(r, l, request_ended);
	request_ask(r, request_work, request_done, l);
}

const struct route routes_reload[] = {
	{ "POST", "/v1/reload", post_reload },
	{ NULL },
};
