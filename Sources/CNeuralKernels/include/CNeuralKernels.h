// Vector loops that Swift cannot dispatch by processor at run time.
//
// Matrices are row-major with `rows` rows of `channels` floats. Nothing here allocates or keeps state.
#ifndef C_NEURAL_KERNELS_H
#define C_NEURAL_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "CNeuralBFloat16.h"
#include "CNeuralDepthwise.h"
#include "CNeuralLevels.h"
#include "CNeuralOptimizers.h"
#include "CNeuralPointwise.h"
#include "CNeuralProcessors.h"
#include "CNeuralProducts.h"
#include "CNeuralRows.h"
#include "CNeuralWinograd.h"
#include "CNeuralWorkers.h"

// ---- Elementwise (Elementwise.c)

// y = min(max(x, 0), ceiling); y may be x.
void cnk_rectify(const float *x, float *y, size_t count, float ceiling);
// dx (+)= dy where 0 < y < ceiling; dx may be dy unless it accumulates.
void cnk_rectify_backward(const float *y, const float *dy, float *dx, size_t count, float ceiling, int accumulates);
// y = a + b; y may be a or b.
void cnk_add(const float *a, const float *b, float *y, size_t count);
// y += factor * x
void cnk_add_scaled(const float *x, float *y, size_t count, float factor);
// Random numbers by SplitMix64: number i comes from state + (i + 1) * increment. An element whose number is below the
// threshold, in steps of 2^-53, is dropped; others are scaled.
typedef struct {
    uint64_t state, threshold;
    float scale;
} cnk_draws;
// y = 0 x or scale x, by draws; y may be x.
void cnk_dropout(const float *x, float *y, size_t count, cnk_draws draws);
// dx (+)= 0 dy or scale dy, by the same draws; dx may be dy unless it accumulates.
void cnk_dropout_backward(const float *dy, float *dx, size_t count, cnk_draws draws, int accumulates);
// y[r, c] += bias[c]
void cnk_add_rows(float *y, const float *bias, size_t rows, size_t channels);

// ---- Reductions over rows (Columns.c)

// sums[c] = sum over r of x[r, c]
void cnk_column_sums(const float *x, size_t rows, size_t channels, float *sums);
// sums[c] = sum over r of (x[r, c] - means[c])^2
void cnk_column_squares(const float *x, const float *means, size_t rows, size_t channels, float *sums);
// pivots[c] = about the mean of x[r, c] over r, sums[c] and squares[c] = sums over r of x[r, c] - pivots[c] and of its square.
// The rows are read twice, so they had better stay in a cache.
void cnk_column_moments(const float *x, size_t rows, size_t channels, float *pivots, float *sums, float *squares);

// ---- Normalization fused with residual and ReLU (Normalization.c)

// y = x * scale + shift (+ residual), then min(max(., 0), ceiling) unless ceiling is 0. residual may be null, y may be x.
void cnk_normalize(const float *x, const float *residual, float *y, size_t rows, size_t channels,
                   const float *scale, const float *shift, float ceiling);
// The same for an x in bfloat16, without a residual.
void cnk_normalize_rounded(const void *x, float *y, size_t rows, size_t channels, const float *scale,
                           const float *shift, float ceiling);

// What the backward loops read of rows [rows][channels]. Where there is an activation, g is dy where 0 < y < ceiling, else 0;
// without one, it is dy.
typedef struct {
    const float *x;
    const void *rounded; // x in bfloat16, read in its place; may be null
    const float *dy;
    const float *y; // null without a residual: then it is computed again from x
    const float *means, *scale, *shift; // of the forward pass
    float ceiling; // 0 without an activation
    size_t rows, channels;
} cnk_normalization;

// Where gradients go: that of x, and g itself as the residual's, if that is not null. They are added to what is there, or
// replace it; dx may be dy if there is no residual.
typedef struct {
    float *dx, *residual;
    int dx_accumulates, residual_accumulates;
} cnk_normalization_target;

// sums[c] = sum of g, products[c] = sum of g * (x - means[c]).
void cnk_normalize_backward_sums(const cnk_normalization *of, float *sums, float *products);
// dx (+)= scale[c] * (g - gradient_means[c] - (x - means[c]) * slopes[c]); both are null where statistics are fixed, for
// dx (+)= scale[c] * g.
void cnk_normalize_backward_input(const cnk_normalization *of, const float *gradient_means, const float *slopes,
                                  const cnk_normalization_target *target);

// ---- Pooling, one image at a time (Pooling.c)

typedef struct {
    ptrdiff_t height, width, channels;
    ptrdiff_t output_height, output_width;
    ptrdiff_t kernel_height, kernel_width;
    ptrdiff_t stride_height, stride_width;
    ptrdiff_t padding_top, padding_left, padding_bottom, padding_right;
} cnk_window;

// y = the maximum of each window, choices = its position (row * width + column) in the image.
void cnk_max_pool(const float *x, float *y, int32_t *choices, cnk_window window);
// dx (+)= dy at the chosen positions.
void cnk_max_pool_backward(const float *dy, const int32_t *choices, float *dx, cnk_window window, int accumulates);
// y = the mean of each window; padding counts as zeros if counts_padding, but nothing beyond it does.
void cnk_average_pool(const float *x, float *y, cnk_window window, int counts_padding);
void cnk_average_pool_backward(const float *dy, float *dx, cnk_window window, int counts_padding, int accumulates);

#endif
