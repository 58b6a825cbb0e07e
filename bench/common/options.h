/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every benchmark is told in the same words. */
#ifndef BENCH_COMMON_OPTIONS_H
#define BENCH_COMMON_OPTIONS_H

#include <argp.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct options {
    int n_round;         // of which the median is taken
    bool json;           // one line of JSON on standard output in place of tables
    bool check;          // the exit code says whether all bars are met
    bool quick;          // less of everything
    const char *folder;  // where figures and pictures are written too; NULL: nowhere
};

/* The children of a program's argp: one, whose input is a struct options, which holds the
 * defaults. */
extern const struct argp_child options_children[];

/* A whole number of at least `min`, or the program ends with its usage. */
long options_number(struct argp_state *state, const char *name, const char *text, long min);

/* Open `name` in the folder. Ends the program with a message where that cannot be. */
FILE *options_file(const struct options *options, const char *name);

/* One line on standard output. */
void options_print(const json_t *json);

/* Into a file of the folder, where there is one; `json` is given away. */
void options_record(const struct options *options, const char *name, json_t *json);

#endif
