/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the fuzz targets share. A target is a program around LLVMFuzzerTestOneInput: with libFuzzer
 * it searches, with replay.c it takes the files and folders that it is given, one after the other.
 *
 * An input that is a sequence of messages is  | length 2, big-endian | bytes | ...; a length beyond
 * the end means all that is left. */
#ifndef FUZZ_H
#define FUZZ_H

#include "irt/bank.h"
#include "proto/reader.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Ends the program, and names the line, where something does not hold. */
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) fuzz_fail(__FILE__, __LINE__, #condition);                               \
    } while (0)
_Noreturn void fuzz_fail(const char *file, int line, const char *condition);

/* The input was taken, not refused: the target has looked behind its doors. Where no seed comes so
 * far, replay.c fails, for then a search begins outside too. */
void fuzz_taken(void);
size_t fuzz_n_taken(void);

/* Take the next message of a sequence. False at its end. */
bool fuzz_message(struct slice *rest, struct slice *out);
/* The first byte, 0 where there is none. */
uint8_t fuzz_byte(struct slice *rest);

/* The bytes of a message written as JSON with ' for ". */
void fuzz_wire(const char *json, struct buf *out);

/* A bank of a few items of every model with the ids q1, q2, .., made once. */
const struct bank *fuzz_bank(void);
/* The map of item i of it as JSON, NULL behind the last. */
const char *fuzz_item(size_t i);

/* libsodium's random numbers from here on: the same in every run. */
void fuzz_dull_random(void);

/* A folder in memory that goes with the process. */
const char *fuzz_folder(void);

#endif
