/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Carries out each message, as the vhost-user specification has it, "Front-end message types". */
#include "link/vhost/device.h"

#include "base/bytes.h"
#include "base/log.h"
#include "base/macros.h"
#include "lan/frame.h"
#include "lan/segment.h"
#include "wire/eth.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define STATUS_LINK_UP 1
#define ETHERTYPE_RARP 0x8035
#define RARP_REQUEST_REVERSE 3
#define MTU_MIN 68

static struct vhost_queue *queue_at(struct vhost_device *d, uint64_t index)
{
	return index < VHOST_QUEUES ? &d->queues[index] : NULL;
}

static int take_fd(int *fds)
{
	int fd = fds[0];
	fds[0] = -1;
	return fd;
}

static int set_ring_size(struct vhost_device *d, const struct protocol_message *m)
{
	struct vhost_queue *q = queue_at(d, m->ring.index);
	uint32_t size = m->ring.value;
	if (!q || vhost_queue_runs(q) || size == 0 || size > RING_SIZE_MAX || (size & (size - 1)) != 0)
		return -EINVAL;
	q->setup.size = size;
	vhost_device_update_port(d);
	return 0;
}

static int set_ring_address(struct vhost_device *d, usec_t now, const struct protocol_message *m)
{
	struct vhost_queue *q = queue_at(d, m->address.index);
	if (!q)
		return -EINVAL;
	vhost_queue_stop(q);
	q->setup.descriptors = m->address.descriptors;
	q->setup.available = m->address.available;
	q->setup.used = m->address.used;
	q->addressed = true;
	return vhost_queue_update(q, now);
}

static int set_ring_base(struct vhost_device *d, const struct protocol_message *m)
{
	struct vhost_queue *q = queue_at(d, m->ring.index);
	if (!q || vhost_queue_runs(q) || m->ring.value > UINT16_MAX)
		return -EINVAL;
	q->setup.base = (uint16_t)m->ring.value;
	q->failed = false;
	return 0;
}

/* Stops the ring. */
static int get_ring_base(struct vhost_device *d, usec_t now, const struct protocol_message *m, uint32_t *ret)
{
	struct vhost_queue *q = queue_at(d, m->ring.index);
	if (!q)
		return -EINVAL;
	vhost_queue_stop(q);
	vhost_queue_set_kick(q, now, -1);
	q->failed = false;
	*ret = q->setup.base;
	return 0;
}

static int enable_ring(struct vhost_device *d, usec_t now, const struct protocol_message *m)
{
	struct vhost_queue *q = queue_at(d, m->ring.index);
	if (!q || m->ring.value > 1)
		return -EINVAL;
	q->enabled = m->ring.value;
	return vhost_queue_update(q, now);
}

static int set_ring_fd(struct vhost_device *d, usec_t now, const struct protocol_message *m, int *fds)
{
	struct vhost_queue *q = queue_at(d, m->fd.index);
	/* Polling a ring all the time would cost a processor, and no front end asks for it. */
	if (!q || (m->request == PROTOCOL_SET_VRING_KICK && !m->fd.has_fd))
		return -EINVAL;
	int fd = m->fd.has_fd ? take_fd(fds) : -1;
	if (m->request == PROTOCOL_SET_VRING_KICK)
		return vhost_queue_set_kick(q, now, fd);
	if (m->request == PROTOCOL_SET_VRING_CALL)
		return vhost_queue_set_call(q, fd);
	return notify_line_set(&q->error, fd, d->notifier);
}

/* The guest has migrated to this host: announces its MAC to the segment on its behalf. */
static int send_rarp(struct vhost_device *d, usec_t now, uint64_t address)
{
	uint8_t bytes[60] = { 0 };
	struct mac mac;
	memcpy(mac.b, &address, sizeof(mac.b));
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	eth_emit(&w, &(struct eth_header){ .dst = MAC_BROADCAST, .src = mac, .ethertype = ETHERTYPE_RARP });
	bytes_put_be16(&w, 1); /* Ethernet */
	bytes_put_be16(&w, ETH_TYPE_IPV4);
	bytes_put_u8(&w, sizeof(mac.b));
	bytes_put_u8(&w, sizeof(ip4_t));
	bytes_put_be16(&w, RARP_REQUEST_REVERSE);
	bytes_put(&w, mac.b, sizeof(mac.b));
	bytes_put_be32(&w, 0);
	bytes_put(&w, mac.b, sizeof(mac.b));
	struct iovec iov;
	struct frame f = frame_of(&iov, bytes, sizeof(bytes));
	f.ingress = &d->port;
	segment_input(d->config->segment, now, &d->port, &f);
	segment_flush(d->config->segment, now);
	return 0;
}

static int set_mtu(struct vhost_device *d, uint64_t mtu)
{
	if (mtu < MTU_MIN || mtu > UINT16_MAX)
		return -EINVAL;
	d->port.mtu = (size_t)mtu;
	vhost_device_update_port(d);
	return 0;
}

static int set_status(struct vhost_device *d, uint64_t status)
{
	if (status > UINT8_MAX)
		return -EINVAL;
	d->status = (uint8_t)status;
	if (status == 0)
		vhost_device_reset(d);
	return 0;
}

static int set_backend_request_fd(struct vhost_device *d, const struct protocol_message *m, int *fds)
{
	if (m->n_fds != 1)
		return -EINVAL;
	if (d->backend_request_fd >= 0)
		close(d->backend_request_fd);
	d->backend_request_fd = take_fd(fds);
	return 0;
}

/* virtio 1.3 §5.1.4, without a MAC, because guests bring their own. */
static void fill_config(const struct vhost_device *d, uint8_t config[static PROTOCOL_CONFIG_MAX])
{
	struct {
		uint8_t mac[6];
		uint16_t status, max_queue_pairs, mtu;
	} c = {
		.status = htole16(STATUS_LINK_UP),
		.max_queue_pairs = htole16(VHOST_QUEUE_PAIRS),
		.mtu = htole16((uint16_t)d->port.mtu),
	};
	memset(config, 0, PROTOCOL_CONFIG_MAX);
	memcpy(config, &c, sizeof(c));
}

static size_t get_config(const struct vhost_device *d, const struct protocol_message *m, uint8_t *reply)
{
	uint8_t config[PROTOCOL_CONFIG_MAX];
	fill_config(d, config);
	bool inside = m->config.offset <= sizeof(config) && m->config.size <= sizeof(config) - m->config.offset;
	return protocol_emit_config(reply, m->request, m->config.offset, inside ? config + m->config.offset : NULL, m->config.size);
}

static int set_protocol_features(struct vhost_device *d, uint64_t features)
{
	if (features & ~vhost_protocol_features)
		return -EINVAL;
	d->protocol_features = features;
	return 0;
}

/* Requests whose reply is success or failure. */
static int act(struct vhost_device *d, usec_t now, const struct protocol_message *m, int *fds)
{
	switch ((enum protocol_request)m->request) {
	case PROTOCOL_SET_OWNER: return 0;
	case PROTOCOL_SET_FEATURES: return vhost_device_set_features(d, m->number);
	case PROTOCOL_SET_PROTOCOL_FEATURES: return set_protocol_features(d, m->number);
	case PROTOCOL_RESET_OWNER:
	case PROTOCOL_RESET_DEVICE: vhost_device_reset(d); return 0;
	case PROTOCOL_SET_MEM_TABLE: return vhost_device_set_memory(d, now, m->regions.at, fds, m->regions.n);
	case PROTOCOL_ADD_MEM_REG: return m->n_fds == 1 ? vhost_device_add_memory(d, now, &m->regions.at[0], fds[0]) : -EINVAL;
	case PROTOCOL_REM_MEM_REG: return vhost_device_remove_memory(d, now, &m->regions.at[0]);
	case PROTOCOL_SET_VRING_NUM: return set_ring_size(d, m);
	case PROTOCOL_SET_VRING_ADDR: return set_ring_address(d, now, m);
	case PROTOCOL_SET_VRING_BASE: return set_ring_base(d, m);
	case PROTOCOL_SET_VRING_KICK:
	case PROTOCOL_SET_VRING_CALL:
	case PROTOCOL_SET_VRING_ERR: return set_ring_fd(d, now, m, fds);
	case PROTOCOL_SET_VRING_ENABLE: return enable_ring(d, now, m);
	case PROTOCOL_SEND_RARP: return send_rarp(d, now, m->number);
	case PROTOCOL_NET_SET_MTU: return set_mtu(d, m->number);
	case PROTOCOL_SET_BACKEND_REQ_FD: return set_backend_request_fd(d, m, fds);
	case PROTOCOL_SET_STATUS: return set_status(d, m->number);
	default: /* SET_CONFIG: all fields are read-only (§5.1.4) */ return -EINVAL;
	}
}

static uint64_t number_for(const struct vhost_device *d, uint32_t request)
{
	switch ((enum protocol_request)request) {
	case PROTOCOL_GET_FEATURES: return vhost_device_offers(d);
	case PROTOCOL_GET_PROTOCOL_FEATURES: return vhost_protocol_features;
	case PROTOCOL_GET_QUEUE_NUM: return VHOST_QUEUE_PAIRS;
	case PROTOCOL_GET_MAX_MEM_SLOTS: return MEMORY_REGIONS_MAX;
	case PROTOCOL_GET_STATUS: return d->status;
	default: return 0;
	}
}

/* Front ends go on when lanlet cannot map their memory; then the guest has a network card that carries nothing. */
static void log_refusal(struct vhost_device *d, usec_t now, uint32_t request, int error)
{
	if (request == PROTOCOL_SET_MEM_TABLE || request == PROTOCOL_ADD_MEM_REG)
		log_limited(d->config->log, &d->port.log_limit, now, LOG_LEVEL_WARNING,
			    "port %s: the guest's memory cannot be mapped: %s; the guest has no network (it needs shared memory, and "
			    "lanlet address space for it: ulimit -v)",
			    d->port.name, strerror(-error));
	else
		log_debug(d->config->log, "port %s: vhost-user request %u refused: %s", d->port.name, request, strerror(-error));
}

size_t vhost_request(struct vhost_device *d, usec_t now, const struct protocol_message *m, int *fds,
		     uint8_t reply[static PROTOCOL_REPLY_SIZE_MAX])
{
	uint32_t base = 0;
	int r = 0;
	switch (protocol_reply_of(m->request)) {
	case PROTOCOL_REPLY_NUMBER: return protocol_emit_number(reply, m->request, number_for(d, m->request));
	case PROTOCOL_REPLY_CONFIG: return get_config(d, m, reply);
	case PROTOCOL_REPLY_RING:
		r = get_ring_base(d, now, m, &base);
		return protocol_emit_ring(reply, m->request, m->ring.index, r == 0 ? base : 0);
	case PROTOCOL_REPLY_ACK: break;
	}
	r = act(d, now, m, fds);
	if (r < 0)
		log_refusal(d, now, m->request, r);
	bool wanted = m->need_reply && feature_has(d->protocol_features, PROTOCOL_F_REPLY_ACK);
	return wanted ? protocol_emit_number(reply, m->request, r < 0) : 0;
}
