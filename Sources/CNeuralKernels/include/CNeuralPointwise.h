// Functions of one and of two numbers, element by element, with their gradients.
#ifndef C_NEURAL_POINTWISE_H
#define C_NEURAL_POINTWISE_H

#include <stddef.h>

enum {
    CNK_SIGMOID,
    CNK_HARD_SIGMOID, // max(0, min(1, a x + b))
    CNK_HARD_SWISH,
    CNK_SILU,
    CNK_GELU,
    CNK_GELU_TANH,
    CNK_TANH,
    CNK_ERF,
    CNK_LEAKY_RELU, // slope a
    CNK_ELU,        // alpha a
    CNK_SOFTPLUS,
    CNK_EXP,
    CNK_LOG,
    CNK_SQRT,
    CNK_RECIPROCAL,
    CNK_NEGATION,
    CNK_ABSOLUTE,
    CNK_POWER,  // exponent a
    CNK_AFFINE, // a x + b
    CNK_CLAMP,  // between a and b
};

typedef struct {
    int kind; // one of the above
    float a, b;
} cnk_function;

// y = f(x); y may be x.
void cnk_pointwise(const float *x, float *y, size_t count, cnk_function f);
// dx (+)= dy f'(x); dx may be dy unless it accumulates.
void cnk_pointwise_backward(const float *x, const float *dy, float *dx, size_t count, cnk_function f, int accumulates);

enum {
    CNK_ADDITION,
    CNK_SUBTRACTION,
    CNK_MULTIPLICATION,
    CNK_DIVISION,
    CNK_MAXIMUM,
    CNK_MINIMUM,
    CNK_RAISING,       // a to the power of b
    CNK_RECTIFICATION, // a where it is above 0, elsewhere a b
};

// Two operands; a step is 1, or 0 for one number throughout.
typedef struct {
    int kind; // one of the above
    const float *a;
    ptrdiff_t a_step;
    const float *b;
    ptrdiff_t b_step;
} cnk_operands;

// y = a (kind) b; y may be a or b where that has step 1.
void cnk_arithmetic(cnk_operands operands, float *y, size_t count);
// g = dy times the derivative by b if by_second, else by a; g may be dy.
void cnk_arithmetic_gradient(cnk_operands operands, int by_second, const float *dy, float *g, size_t count);

#endif
