/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An input is the number of descriptors, then one message: header and payload. */
#include "link/vhost/protocol.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct protocol_header h;
	struct protocol_message m;
	if (size < 1 + PROTOCOL_HEADER_LEN || protocol_header_parse(data + 1, &h) < 0)
		return 0;
	size_t there = size - 1 - PROTOCOL_HEADER_LEN;
	if (h.size > there)
		h.size = (uint32_t)there;
	uint8_t *payload = malloc(h.size + 1); /* of its own, so that reading behind it shows */
	if (!payload)
		return 0;
	memcpy(payload, data + 1 + PROTOCOL_HEADER_LEN, h.size);
	if (protocol_parse(&h, payload, data[0] % (PROTOCOL_FDS_MAX + 1), &m) == 0) {
		check(m.n_fds <= PROTOCOL_FDS_MAX);
		if (m.request == PROTOCOL_SET_MEM_TABLE)
			check(m.regions.n == m.n_fds);
		if (m.request == PROTOCOL_GET_CONFIG)
			check(m.config.size <= PROTOCOL_CONFIG_MAX);
		if (m.request == PROTOCOL_SET_VRING_KICK)
			check(m.fd.has_fd == (m.n_fds == 1));
	}
	free(payload);
	return 0;
}
