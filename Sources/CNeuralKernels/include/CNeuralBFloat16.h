// Products of bfloat16 factors, summed in float.
//
// bfloat16 is the upper half of a float. Numbers are rounded to the nearest one, halfway cases to the even one; undefined
// numbers stay so, and a level may round denormal numbers to zero. Two neighbors along the axis that a product sums over
// are a pair, one 32-bit word with the first in its lower half. A pair takes the place of one float in every layout, so
// that memory of pairs is typed as floats here and strides count pairs.
#ifndef C_NEURAL_BFLOAT16_H
#define C_NEURAL_BFLOAT16_H

#include <stddef.h>

#include "CNeuralProducts.h"

// The level whose loops for bfloat16 are in use, and the best one that the processor has.
const char *cnk_bfloat16_name(void);
const char *cnk_best_bfloat16_name(void);

// How fast products of bfloat16 factors are on the level in use: no faster than those of floats, twice as fast, or by tiles
// and so fast that no algorithm with fewer multiplications is better.
enum { CNK_PAIRS_IN_FLOATS, CNK_PAIRS_IN_VECTORS, CNK_TILES };
int cnk_bfloat16_speed(void);

// y = x rounded; y may be x.
void cnk_round(const float *x, float *y, size_t count);

// y [count] = the numbers of pairs of neighbors, as cnk_pair_columns makes them of one row.
void cnk_widen(const float *pairs, float *y, ptrdiff_t count);

// pairs [rows][(columns + 1) / 2] of x [rows][columns]: neighbors in a row, with zero behind an odd last one.
void cnk_pair_columns(const float *x, ptrdiff_t rows, ptrdiff_t columns, float *pairs);

// pairs [count] of numbers in the same place of two arrays; the second may be null for zeros.
void cnk_pair_arrays(const float *first, const float *second, ptrdiff_t count, float *pairs);

// cnk_pack of pairs of neighboring rows: packed [columns / 32][(rows + 1) / 2][32].
void cnk_pack_pairs(const float *matrix, ptrdiff_t row_stride, ptrdiff_t rows, ptrdiff_t columns, float *packed,
                    ptrdiff_t panel_stride);

// cnk_pack_transposed of pairs of neighboring columns: packed [rows / 32][(columns + 1) / 2][32].
void cnk_pack_pairs_transposed(const float *matrix, ptrdiff_t row_stride, ptrdiff_t rows, ptrdiff_t columns,
                               float *packed, ptrdiff_t panel_stride);

// cnk_multiply of pairs: a, b and the counts and strides of all axes are in pairs, c in floats.
void cnk_multiply_pairs(const cnk_brgemm *products);

// cnk_multiply_matrices of numbers that are rounded as they are read.
void cnk_multiply_rounded(const cnk_product *product);

#endif
