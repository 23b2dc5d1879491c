/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GET /v1/capture: a packet capture as pcapng.  The answer ends with the port, or by DELETE /v1/captures/{id}.
 *
 *     COMPILING ──> STARTING ──> RUNNING ──> STOPPING ──> OVER
 *
 * A thread of its own compiles the filter, because libpcap resolves the host names in it.  Records are read from the ring of the capture
 * when the last piece has been sent: a client that does not read costs one piece, and loses records.  The stream outlives its request until
 * the network's thread has stopped the capture.
 */
#include "control/route/capture.h"

#include "base/macros.h"
#include "control/capture_filter.h"
#include "control/capture_writer.h"
#include "control/control_internal.h"
#include "control/job.h"
#include "control/request.h"
#include "control/values.h"
#include "network/capture.h"
#include "network/snapshot.h"

#include <errno.h>
#include <string.h>

/* A piece of the stream ends with the record that reaches this size. */
#define PIECE_BYTES ((gsize)128 * 1024)
/* An idle stream sends statistics: they show that a client is gone, and tell a reader that nothing was lost. */
#define HEARTBEAT_SECONDS 15
/* A reader may pause, as Wireshark or a pager does: it loses records, but not the capture. */
#define PATIENCE (3600 * USEC_PER_SEC)

enum phase {
	COMPILING,
	STARTING,
	RUNNING,
	STOPPING,
	OVER,
};

struct capture_stream {
	struct control *control;
	struct request *request; /* NULL: the client is gone */
	enum phase phase;
	struct capture_config config;
	char *filter_text; /* NULL: none */
	struct capture_filter *filter;
	struct capture *capture;
	struct capture_writer writer;
	int result; /* of capture_start() */
	bool begun, sending;
	struct job stop;
	struct call readable;
	atomic_bool posted;
	GSource *heartbeat;
};

static void stream_free(struct capture_stream *s)
{
	s->control->captures = g_list_remove(s->control->captures, s);
	if (s->heartbeat) {
		g_source_destroy(s->heartbeat);
		g_source_unref(s->heartbeat);
	}
	capture_writer_done(&s->writer);
	capture_free(s->capture);
	capture_filter_free(s->filter);
	g_free(s->filter_text);
	g_free(s);
}

void capture_streams_free(struct control *c)
{
	while (c->captures) {
		struct capture_stream *s = c->captures->data;
		if (s->capture)
			capture_stop(c->config.net, s->capture);
		stream_free(s);
	}
}

/* The data of a request is a pointer to the stream, because it is freed with the request. */
static struct capture_stream *stream_of(const struct request *r)
{
	return *(struct capture_stream **)request_data(r);
}

/* --- the end --- */

static void pump(struct capture_stream *s);

/* On the network's thread. */
static void stop_work(struct job *j, struct lanlet_network *n, usec_t now)
{
	capture_stop(n, container_of(j, struct capture_stream, stop)->capture);
}

static void stop_done(struct job *j)
{
	struct capture_stream *s = container_of(j, struct capture_stream, stop);
	s->phase = OVER;
	if (s->request)
		pump(s);
	else
		stream_free(s);
}

static void stop(struct capture_stream *s)
{
	s->phase = STOPPING;
	s->stop.work = stop_work;
	s->stop.done = stop_done;
	job_post(s->control, &s->stop);
}

static void request_ended(struct request *r)
{
	struct capture_stream *s = stream_of(r);
	s->request = NULL;
	if (s->phase == STARTING || s->phase == RUNNING)
		stop(s);
	else if (s->phase == OVER)
		stream_free(s);
}

static void refuse(struct capture_stream *s, unsigned status, const char *why)
{
	s->phase = OVER;
	request_fail(s->request, status, "%s", why);
}

/* --- the stream --- */

static void send_piece(struct capture_stream *s, GString *piece)
{
	s->sending = piece->len > 0;
	request_put(s->request, piece);
}

/* Sends the next piece, unless one is being sent. */
static void pump(struct capture_stream *s)
{
	if (s->sending)
		return;
	bool port_is_gone = capture_is_over(s->capture); /* before reading the last records */
	struct capture_record *record = NULL;
	GString *piece = g_string_new(NULL);
	if (!s->begun)
		capture_writer_begin(&s->writer, piece);
	s->begun = true;
	while (piece->len < PIECE_BYTES && (record = capture_read(s->capture))) {
		capture_writer_put(&s->writer, piece, record);
		capture_release(s->capture);
	}
	bool ends = s->phase == OVER && !record;
	if (ends)
		capture_writer_put_statistics(&s->writer, piece, capture_untold(s->capture));
	else if (port_is_gone && !record && s->phase == RUNNING)
		stop(s);
	send_piece(s, piece);
	if (ends)
		request_end(s->request);
}

static void piece_sent(struct request *r)
{
	struct capture_stream *s = stream_of(r);
	s->sending = false;
	pump(s);
}

/* On the network's thread. */
static void has_records(void *opaque)
{
	struct capture_stream *s = opaque;
	if (!atomic_exchange(&s->posted, true))
		call_queue_post(&s->control->finished, &s->readable);
}

static void read_records(struct call *call)
{
	struct capture_stream *s = container_of(call, struct capture_stream, readable);
	atomic_store(&s->posted, false); /* before reading: later records post again */
	if (s->request && s->phase == RUNNING)
		pump(s);
}

static gboolean beat(gpointer opaque)
{
	struct capture_stream *s = opaque;
	if (!s->request || s->phase != RUNNING || s->sending)
		return G_SOURCE_CONTINUE;
	GString *piece = g_string_new(NULL);
	capture_writer_put_statistics(&s->writer, piece, 0);
	send_piece(s, piece);
	return G_SOURCE_CONTINUE;
}

/* --- the beginning --- */

static void begin_stream(struct capture_stream *s)
{
	g_autofree char *id = g_strdup_printf("%u", capture_id(s->capture));
	s->phase = RUNNING;
	capture_writer_init(&s->writer);
	s->heartbeat = g_timeout_source_new_seconds(HEARTBEAT_SECONDS);
	g_source_set_callback(s->heartbeat, beat, s, NULL);
	g_source_attach(s->heartbeat, s->control->context);
	request_set_header(s->request, "Lanlet-Capture", id);
	request_set_patience(s->request, PATIENCE);
	request_stream(s->request, "application/x-pcapng", piece_sent);
}

/* On the network's thread. */
static void start_work(struct lanlet_network *n, usec_t now, void *data)
{
	struct capture_stream *s = *(struct capture_stream **)data;
	s->result = capture_start(n, now, s->capture);
}

static void start_done(struct request *r, void *data)
{
	struct capture_stream *s = stream_of(r);
	const char *who = s->config.who;
	g_autofree char *why = NULL;
	switch (s->result) {
	case 0: begin_stream(s); return;
	case -EUSERS:
		why = g_strdup_printf("%u captures are running, and no more can", CAPTURES_MAX);
		refuse(s, SOUP_STATUS_SERVICE_UNAVAILABLE, why);
		return;
	default:
		why = g_strdup_printf(s->config.of == CAPTURE_OF_PORT ? "there is no port %s" : "no guest %s is known", who);
		refuse(s, SOUP_STATUS_NOT_FOUND, why);
	}
}

static void start(struct capture_stream *s)
{
	struct capture_config *config = &s->config;
	if (s->filter) {
		config->wants = capture_filter_wants;
		config->filter = s->filter;
		config->reach = capture_filter_reach(s->filter);
	}
	if (capture_new(config, &s->capture) < 0) {
		refuse(s, SOUP_STATUS_SERVICE_UNAVAILABLE, "out of memory");
		return;
	}
	s->phase = STARTING;
	request_ask(s->request, start_work, start_done, request_data(s->request));
}

/* --- compiling --- */

struct compilation {
	char *text;
	unsigned snaplen;
	struct capture_filter *filter;
	char *error;
	atomic_uint handed; /* see hand_over() */
};

/* For the thread sanitizer, which does not see the locks of GLib that order this. */
static void hand_over(struct compilation *c)
{
	atomic_fetch_add(&c->handed, 1);
}

static void compilation_free(gpointer opaque)
{
	struct compilation *c = opaque;
	hand_over(c);
	capture_filter_free(c->filter);
	g_free(c->error);
	g_free(c->text);
	g_free(c);
}

/* On a thread of GLib. */
static void compile(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
	struct compilation *c = data;
	hand_over(c);
	c->filter = capture_filter_new(c->text, c->snaplen, &c->error);
	hand_over(c);
	g_task_return_boolean(task, TRUE);
}

static void compiled(GObject *source, GAsyncResult *result, gpointer opaque)
{
	struct capture_stream *s = opaque;
	struct compilation *c = g_task_get_task_data(G_TASK(result));
	hand_over(c);
	g_autofree char *why = g_strdup_printf("filter \"%s\": %s", s->filter_text, c->error);
	s->filter = g_steal_pointer(&c->filter);
	hand_over(c);
	s->phase = OVER;
	if (!s->request)
		stream_free(s);
	else if (s->filter)
		start(s);
	else
		refuse(s, SOUP_STATUS_BAD_REQUEST, why);
}

static void begin_compiling(struct capture_stream *s)
{
	struct compilation *c = g_new0(struct compilation, 1);
	c->text = g_strdup(s->filter_text);
	c->snaplen = s->config.snaplen;
	hand_over(c);
	g_autoptr(GTask) task = g_task_new(NULL, NULL, compiled, s);
	g_task_set_task_data(task, c, compilation_free);
	s->phase = COMPILING;
	g_task_run_in_thread(task, compile);
}

/* --- what is asked for --- */

static bool take_who(struct request *r, struct capture_config *config)
{
	const char *port = request_parameter(r, "port"), *guest = request_parameter(r, "guest"), *who = port ? port : guest;
	if (port && guest) {
		request_fail(r, SOUP_STATUS_BAD_REQUEST, "port and guest cannot be given both");
		return false;
	}
	config->of = port ? CAPTURE_OF_PORT : guest ? CAPTURE_OF_GUEST : CAPTURE_OF_SEGMENT;
	if (!who || g_strlcpy(config->who, who, sizeof(config->who)) < sizeof(config->who))
		return true;
	request_fail(r, SOUP_STATUS_NOT_FOUND, "the name is too long");
	return false;
}

static bool take_number(struct request *r, const char *name, guint64 max, guint64 *ret)
{
	const char *text = request_parameter(r, name);
	if (!text || g_ascii_string_to_unsigned(text, 10, 0, max, ret, NULL))
		return true;
	request_fail(r, SOUP_STATUS_BAD_REQUEST, "%s=%s: expected a number from 0 to %" G_GUINT64_FORMAT, name, text, max);
	return false;
}

static bool take_config(struct request *r, struct capture_config *config)
{
	guint64 drops = 0, snaplen = 0;
	if (!take_who(r, config) || !take_number(r, "drops", 1, &drops) || !take_number(r, "snaplen", CAPTURE_SNAPLEN_MAX, &snaplen))
		return false;
	config->drops = drops;
	config->snaplen = snaplen ? (uint32_t)snaplen : CAPTURE_SNAPLEN_MAX;
	return true;
}

static void get_capture(struct request *r)
{
	struct capture_config config = { .of = CAPTURE_OF_SEGMENT };
	const char *filter = request_parameter(r, "filter");
	if (!take_config(r, &config))
		return;
	struct control *c = request_control(r);
	struct capture_stream *s = g_new0(struct capture_stream, 1);
	s->control = c;
	s->request = r;
	s->config = config;
	s->config.readable = has_records;
	s->config.opaque = s;
	s->readable.run = read_records;
	s->filter_text = filter && filter[0] ? g_strdup(filter) : NULL;
	g_strlcpy(s->config.filter_text, s->filter_text ? s->filter_text : "", sizeof(s->config.filter_text));
	s->writer = (struct capture_writer){
		.network = c->config.name, .version = c->config.version, .filter = s->filter_text, .snaplen = s->config.snaplen
	};
	c->captures = g_list_prepend(c->captures, s);
	request_set_data(r, g_memdup2(&s, sizeof(s)), request_ended);
	if (s->filter_text)
		begin_compiling(s);
	else
		start(s);
}

/* --- running captures --- */

#define SLICE 16u

static unsigned fetch(struct lanlet_network *n, usec_t now, const void *filter, uint64_t *cursor, void *items, unsigned max)
{
	return snapshot_captures(n, cursor, items, max);
}

static void write_capture(struct json *out, usec_t now, const void *item)
{
	const struct snapshot_capture *c = item;
	json_open_object(out, NULL);
	json_unsigned(out, "id", c->id);
	json_string(out, "port", c->of == CAPTURE_OF_PORT ? c->who : NULL);
	json_string(out, "guest", c->of == CAPTURE_OF_GUEST ? c->who : NULL);
	json_string(out, "filter", c->filter[0] ? c->filter : NULL);
	json_bool(out, "drops", c->drops);
	json_unsigned(out, "snaplen", c->snaplen);
	json_unsigned(out, "records", c->records);
	json_unsigned(out, "lost", c->lost);
	json_time(out, "started", now, c->started);
	json_close_object(out);
}

static const struct listing captures = {
	.name = "captures",
	.item_size = sizeof(struct snapshot_capture),
	.slice = SLICE,
	.fetch = fetch,
	.write = write_capture,
};

static void get_captures(struct request *r)
{
	request_list(r, &captures, NULL);
}

static void delete_capture(struct request *r)
{
	guint64 id = 0;
	bool is_number = g_ascii_string_to_unsigned(request_part(r, 0), 10, 1, G_MAXUINT, &id, NULL);
	for (GList *l = request_control(r)->captures; is_number && l; l = l->next) {
		struct capture_stream *s = l->data;
		if (s->phase != RUNNING || capture_id(s->capture) != id)
			continue;
		stop(s);
		request_respond_nothing(r);
		return;
	}
	request_fail(r, SOUP_STATUS_NOT_FOUND, "there is no capture %s", request_part(r, 0));
}

const struct route routes_capture[] = {
	{ "GET", "/v1/capture", get_capture, .parameters = "port guest filter drops snaplen", .live = true },
	{ "GET", "/v1/captures", get_captures },
	{ "DELETE", "/v1/captures/{id}", delete_capture },
	{ NULL },
};
