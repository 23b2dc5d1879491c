/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A UDP socket between two addresses. */
#pragma once

struct ip_endpoint;

/* Opens a socket bound to @local and connected to @peer (CLOEXEC, NONBLOCK); its descriptor, or a negative errno. */
int udp_open(const struct ip_endpoint *local, const struct ip_endpoint *peer);
