/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compiled, never linked: the public header stands by itself. */
#include "clients/c/thetad.h"

int compile_check(struct thetad *client);

int compile_check(struct thetad *client)
{
    struct thetad_state state;

    return thetad_session_get(client, "s", &state) == THETAD_OK && state.phase == THETAD_ASKING;
}
