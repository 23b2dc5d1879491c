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
		return SOUP_STATUS_BAD_REQUEST;
	case -EPERM:
		return SOUP_STATUS_FORBIDDEN;
	case -ENOENT:
		return SOUP_STATUS_NOT_FOUND;
	case -EEXIST:
		return SOUP_STATUS_CONFLICT;
	default:
		return SOUP_STATUS_INTERNAL_SERVER_ERROR;
	}
}

static void done(struct request *r, void *data)
{
	const struct change_request *c = data;
	if (c->result < 0)
		request_fail(r, status_of(c->result), "%s", c->error);
	else
		request_respond_nothing(r);
}

void request_change(struct request *r, const char *text, int (*change)(struct lanlet_network *n, const char *text, char *error, size_t size))
{
	struct change_request *c = g_new0(struct change_request, 1);
	c->change = change;
	if (g_strlcpy(c->text, text, sizeof(c->text)) < sizeof(c->text)) {
		request_ask(r, work, done, c);
		return;
	}
	g_free(c);
	request_fail(r, SOUP_STATUS_BAD_REQUEST, "that is too long");
}
