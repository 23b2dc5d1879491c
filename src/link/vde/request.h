/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a VDE client asks of a switch when it plugs in: one message on the control socket, versions 1 and 3, in the byte order and
 * the packed layout of this machine.  Bytes to a checked value, on memory only; nothing here opens the socket that it names.
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
/* The longest request there is, with four bytes to see that one is longer. */
#define VDE_REQUEST_SIZE (4u + 4u + 4u + VDE_ADDRESS_LEN + VDE_DESCRIPTION_MAX + 4u)

struct vde_request {
	unsigned version;                          /* 1 or 3 */
	unsigned port;                             /* wanted number, from 1 on; 0: any */
	char path[VDE_PATH_SIZE];                  /* absolute, of the client's datagram socket */
	char description[VDE_DESCRIPTION_MAX + 1]; /* printable ASCII */
};

/*
 * Reads the @len bytes that a client has sent so far.  -EAGAIN: they are the beginning of a request; -EPROTONOSUPPORT: of a version
 * or for a thing that no switch of today knows; -EBADMSG: not a request, longer than one, or its path is none; @ret is untouched then.
 */
int vde_request_parse(const uint8_t *bytes, size_t len, struct vde_request *ret);
