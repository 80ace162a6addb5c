// Each function and its derivative, on sixteen numbers. `f` is the same for a whole loop: the branches are hoisted by
// MAP_FUNCTIONS below, which makes one loop for each kind.

CNK_INLINE void apply_function(int kind, cnk_function f, lanes *v) {
    lanes x = *v, zero = SPLAT(0), one = SPLAT(1), other, density;
    switch (kind) {
    case CNK_SIGMOID: sigmoid(v); break;
    case CNK_HARD_SIGMOID:
        other = f.a * x + f.b;
        other = SELECT(other < zero, zero, other);
        *v = SELECT(other > one, one, other);
        break;
    case CNK_HARD_SWISH:
        other = x + 3.0f;
        other = SELECT(other < zero, zero, other);
        *v = x * SELECT(other > SPLAT(6), SPLAT(6), other) * (1.0f / 6.0f);
        break;
    case CNK_SILU:
        sigmoid(v);
        *v *= x;
        break;
    case CNK_GELU:
        normal_distribution(&x, &other, &density);
        *v = x * other;
        break;
    case CNK_GELU_TANH:
        // 0.5 x (1 + tanh(u)) = x sigmoid(2 u)
        *v = 1.59576912f * (x + 0.044715f * x * x * x);
        sigmoid(v);
        *v *= x;
        break;
    case CNK_TANH: hyperbolic_tangent(v); break;
    case CNK_ERF: error_function(v); break;
    case CNK_LEAKY_RELU: *v = SELECT(x > zero, x, f.a * x); break;
    case CNK_ELU:
        // Below 0 only, so that the exponential of a large number has no part in it.
        other = SELECT(x > zero, zero, x);
        exponentiate_less_one(&other);
        *v = SELECT(x > zero, x, f.a * other);
        break;
    case CNK_SOFTPLUS: soft_plus(v); break;
    case CNK_EXP: exponentiate(v); break;
    case CNK_LOG: logarithm(v); break;
    case CNK_SQRT: square_root(v); break;
    case CNK_RECIPROCAL: *v = 1.0f / x; break;
    case CNK_NEGATION: *v = -x; break;
    case CNK_ABSOLUTE: *v = ABSOLUTE(x); break;
    case CNK_POWER:
        if (f.a == 2) {
            *v = x * x;
        } else {
            other = SPLAT(f.a);
            raise_to(v, &other);
        }
        break;
    case CNK_AFFINE: *v = f.a * x + f.b; break;
    case CNK_CLAMP:
        other = SELECT(x < SPLAT(f.a), SPLAT(f.a), x);
        *v = SELECT(other > SPLAT(f.b), SPLAT(f.b), other);
        break;
    }
}

CNK_INLINE void apply_derivative(int kind, cnk_function f, lanes *v) {
    lanes x = *v, zero = SPLAT(0), one = SPLAT(1), other, density;
    switch (kind) {
    case CNK_SIGMOID:
        sigmoid(v);
        *v = *v * (1.0f - *v);
        break;
    case CNK_HARD_SIGMOID:
        other = f.a * x + f.b;
        *v = SELECT((other > zero) & (other < one), SPLAT(f.a), zero);
        break;
    case CNK_HARD_SWISH:
        other = SELECT(x < SPLAT(3), x * (1.0f / 3.0f) + 0.5f, one);
        *v = SELECT(x > SPLAT(-3), other, zero);
        break;
    case CNK_SILU:
        sigmoid(v);
        *v = *v * (1.0f + x * (1.0f - *v));
        break;
    case CNK_GELU:
        normal_distribution(&x, &other, &density);
        *v = other + x * density;
        break;
    case CNK_GELU_TANH:
        other = 1.59576912f * (x + 0.044715f * x * x * x);
        sigmoid(&other);
        *v = other + x * other * (1.0f - other) * 1.59576912f * (1.0f + 0.134145f * x * x);
        break;
    case CNK_TANH:
        hyperbolic_tangent(v);
        *v = 1.0f - *v * *v;
        break;
    case CNK_ERF:
        *v = -x * x;
        exponentiate(v);
        *v *= 1.12837917f;
        break;
    case CNK_LEAKY_RELU: *v = SELECT(x > zero, one, SPLAT(f.a)); break;
    case CNK_ELU:
        other = SELECT(x > zero, zero, x);
        exponentiate(&other);
        *v = SELECT(x > zero, one, f.a * other);
        break;
    case CNK_SOFTPLUS: sigmoid(v); break;
    case CNK_EXP: exponentiate(v); break;
    case CNK_LOG: *v = 1.0f / x; break;
    case CNK_SQRT:
        square_root(v);
        *v = 0.5f / *v;
        break;
    case CNK_RECIPROCAL: *v = -1.0f / (x * x); break;
    case CNK_NEGATION: *v = SPLAT(-1); break;
    case CNK_ABSOLUTE: *v = SELECT(x > zero, one, SELECT(x < zero, SPLAT(-1), x)); break;
    case CNK_POWER:
        if (f.a == 2) {
            *v = 2.0f * x;
        } else if (f.a == 0) {
            // A constant has no slope, not even where the formula divides by 0.
            *v = zero;
        } else {
            other = SPLAT(f.a - 1);
            raise_to(v, &other);
            *v *= f.a;
        }
        break;
    case CNK_AFFINE: *v = SPLAT(f.a); break;
    case CNK_CLAMP: *v = SELECT((x >= SPLAT(f.a)) & (x <= SPLAT(f.b)), one, zero); break;
    }
}

#define MAP_FUNCTIONS(LOOP)                                                                                \
    LOOP(CNK_SIGMOID) LOOP(CNK_HARD_SIGMOID) LOOP(CNK_HARD_SWISH) LOOP(CNK_SILU) LOOP(CNK_GELU)           \
    LOOP(CNK_GELU_TANH) LOOP(CNK_TANH) LOOP(CNK_ERF) LOOP(CNK_LEAKY_RELU) LOOP(CNK_ELU) LOOP(CNK_SOFTPLUS) \
    LOOP(CNK_EXP) LOOP(CNK_LOG) LOOP(CNK_SQRT) LOOP(CNK_RECIPROCAL) LOOP(CNK_NEGATION) LOOP(CNK_ABSOLUTE) \
    LOOP(CNK_POWER) LOOP(CNK_AFFINE) LOOP(CNK_CLAMP)

// dx (+)= dy f'(x) of up to sixteen numbers.
CNK_INLINE void pass_derivative(int kind, cnk_function f, const float *x, const float *dy, float *dx, ptrdiff_t count,
                                int accumulates) {
    lanes slope, gradient;
    load(&slope, x, count);
    load(&gradient, dy, count);
    apply_derivative(kind, f, &slope);
    gradient *= slope;
    if (accumulates) {
        load(&slope, dx, count);
        gradient += slope;
    }
    store(dx, &gradient, count);
}

// Whole vectors first, and the rest by itself: a call in a loop, which copying a part of a vector may be, would have
// every register saved around it.
CNK_LOOP void CNK(cnk_pointwise)(const float *x, float *y, size_t count, cnk_function f) {
    size_t i = 0;
    switch (f.kind) {
#define LOOP(kind)                                                    \
    case kind:                                                        \
        for (; i + LANES <= count; i += LANES) {                      \
            lanes value = *(const lanes *)(x + i);                    \
            apply_function(kind, f, &value);                          \
            *(lanes *)(y + i) = value;                                \
        }                                                             \
        if (i < count) {                                              \
            lanes value;                                              \
            load(&value, x + i, (ptrdiff_t)(count - i));              \
            apply_function(kind, f, &value);                          \
            store(y + i, &value, (ptrdiff_t)(count - i));             \
        }                                                             \
        break;
        MAP_FUNCTIONS(LOOP)
#undef LOOP
    }
}

CNK_LOOP void CNK(cnk_pointwise_backward)(const float *x, const float *dy, float *dx, size_t count, cnk_function f,
                                          int accumulates) {
    size_t i = 0;
    switch (f.kind) {
#define LOOP(kind)                                                                                             \
    case kind:                                                                                                 \
        for (; i + LANES <= count; i += LANES) pass_derivative(kind, f, x + i, dy + i, dx + i, LANES, accumulates); \
        if (i < count) pass_derivative(kind, f, x + i, dy + i, dx + i, (ptrdiff_t)(count - i), accumulates);   \
        break;
        MAP_FUNCTIONS(LOOP)
#undef LOOP
    }
}
