/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/engines.h"

#include "base/macros.h"
#include "engine/native/native.h"
#include "engine/null/null.h"
#include "gateway/engine.h"
#ifdef HAVE_SLIRP
#include "engine/slirp/slirp.h"
#endif

#include <string.h>

static const struct engine_ops *const engines[] = {
	&native_engine_ops,
#ifdef HAVE_SLIRP
	&slirp_engine_ops,
#endif
	&null_engine_ops,
};

const struct engine_ops *engine_at(size_t index)
{
	return index < ARRAY_SIZE(engines) ? engines[index] : NULL;
}

const struct engine_ops *engine_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(engines); i++)
		if (strcmp(engines[i]->name, name) == 0)
			return engines[i];
	return NULL;
}
