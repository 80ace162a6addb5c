// Elementwise loops of the optimizers and of gradient clipping.
#ifndef C_NEURAL_OPTIMIZERS_H
#define C_NEURAL_OPTIMIZERS_H

#include <stdbool.h>
#include <stddef.h>

// One step of Adam (Kingma and Ba 2015) or AdamW (Loshchilov and Hutter 2019), in PyTorch's order of operations.
typedef struct {
    float firstComplement;       // 1 - beta1
    float secondDecay;           // beta2
    float secondComplement;      // 1 - beta2
    float stepSize;              // learning rate / (1 - beta1^t)
    float secondCorrectionRoot;  // sqrt(1 - beta2^t)
    float epsilon;
    float gradientDecay;         // weight decay added to the gradient; 0 for AdamW
    float parameterScale;        // 1 - learning rate * weight decay for AdamW; 1 for Adam
} cnk_adam_step;

void cnk_adam(float *restrict parameters, const float *restrict gradients, float *restrict first,
              float *restrict second, size_t count, cnk_adam_step step);

// One step of gradient descent with momentum; `velocity` starts at 0.
typedef struct {
    float learningRate;
    float momentum;
    float weightDecay;
    bool nesterov;
} cnk_sgd_step;

void cnk_sgd_momentum(float *restrict parameters, const float *restrict gradients, float *restrict velocity,
                      size_t count, cnk_sgd_step step);

// One step of gradient descent without momentum.
void cnk_sgd(float *restrict parameters, const float *restrict gradients, size_t count, cnk_sgd_step step);

// The sum of squares, exactly the same on every processor.
double cnk_sum_of_squares(const float *values, size_t count);

void cnk_scale(float *values, size_t count, float factor);

// Limits values to -bound...bound; undefined numbers stay.
void cnk_clamp(float *values, size_t count, float bound);

#endif
