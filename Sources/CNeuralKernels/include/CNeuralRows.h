// Sums, softmax and layer normalization of rows.
#ifndef C_NEURAL_ROWS_H
#define C_NEURAL_ROWS_H

#include <stddef.h>

// The sum of all numbers, in an order that depends on the count alone.
float cnk_sum(const float *x, size_t count);

// Each row's softmax of scale * x; y may be x.
void cnk_softmax(const float *x, float *y, size_t rows, size_t columns, float scale);
// dx (+)= scale * y (dy - sum of y dy); dx may be dy unless it accumulates.
void cnk_softmax_backward(const float *y, const float *dy, float *dx, size_t rows, size_t columns, float scale,
                          int accumulates);
// The same along an axis of `length` numbers that lie `inner` apart, for all `inner` of them.
void cnk_softmax_across(const float *x, float *y, size_t length, size_t inner);
void cnk_softmax_across_backward(const float *y, const float *dy, float *dx, size_t length, size_t inner,
                                 int accumulates);

// y = (x - mean) * inverse * weight + bias with each row's mean and inverse standard deviation, which are written too.
// weight and bias may be null; y may be x.
void cnk_layer_norm(const float *x, float *y, size_t rows, size_t channels, const float *weight, const float *bias,
                    float epsilon, float *means, float *inverses);
// dx (+)= the gradient by x, unless it is null; it may be dy unless it accumulates.
void cnk_layer_norm_backward(const float *x, const float *dy, float *dx, size_t rows, size_t channels,
                             const float *weight, const float *means, const float *inverses, int accumulates);
// sums[c] = sum of dy, products[c] = sum of dy (x - mean) inverse, over the rows.
void cnk_layer_norm_sums(const float *x, const float *dy, size_t rows, size_t channels, const float *means,
                         const float *inverses, float *sums, float *products);

// dx (+)= dy * scale[c] - offsets[c] - (x - means[c]) * slopes[c]; dx may be dy unless it accumulates.
void cnk_group_norm_backward(const float *x, const float *dy, float *dx, size_t rows, size_t channels,
                             const float *means, const float *scale, const float *offsets, const float *slopes,
                             int accumulates);

#endif
