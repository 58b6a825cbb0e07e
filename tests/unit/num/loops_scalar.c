/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loops.h"

LOOPS_DEFINE(loops_scalar);
