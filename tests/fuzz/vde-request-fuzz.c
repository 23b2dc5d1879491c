/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a VDE client sends on the control socket, however it is cut: what was a request with fewer bytes stays one with more, or ends. */
#include "link/vde/request.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
	if (!condition)
		abort();
}

static int parse(const uint8_t *data, size_t len, struct vde_request *ret)
{
	uint8_t *copy = malloc(len + 1); /* of its own, so that reading behind it shows */
	if (!copy)
		exit(1);
	memcpy(copy, data, len);
	int r = vde_request_parse(copy, len, ret);
	free(copy);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vde_request q, before;
	if (size > VDE_REQUEST_SIZE)
		size = VDE_REQUEST_SIZE;
	int r = parse(data, size, &q), earlier = size > 0 ? parse(data, size - 1, &before) : -EAGAIN;
	check(r == 0 || r == -EAGAIN || r == -EBADMSG || r == -EPROTONOSUPPORT);
	check(earlier == -EAGAIN || r == earlier || (earlier == 0 && r == -EBADMSG));
	if (r < 0)
		return 0;
	check(q.version == 1 || q.version == 3);
	check(q.path[0] == '/' && memchr(q.path, '\0', sizeof(q.path)));
	for (const char *c = q.description; *c; c++)
		check(*c >= 0x20 && *c < 0x7f);
	return 0;
}
