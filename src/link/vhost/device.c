/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/vhost/device.h"

#include "base/log.h"
#include "base/macros.h"
#include "lan/segment.h"
#include "link/vhost/guard.h"
#include "wire/eth.h"

#include <errno.h>
#include <unistd.h>

#define BIT(n) (UINT64_C(1) << (n))

const uint64_t vhost_features = BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_EVENT_IDX) | BIT(VIRTIO_F_INDIRECT_DESC) | BIT(VIRTIO_F_ANY_LAYOUT) |
				BIT(VHOST_USER_F_PROTOCOL_FEATURES) | BIT(VIRTIO_NET_F_MRG_RXBUF) | BIT(VIRTIO_NET_F_STATUS) |
				BIT(VIRTIO_NET_F_MTU) | BIT(VIRTIO_NET_F_MQ) | BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4) |
				BIT(VIRTIO_NET_F_HOST_TSO6) | BIT(VIRTIO_NET_F_HOST_ECN) | BIT(VIRTIO_NET_F_HOST_USO) |
				BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_GUEST_TSO4) | BIT(VIRTIO_NET_F_GUEST_TSO6) |
				BIT(VIRTIO_NET_F_GUEST_ECN) | BIT(VIRTIO_NET_F_GUEST_USO4) | BIT(VIRTIO_NET_F_GUEST_USO6);

const uint64_t vhost_protocol_features = BIT(PROTOCOL_F_MQ) | BIT(PROTOCOL_F_RARP) | BIT(PROTOCOL_F_REPLY_ACK) | BIT(PROTOCOL_F_NET_MTU) |
					 BIT(PROTOCOL_F_BACKEND_REQ) | BIT(PROTOCOL_F_CONFIG) | BIT(PROTOCOL_F_RESET_DEVICE) |
					 BIT(PROTOCOL_F_CONFIGURE_MEM_SLOTS) | BIT(PROTOCOL_F_STATUS);

/* A driver without MRG_RXBUF posts buffers of 1526 bytes, or of 65,562 if it takes super-frames (virtio 1.3 §5.1.6.3.1). */
#define FRAME_MAX_SMALL ((size_t)1526 - NET_HEADER_LEN)
#define FRAME_MAX_BIG ((size_t)65562 - NET_HEADER_LEN)
/* Enough buffers of an ordinary frame's size for two super-frames.  In a smaller ring there would never be room for one. */
#define SUPER_RING_SIZE_MIN 128

void vhost_device_update_port(struct vhost_device *d)
{
	unsigned offloads = net_header_offloads(d->features);
	bool mergeable = feature_has(d->features, VIRTIO_NET_F_MRG_RXBUF);
	if (mergeable && d->queues[0].setup.size < SUPER_RING_SIZE_MIN)
		offloads &= PORT_OFFLOAD_CHECKSUM;
	d->port.offloads = offloads;
	/* Such a driver posts buffers for packets of that size (virtio 1.3 §5.1.4.2). */
	d->port.agreed_mtu = feature_has(d->features, VIRTIO_NET_F_MTU) ? d->port.mtu : ETH_MTU;
	if (mergeable)
		d->port.max_frame = LINK_FRAME_MAX;
	else if (offloads & (PORT_OFFLOAD_TSO4 | PORT_OFFLOAD_TSO6 | PORT_OFFLOAD_USO))
		d->port.max_frame = FRAME_MAX_BIG;
	else if (feature_has(d->features, VIRTIO_NET_F_MTU))
		d->port.max_frame = MAX(FRAME_MAX_SMALL, d->port.mtu + ETH_HEADER_LEN);
	else
		d->port.max_frame = FRAME_MAX_SMALL;
}

void vhost_device_init(struct vhost_device *d, const struct link_config *config, struct vhost_rooms *rooms, struct notifier *notifier,
		       struct list *polled)
{
	*d = (struct vhost_device){ .config = config, .rooms = rooms, .notifier = notifier, .polled = polled, .backend_request_fd = -1 };
	share_init(&d->share);
	port_init(&d->port, &vhost_port_ops, "vhost", FRAME_MAX_SMALL, config->mtu);
	for (unsigned i = 0; i < VHOST_QUEUES; i++)
		vhost_queue_init(&d->queues[i], d, i);
}

static void stop_queues(struct vhost_device *d)
{
	for (unsigned i = 0; i < VHOST_QUEUES; i++)
		vhost_queue_stop(&d->queues[i]);
}

static void unmap_all(struct vhost_device *d)
{
	for (unsigned i = 0; i < ARRAY_SIZE(d->mappings); i++)
		vhost_mapping_unmap(&d->mappings[i]);
	d->memory.n = 0;
}

void vhost_device_done(struct vhost_device *d)
{
	stop_queues(d);
	for (unsigned i = 0; i < VHOST_QUEUES; i++)
		vhost_queue_done(&d->queues[i]);
	share_done(&d->share);
	unmap_all(d);
	if (d->backend_request_fd >= 0)
		close(d->backend_request_fd);
}

uint64_t vhost_device_offers(const struct vhost_device *d)
{
	return feature_has(d->protocol_features, PROTOCOL_F_MQ) ? vhost_features : vhost_features & ~BIT(VIRTIO_NET_F_MQ);
}

int vhost_device_set_features(struct vhost_device *d, uint64_t features)
{
	if (features & ~vhost_features)
		return -EINVAL;
	d->features = features;
	vhost_device_update_port(d);
	return 0;
}

/* --- memory --- */

/* Restarts the queues where they were, if their rings are still in memory. */
static int update_queues(struct vhost_device *d, usec_t now)
{
	int r = 0;
	for (unsigned i = 0; i < VHOST_QUEUES; i++) {
		int error = vhost_queue_update(&d->queues[i], now);
		if (r == 0)
			r = error;
	}
	return r;
}

static struct vhost_mapping *find_mapping(struct vhost_device *d, const uint8_t *host)
{
	for (unsigned i = 0; i < ARRAY_SIZE(d->mappings); i++)
		if (d->mappings[i].host == host)
			return &d->mappings[i];
	return NULL;
}

static int add_region(struct vhost_device *d, const struct protocol_region *p, int fd)
{
	struct memory_region region = { .guest = p->guest, .user = p->user, .size = p->size };
	int r = memory_check(&d->memory, &region);
	if (r < 0)
		return r;
	struct vhost_mapping *free_one = find_mapping(d, NULL);
	r = free_one ? vhost_mapping_map(fd, p->offset, p->size, free_one) : -ENOSPC;
	if (r < 0)
		return r;
	region.host = free_one->host;
	memory_add(&d->memory, &region);
	return 0;
}

int vhost_device_set_memory(struct vhost_device *d, usec_t now, const struct protocol_region *regions, const int *fds, unsigned n)
{
	stop_queues(d);
	unmap_all(d);
	for (unsigned i = 0; i < n; i++) {
		int r = add_region(d, &regions[i], fds[i]);
		if (r < 0)
			return r;
	}
	return update_queues(d, now);
}

int vhost_device_add_memory(struct vhost_device *d, usec_t now, const struct protocol_region *region, int fd)
{
	/* QEMU 7.2 adds each region once for each pair of queues. */
	if (memory_has(&d->memory, &(struct memory_region){ .guest = region->guest, .user = region->user, .size = region->size }))
		return 0;
	int r = add_region(d, region, fd);
	return r < 0 ? r : update_queues(d, now);
}

int vhost_device_remove_memory(struct vhost_device *d, usec_t now, const struct protocol_region *region)
{
	struct memory_region key = { .guest = region->guest, .user = region->user, .size = region->size }, removed;
	int r = memory_remove(&d->memory, &key, &removed);
	if (r < 0)
		return r;
	stop_queues(d);
	vhost_mapping_unmap(find_mapping(d, removed.host));
	return update_queues(d, now);
}

/* --- failing --- */

void vhost_device_reset(struct vhost_device *d)
{
	stop_queues(d);
	for (unsigned i = 0; i < VHOST_QUEUES; i++) {
		vhost_queue_done(&d->queues[i]);
		vhost_queue_init(&d->queues[i], d, i);
	}
	d->status = 0;
}

void vhost_device_drop(struct vhost_device *d, enum drop_reason why, const struct frame *f)
{
	segment_drop(d->config->segment, &d->port, why, f);
}

void vhost_device_fail(struct vhost_device *d, usec_t now, enum drop_reason why)
{
	vhost_device_drop(d, why, NULL);
	log_limited(d->config->log, &d->port.log_limit, now, LOG_LEVEL_WARNING, "port %s: stopped until its driver starts again: %s",
		    d->port.name, drop_explanation(why));
	stop_queues(d);
	for (unsigned i = 0; i < VHOST_QUEUES; i++) {
		d->queues[i].failed = true;
		notify_line_tell(&d->queues[i].error, d->notifier);
	}
}

bool vhost_device_check_memory(struct vhost_device *d, usec_t now)
{
	unsigned left = d->memory.n; /* each region has one mapping */
	for (const struct vhost_mapping *m = d->mappings; left > 0; m++) {
		left -= m->host != NULL;
		if (!m->host || !guard_was_hit(m->guard))
			continue;
		vhost_device_fail(d, now, DROP_VHOST_MEMORY);
		return false;
	}
	return true;
}
