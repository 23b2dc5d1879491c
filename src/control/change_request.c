/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/change_request.h"

#include "control/request.h"

#include <errno.h>
#include <libsoup/soup.h>

struct change_request {
	int (*change)(struct lanlet_network *n, const char *text, char *error, size_t size);
	int result;
	char error[512];
	char text[512];
};

static void work(struct lanlet_network *n, usec_t now, void *data)
{
	struct change_request *c = data;
	c->result = c->change(n, c->text, c->error, sizeof(c->error));
}

static unsigned status_of(int error)
{
	switch (error) {
	case -EINVAL:
	case -EADDRNOTAVAIL:
	case -ENAMETOOLONG: return SOUP_STATUS_BAD_REQUEST;
	case -EPERM:
	case -EACCES: return SOUP_STATUS_FORBIDDEN;
	case -ENOENT: return SOUP_STATUS_NOT_FOUND;
	case -EEXIST:
	case -EADDRINUSE: return SOUP_STATUS_CONFLICT;
	default: return SOUP_STATUS_INTERNAL_SERVER_ERROR;
	}
}

static void respond_number(struct request *r, int number)
{
	struct json j = { .text = g_string_new(NULL) };
	json_open_object(&j, NULL);
	json_unsigned(&j, "id", (uint64_t)number);
	json_close_object(&j);
	request_respond_json(r, j.text);
}

static void done(struct request *r, void *data)
{
	const struct change_request *c = data;
	if (c->result < 0)
		request_fail(r, status_of(c->result), "%s", c->error);
	else if (c->result > 0)
		respond_number(r, c->result);
	else
		request_respond_nothing(r);
}

void request_change(struct request *r, const char *text,
		    int (*change)(struct lanlet_network *n, const char *text, char *error, size_t size))
{
	struct change_request *c = g_new0(struct change_request, 1);
	c->change = change;
	if (g_strlcpy(c->text, text, sizeof(c->text)) < sizeof(c->text)) {
		request_ask(r, work, done, c);
		return;
	}
	g_free(c);
	request_fail(r, SOUP_STATUS_BAD_REQUEST, "the values are too long");
}
