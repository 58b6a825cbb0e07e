/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A simulation as one HTML page that needs nothing else: pictures, tables, the design and the
 * seed. */
#ifndef TOOLS_SIMULATION_REPORT_H
#define TOOLS_SIMULATION_REPORT_H

#include "tools/examinees.h"
#include "tools/simulation_summary.h"

/* Everything is borrowed. */
struct simulation_report {
    const struct simulation *simulation;
    const struct examinees *examinees;
    const struct simulation_result *result;
    const struct simulation_summary *summary;
    const char *bank;  // its name, with its version where it has one
    const char *date;  // of the simulation, as it is to be read
};

/* The page. NO_MEMORY, or IO_ERROR where writing fails. */
MUST_CHECK enum status simulation_report_write(const struct simulation_report *report, FILE *out);

#endif
