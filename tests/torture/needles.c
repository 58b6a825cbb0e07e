/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One bit for each value of a needle's first three bytes: nearly all of what is searched is passed
 * over by looking it up. */
#include "tests/torture/needles.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NEEDLES_MOST = 4096, NEEDLE_BYTES = 64, FRONT = 3, FRONTS = 1 << 24 };

struct needles {
    size_t n;
    struct {
        size_t n;
        uint8_t data[NEEDLE_BYTES];
    } list[NEEDLES_MOST];
    uint8_t fronts[FRONTS / 8];
};

static uint32_t front_of(const uint8_t *data)
{
    return (uint32_t)data[0] << 16 | (uint32_t)data[1] << 8 | data[2];
}

static bool add(struct needles *needles, const char *text)
{
    size_t n = strspn(text, "0123456789abcdef") / 2;
    uint8_t *data;

    if (n < FRONT || n > NEEDLE_BYTES || needles->n == NEEDLES_MOST) return false;
    data = needles->list[needles->n].data;
    for (size_t i = 0; i < n; i++) {
        char digits[3] = {text[2 * i], text[2 * i + 1], '\0'};

        data[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    needles->list[needles->n++].n = n;
    needles->fronts[front_of(data) / 8] |= (uint8_t)(1u << front_of(data) % 8);
    return true;
}

struct needles *needles_read(const char *path)
{
    struct needles *needles = calloc(1, sizeof(*needles));
    FILE *file = fopen(path, "r");
    char line[2 * NEEDLE_BYTES + 2];
    bool good = needles && file;

    while (good && fgets(line, sizeof(line), file)) good = add(needles, line);
    if (file) fclose(file);
    if (good) return needles;
    fprintf(stderr, "cannot take the needles in %s\n", path);
    free(needles);
    return NULL;
}

void needles_free(struct needles *needles)
{
    free(needles);
}

static struct slice find_at(const struct needles *needles, struct slice rest)
{
    for (size_t i = 0; i < needles->n; i++) {
        size_t n = needles->list[i].n;

        if (n <= rest.n && memcmp(rest.data, needles->list[i].data, n) == 0)
            return slice_of(needles->list[i].data, n);
    }
    return slice_of(NULL, 0);
}

struct slice needles_find(const struct needles *needles, struct slice bytes)
{
    for (size_t at = 0; at + FRONT <= bytes.n; at++) {
        uint32_t front = front_of(bytes.data + at);
        struct slice found;

        if (!(needles->fronts[front / 8] >> front % 8 & 1)) continue;
        found = find_at(needles, slice_of(bytes.data + at, bytes.n - at));
        if (found.n > 0) return found;
    }
    return slice_of(NULL, 0);
}
