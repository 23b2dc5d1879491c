/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many idle virtual machines on vhost-user: each has memory, rings and receive buffers, sends one broadcast frame, and then waits
 * until standard input ends.
 */
#include "endpoint.h"

#include "support/vhost_front.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PORTS_MAX 1000
#define MEMORY ((size_t)64 * 1024 * 1024)
#define FEATURES \
	(UINT64_C(1) << VIRTIO_F_VERSION_1 | UINT64_C(1) << VHOST_USER_F_PROTOCOL_FEATURES | UINT64_C(1) << VIRTIO_NET_F_MRG_RXBUF | \
	 UINT64_C(1) << VIRTIO_F_EVENT_IDX)

static void no_turn(void *opaque)
{
}

/* Sends an ARP request with empty addresses, so that the switch learns the MAC. */
static void announce(struct vhost_front *f, unsigned number)
{
	uint8_t frame[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0x00, 0x01, (uint8_t)(number >> 8), (uint8_t)number,
			      0x08, 0x06, 0,    1,    0x08, 0,    6,    4,    0,    1 };
	memcpy(frame + 22, frame + 6, 6);
	vhost_front_send(f, NULL, frame, sizeof(frame), sizeof(frame) + NET_HEADER_LEN);
}

static struct vhost_front *connect_machine(const char *where, unsigned number)
{
	struct endpoint e;
	int r = endpoint_open(where, &e);
	if (r < 0) {
		fprintf(stderr, "vhost_ports: %s\n", strerror(-r));
		exit(1);
	}
	struct vhost_front *f = g_new0(struct vhost_front, 1);
	vhost_front_init_sized(f, e.fd, MEMORY, VHOST_FRONT_RING, no_turn, NULL);
	vhost_front_start(f, FEATURES);
	vhost_front_post(f, VHOST_FRONT_RING, VHOST_FRONT_BUFFER);
	vhost_front_kick(f, VHOST_FRONT_RX);
	announce(f, number);
	return f;
}

int main(int argc, char **argv)
{
	struct vhost_front *fronts[PORTS_MAX];
	int n = argc == 3 ? atoi(argv[1]) : 0;
	if (n < 1 || n > PORTS_MAX) {
		fprintf(stderr, "usage: vhost_ports NUMBER unix:PATH\n");
		return 2;
	}
	for (int i = 0; i < n; i++)
		fronts[i] = connect_machine(argv[2], (unsigned)i);
	puts("ready");
	fflush(stdout);
	char c;
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	for (int i = 0; i < n; i++) {
		vhost_front_done(fronts[i]);
		g_free(fronts[i]);
	}
	return 0;
}
