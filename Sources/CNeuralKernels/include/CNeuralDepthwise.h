// Depthwise convolution: every channel has a kernel of its own, so that there is no matrix product in it.
#ifndef C_NEURAL_DEPTHWISE_H
#define C_NEURAL_DEPTHWISE_H

#include <stddef.h>

#include "CNeuralProducts.h"

// Positions of one image row that see the same taps. Strides are in floats.
typedef struct {
    ptrdiff_t count, channels;
    ptrdiff_t source_step, target_step; // from one position to the next
    const cnk_run *taps;                // where a tap's channels start, in the source and in the weights
    ptrdiff_t tap_count;
} cnk_depthwise_span;

// target[position, c] = the sum over taps of source[position + tap.a + c] * weights[tap.b + c], finished by the epilogue,
// whose residual starts where the target does.
void cnk_depthwise(const float *source, const float *weights, float *target, const cnk_depthwise_span *span,
                   const cnk_epilogue *epilogue);

// weights[tap.b + c] += the sum over positions of source[position + tap.a + c] * gradient[position, c].
void cnk_depthwise_weights(const float *source, const float *gradient, float *weights,
                           const cnk_depthwise_span *span);

#endif
