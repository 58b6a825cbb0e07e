/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/common/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { PATH_BYTES = 4096 };

static const struct argp_option option_list[] = {
    {"rounds", 'r', "N", 0, "Rounds, of which the median is taken", 0},
    {"quick", 'q', NULL, 0, "Less of everything, in a fraction of the time", 0},
    {"json", 'j', NULL, 0, "Print one line of JSON", 0},
    {"check", 'c', NULL, 0, "Exit with 1 where a bar is missed", 0},
    {"record", 'o', "FOLDER", 0, "Write figures as JSON, and pictures as SVG, into FOLDER", 0},
    {0},
};

long options_number(struct argp_state *state, const char *name, const char *text, long min)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (end == text || *end || value < min) {
        argp_error(state, "--%s takes a number of at least %ld, not \"%s\"", name, min, text);
    }
    return value;
}

FILE *options_file(const struct options *options, const char *name)
{
    char path[PATH_BYTES];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", options->folder, name);
    file = fopen(path, "w");
    if (file) return file;
    fprintf(stderr, "bench: cannot write %s: %s\n", path, strerror(errno));
    exit(EX_CANTCREAT);
}

void options_print(const json_t *json)
{
    json_dumpf(json, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
    putchar('\n');
}

void options_record(const struct options *options, const char *name, json_t *json)
{
    if (options->folder) {
        FILE *out = options_file(options, name);

        json_dumpf(json, out, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
        fputc('\n', out);
        fclose(out);
    }
    json_decref(json);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct options *options = state->input;

    switch (key) {
    case 'r':
        options->n_round = (int)options_number(state, "rounds", argument, 1);
        return 0;
    case 'q':
        options->quick = true;
        return 0;
    case 'j':
        options->json = true;
        return 0;
    case 'c':
        options->check = true;
        return 0;
    case 'o':
        options->folder = argument;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {.options = option_list, .parser = parse};

const struct argp_child options_children[] = {{&argp, 0, NULL, 0}, {0}};
