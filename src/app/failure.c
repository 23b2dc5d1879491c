/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/failure.h"

#include <stdarg.h>

G_DEFINE_QUARK(lanlet - failure, failure)

bool fail(GError **error, enum failure code, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_propagate_error(error, g_error_new_valist(failure_quark(), (int)code, format, args));
	va_end(args);
	return false;
}

bool fail_not_running(GError **error, const char *network, const char *dir)
{
	return fail(error, FAILURE_NOT_RUNNING, "network %s is not running (%s): lanlet run %s starts it", network, dir, network);
}
