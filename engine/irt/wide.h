/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The processors that loops over many numbers are compiled for, beside the plain one. None has FMA,
 * so each gives the same bits. */
#ifndef IRT_WIDE_H
#define IRT_WIDE_H

#if defined(__x86_64__)
#define WIDE_AVX2 __attribute__((target("avx2")))
#if defined(__clang__)
#define WIDE_AVX512 __attribute__((target("avx512f,avx512dq,avx512vl")))
#else  // it halves the vectors where it is not told
#define WIDE_AVX512 __attribute__((target("avx512f,avx512dq,avx512vl,prefer-vector-width=512")))
#endif
#endif

/* The one text of a loop, which goes into a function for each of them. */
#define WIDE_TEXT static inline __attribute__((always_inline)) void

/* LANES numbers side by side, at any double's place. Said so, as gcc takes a loop of eight apart
 * before it looks for vectors. Where vectors are narrower it is several of them. */
enum { LANES = 8 };
#define EACH_LANE for (size_t i = 0; i < LANES; i++)
typedef double wide
    __attribute__((vector_size(LANES * sizeof(double)), aligned(sizeof(double)), may_alias));

#endif
