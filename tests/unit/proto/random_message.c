/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "random_message.h"

#include "base/limits.h"
#include "base/rng.h"
#include "proto/writer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

size_t roll(struct dice *dice, size_t n)
{
    return (size_t)(rng_bits(dice->seed, dice->draw++) % n);
}

/* Magnitudes on both sides of every width that MessagePack has. */
static int64_t random_int(struct dice *dice)
{
    int64_t magnitude = (int64_t)(rng_bits(dice->seed, dice->draw++) >> (1 + roll(dice, 63)));

    return roll(dice, 2) ? magnitude : -magnitude;
}

static void random_str(struct dice *dice, struct writer *out)
{
    static const char *const pieces[] = {"a", "Z", "\x7f", "é", "€", "😀", "{", "\x01"};
    static const size_t lengths[] = {0, 3, 31, 32, 255, 256};
    char text[2048] = "";
    size_t n = lengths[roll(dice, COUNT_OF(lengths))];

    for (size_t i = 0; i < n; i++) strcat(text, pieces[roll(dice, COUNT_OF(pieces))]);
    write_text(out, text);
}

static void random_scalar(struct dice *dice, struct writer *out)
{
    static const uint8_t bytes[300] = {0xc1, 0xff, 0xdf};

    switch (roll(dice, 6)) {
    case 0:
        write_nil(out);
        break;
    case 1:
        write_bool(out, roll(dice, 2));
        break;
    case 2:
        write_int(out, random_int(dice));
        break;
    case 3:
        write_f64(out, ldexp((double)random_int(dice), -40));
        break;
    case 4:
        write_bin(out, slice_of(bytes, roll(dice, sizeof(bytes))));
        break;
    default:
        random_str(dice, out);
    }
}

static void random_value(struct dice *dice, struct writer *out, size_t depth)
{
    size_t shape = roll(dice, depth < LIMIT_DEPTH ? 4 : 2);
    size_t n = roll(dice, roll(dice, 32) ? 4 : 18);  // 1.7 on average, so that it does not explode
    char key[32];

    if (shape < 2) {
        random_scalar(dice, out);
        return;
    }
    if (shape == 2) {
        write_array(out, n);
    } else {
        write_map(out, n);
    }
    for (size_t i = 0; i < n; i++) {
        snprintf(key, sizeof(key), "k%zu", i * i);
        if (shape == 3) write_text(out, key);
        random_value(dice, out, depth + 1);
    }
}

void random_message(struct dice *dice, struct buf *out)
{
    struct writer writer = writer_of(out);

    buf_clear(out);
    random_value(dice, &writer, 0);
}
