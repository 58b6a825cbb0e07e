/* SPDX-License-Identifier: Apache-2.0 */
/* Faults planted on purpose: `./run torture --controls` must find each of them. They exist only in
 * a build with THETAD_PLANTED, where the environment's THETA_PLANTED names the one that is there;
 * in every other build nothing is left of them. */
#ifndef BASE_PLANTED_H
#define BASE_PLANTED_H

#include <stdbool.h>

#ifdef THETAD_PLANTED
bool planted(const char *fault);
#else
#define planted(fault) false
#endif

#endif
