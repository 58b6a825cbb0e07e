/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small symmetric matrices, row-major [n][n], n up to MATRIX_MOST. */
#ifndef NUM_MATRIX_H
#define NUM_MATRIX_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>

enum { MATRIX_MOST = 5 };

/* A row that adds less than this share of its own square to the rows before it counts as theirs:
 * far above what rounding leaves of a true 0, far below what two directions of a bank differ by. */
#define MATRIX_RANK_FLOOR 0x1p-40

/* The lower triangle L of m = L L' into `root`, zeros above it. False where m is not positive
 * definite (MATRIX_RANK_FLOOR); `root` is then of no use. `root` may be `m`. */
bool matrix_root(const double *m, size_t n, double *root);

/* The solution x [n] of m x = b by m's root; x may be b. */
void matrix_solve(const double *root, size_t n, const double *b, double *x);

/* m^-1 into `out`. False as matrix_root. `out` may be `m`. */
bool matrix_invert(const double *m, size_t n, double *out);

/* The determinant of a positive semidefinite m; exactly 0 where it is singular. */
double matrix_determinant(const double *m, size_t n);

/* GSL's eigenvalues and their memory. */
struct eigen;

struct eigen *eigen_new(void);  // NULL without memory
void eigen_free(struct eigen *eigen);

/* The smallest eigenvalue of a positive semidefinite m; exactly 0 where it is singular. */
double eigen_least(struct eigen *eigen, const double *m, size_t n);

#endif
