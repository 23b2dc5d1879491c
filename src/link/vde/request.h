/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VDE client's request to a switch: one message on the control socket, version 1 or 3, packed and in the byte order of this machine.
 * Parses bytes into a checked value; the named socket is not opened here.
 *
 *     version 1: magic, type, 6 bytes of MAC, sockaddr_un, description
 *     version 3: magic, 3, type, sockaddr_un, description
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define VDE_MAGIC 0xfeedfaceu
/* struct sockaddr_un: a 16-bit family and a path of 108 bytes. */
#define VDE_PATH_SIZE 108u
#define VDE_ADDRESS_LEN (2u + VDE_PATH_SIZE)
#define VDE_DESCRIPTION_MAX 128u
/* The longest request and four bytes more, to detect one that is too long. */
#define VDE_REQUEST_SIZE (4u + 4u + 4u + VDE_ADDRESS_LEN + VDE_DESCRIPTION_MAX + 4u)

struct vde_request {
	unsigned version;                          /* 1 or 3 */
	unsigned port;                             /* wanted number, from 1 on; 0: any */
	char path[VDE_PATH_SIZE];                  /* of the client's datagram socket, absolute */
	char description[VDE_DESCRIPTION_MAX + 1]; /* printable ASCII */
};

/*
 * Parses the @len bytes that a client has sent so far.  -EAGAIN: the request is not complete; -EPROTONOSUPPORT: its version or type is not
 * known; -EBADMSG: not a request, too long, or with an invalid path.  @ret is untouched on failure.
 */
int vde_request_parse(const uint8_t *bytes, size_t len, struct vde_request *ret);
