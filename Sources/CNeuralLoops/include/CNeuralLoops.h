// Every loop's signature: DEFINE(result, name, (parameters), (arguments)). The levels declare their versions from it,
// Levels.c of CNeuralKernels forwards to the level in use. What they do is said in that target's headers.
#ifndef CNEURAL_LOOPS_H
#define CNEURAL_LOOPS_H

#define CNK_FUNCTIONS(DEFINE) \
    DEFINE(void, cnk_rectify, (const float *x, float *y, size_t count, float ceiling), (x, y, count, ceiling)) \
    DEFINE(void, cnk_rectify_backward, \
           (const float *y, const float *dy, float *dx, size_t count, float ceiling, int accumulates), \
           (y, dy, dx, count, ceiling, accumulates)) \
    DEFINE(void, cnk_add, (const float *a, const float *b, float *y, size_t count), (a, b, y, count)) \
    DEFINE(void, cnk_add_scaled, (const float *x, float *y, size_t count, float factor), (x, y, count, factor)) \
    DEFINE(void, cnk_dropout, (const float *x, float *y, size_t count, cnk_draws draws), (x, y, count, draws)) \
    DEFINE(void, cnk_dropout_backward, \
           (const float *dy, float *dx, size_t count, cnk_draws draws, int accumulates), \
           (dy, dx, count, draws, accumulates)) \
    DEFINE(void, cnk_add_rows, \
           (float *y, const float *bias, size_t rows, size_t channels), \
           (y, bias, rows, channels)) \
    DEFINE(void, cnk_column_sums, \
           (const float *x, size_t rows, size_t channels, float *sums), \
           (x, rows, channels, sums)) \
    DEFINE(void, cnk_column_squares, \
           (const float *x, const float *means, size_t rows, size_t channels, float *sums), \
           (x, means, rows, channels, sums)) \
    DEFINE(void, cnk_column_moments, \
           (const float *x, size_t rows, size_t channels, float *pivots, float *sums, float *squares), \
           (x, rows, channels, pivots, sums, squares)) \
    DEFINE(void, cnk_normalize, \
           (const float *x, const float *residual, float *y, size_t rows, size_t channels, const float *scale, \
           const float *shift, float ceiling), \
           (x, residual, y, rows, channels, scale, shift, ceiling)) \
    DEFINE(void, cnk_normalize_rounded, \
           (const void *x, float *y, size_t rows, size_t channels, const float *scale, const float *shift, float \
           ceiling), \
           (x, y, rows, channels, scale, shift, ceiling)) \
    DEFINE(void, cnk_normalize_backward_sums, \
           (const cnk_normalization *of, float *sums, float *products), \
           (of, sums, products)) \
    DEFINE(void, cnk_normalize_backward_input, \
           (const cnk_normalization *of, const float *gradient_means, const float *slopes, \
           const cnk_normalization_target *target), \
           (of, gradient_means, slopes, target)) \
    DEFINE(void, cnk_max_pool, \
           (const float *x, float *y, int32_t *choices, cnk_window window), \
           (x, y, choices, window)) \
    DEFINE(void, cnk_max_pool_backward, \
           (const float *dy, const int32_t *choices, float *dx, cnk_window window, int accumulates), \
           (dy, choices, dx, window, accumulates)) \
    DEFINE(void, cnk_average_pool, \
           (const float *x, float *y, cnk_window window, int counts_padding), \
           (x, y, window, counts_padding)) \
    DEFINE(void, cnk_average_pool_backward, \
           (const float *dy, float *dx, cnk_window window, int counts_padding, int accumulates), \
           (dy, dx, window, counts_padding, accumulates)) \
    DEFINE(void, cnk_depthwise, \
           (const float *source, const float *weights, float *target, const cnk_depthwise_span *span, const \
           cnk_epilogue *epilogue), \
           (source, weights, target, span, epilogue)) \
    DEFINE(void, cnk_depthwise_weights, \
           (const float *source, const float *gradient, float *weights, const cnk_depthwise_span *span), \
           (source, gradient, weights, span)) \
    DEFINE(void, cnk_pointwise, (const float *x, float *y, size_t count, cnk_function f), (x, y, count, f)) \
    DEFINE(void, cnk_pointwise_backward, \
           (const float *x, const float *dy, float *dx, size_t count, cnk_function f, int accumulates), \
           (x, dy, dx, count, f, accumulates)) \
    DEFINE(void, cnk_arithmetic, (cnk_operands operands, float *y, size_t count), (operands, y, count)) \
    DEFINE(void, cnk_arithmetic_gradient, \
           (cnk_operands operands, int by_second, const float *dy, float *g, size_t count), \
           (operands, by_second, dy, g, count)) \
    DEFINE(float, cnk_sum, (const float *x, size_t count), (x, count)) \
    DEFINE(void, cnk_softmax, \
           (const float *x, float *y, size_t rows, size_t columns, float scale), \
           (x, y, rows, columns, scale)) \
    DEFINE(void, cnk_softmax_backward, \
           (const float *y, const float *dy, float *dx, size_t rows, size_t columns, float scale, int accumulates), \
           (y, dy, dx, rows, columns, scale, accumulates)) \
    DEFINE(void, cnk_softmax_across, \
           (const float *x, float *y, size_t length, size_t inner), \
           (x, y, length, inner)) \
    DEFINE(void, cnk_softmax_across_backward, \
           (const float *y, const float *dy, float *dx, size_t length, size_t inner, int accumulates), \
           (y, dy, dx, length, inner, accumulates)) \
    DEFINE(void, cnk_layer_norm, \
           (const float *x, float *y, size_t rows, size_t channels, const float *weight, const float *bias, float \
           epsilon, float *means, float *inverses), \
           (x, y, rows, channels, weight, bias, epsilon, means, inverses)) \
    DEFINE(void, cnk_layer_norm_backward, \
           (const float *x, const float *dy, float *dx, size_t rows, size_t channels, const float *weight, const \
           float *means, const float *inverses, int accumulates), \
           (x, dy, dx, rows, channels, weight, means, inverses, accumulates)) \
    DEFINE(void, cnk_layer_norm_sums, \
           (const float *x, const float *dy, size_t rows, size_t channels, const float *means, const float \
           *inverses, float *sums, float *products), \
           (x, dy, rows, channels, means, inverses, sums, products)) \
    DEFINE(void, cnk_group_norm_backward, \
           (const float *x, const float *dy, float *dx, size_t rows, size_t channels, const float *means, const \
           float *scale, const float *offsets, const float *slopes, int accumulates), \
           (x, dy, dx, rows, channels, means, scale, offsets, slopes, accumulates)) \
    DEFINE(void, cnk_adam, \
           (float *restrict parameters, const float *restrict gradients, float *restrict first, float *restrict \
           second, size_t count, cnk_adam_step step), \
           (parameters, gradients, first, second, count, step)) \
    DEFINE(void, cnk_sgd_momentum, \
           (float *restrict parameters, const float *restrict gradients, float *restrict velocity, size_t count, \
           cnk_sgd_step step), \
           (parameters, gradients, velocity, count, step)) \
    DEFINE(void, cnk_sgd, \
           (float *restrict parameters, const float *restrict gradients, size_t count, cnk_sgd_step step), \
           (parameters, gradients, count, step)) \
    DEFINE(double, cnk_sum_of_squares, (const float *values, size_t count), (values, count)) \
    DEFINE(void, cnk_scale, (float *values, size_t count, float factor), (values, count, factor)) \
    DEFINE(void, cnk_clamp, (float *values, size_t count, float bound), (values, count, bound)) \
    DEFINE(void, cnk_winograd_input, \
           (const float *x, cnk_image image, ptrdiff_t row, ptrdiff_t column, float *v, ptrdiff_t plane_stride), \
           (x, image, row, column, v, plane_stride)) \
    DEFINE(void, cnk_winograd_output, \
           (const float *m, ptrdiff_t plane_stride, float *y, cnk_image image, ptrdiff_t row, ptrdiff_t column, \
           const cnk_epilogue *epilogue, ptrdiff_t origin), \
           (m, plane_stride, y, image, row, column, epilogue, origin)) \
    DEFINE(void, cnk_winograd_output_adjoint, \
           (const float *dy, cnk_image image, ptrdiff_t row, ptrdiff_t column, float *m, ptrdiff_t plane_stride), \
           (dy, image, row, column, m, plane_stride)) \
    DEFINE(void, cnk_winograd_weights, \
           (const float *w, ptrdiff_t inputs, ptrdiff_t outputs, ptrdiff_t panel, int rounds, float *u, ptrdiff_t \
           plane_stride), \
           (w, inputs, outputs, panel, rounds, u, plane_stride)) \
    DEFINE(void, cnk_winograd_weights_turned, \
           (const float *w, ptrdiff_t inputs, ptrdiff_t outputs, ptrdiff_t panel, int rounds, float *u, ptrdiff_t \
           plane_stride), \
           (w, inputs, outputs, panel, rounds, u, plane_stride)) \
    DEFINE(void, cnk_winograd_weights_adjoint, \
           (const float *du, ptrdiff_t du_stride, ptrdiff_t inputs, ptrdiff_t outputs, ptrdiff_t first, ptrdiff_t \
           end, float *dw), \
           (du, du_stride, inputs, outputs, first, end, dw)) \
    DEFINE(void, cnk_finish, \
           (float *results, ptrdiff_t rows, ptrdiff_t columns, const cnk_epilogue *epilogue), \
           (results, rows, columns, epilogue)) \
    DEFINE(void, cnk_multiply, (const cnk_brgemm *products), (products)) \
    DEFINE(void, cnk_multiply_matrices, (const cnk_product *product), (product)) \
    DEFINE(void, cnk_pack, \
           (const float *matrix, ptrdiff_t row_stride, ptrdiff_t rows, ptrdiff_t columns, float *packed, ptrdiff_t \
           panel_stride), \
           (matrix, row_stride, rows, columns, packed, panel_stride)) \
    DEFINE(void, cnk_pack_transposed, \
           (const float *matrix, ptrdiff_t row_stride, ptrdiff_t rows, ptrdiff_t columns, float *packed, ptrdiff_t \
           panel_stride), \
           (matrix, row_stride, rows, columns, packed, panel_stride))

// The same for what a level with instructions for bfloat16 does in its own way.
#define CNK_BFLOAT16_FUNCTIONS(DEFINE) \
    DEFINE(void, cnk_round, (const float *x, float *y, size_t count), (x, y, count)) \
    DEFINE(void, cnk_widen, (const float *pairs, float *y, ptrdiff_t count), (pairs, y, count)) \
    DEFINE(void, cnk_pair_columns, \
           (const float *x, ptrdiff_t rows, ptrdiff_t columns, float *pairs), \
           (x, rows, columns, pairs)) \
    DEFINE(void, cnk_pair_arrays, \
           (const float *first, const float *second, ptrdiff_t count, float *pairs), \
           (first, second, count, pairs)) \
    DEFINE(void, cnk_pack_pairs, \
           (const float *matrix, ptrdiff_t row_stride, ptrdiff_t rows, ptrdiff_t columns, float *packed, ptrdiff_t \
           panel_stride), \
           (matrix, row_stride, rows, columns, packed, panel_stride)) \
    DEFINE(void, cnk_pack_pairs_transposed, \
           (const float *matrix, ptrdiff_t row_stride, ptrdiff_t rows, ptrdiff_t columns, float *packed, ptrdiff_t \
           panel_stride), \
           (matrix, row_stride, rows, columns, packed, panel_stride)) \
    DEFINE(void, cnk_multiply_pairs, (const cnk_brgemm *products), (products)) \
    DEFINE(void, cnk_multiply_rounded, (const cnk_product *product), (product))

#endif
