// y = a (kind) b, in y's place of a.
CNK_INLINE void combine(int kind, lanes *a, const lanes *b) {
    switch (kind) {
    case CNK_ADDITION: *a += *b; break;
    case CNK_SUBTRACTION: *a -= *b; break;
    case CNK_MULTIPLICATION: *a *= *b; break;
    case CNK_DIVISION: *a /= *b; break;
    // An undefined number of either side stays one.
    case CNK_MAXIMUM: *a = SELECT((*a < *b) | (*b != *b), *b, *a); break;
    case CNK_MINIMUM: *a = SELECT((*a > *b) | (*b != *b), *b, *a); break;
    case CNK_RAISING: raise_to(a, b); break;
    case CNK_RECTIFICATION: *a = SELECT(*a > SPLAT(0), *a, *a * *b); break;
    }
}

// The derivative by a, in a's place.
CNK_INLINE void derive_first(int kind, lanes *a, const lanes *b) {
    lanes one = SPLAT(1), half = SPLAT(0.5f), zero = SPLAT(0), exponent;
    switch (kind) {
    case CNK_ADDITION:
    case CNK_SUBTRACTION: *a = one; break;
    case CNK_MULTIPLICATION: *a = *b; break;
    case CNK_DIVISION: *a = 1.0f / *b; break;
    case CNK_MAXIMUM: *a = SELECT(*a > *b, one, SELECT(*a == *b, half, zero)); break;
    case CNK_MINIMUM: *a = SELECT(*a < *b, one, SELECT(*a == *b, half, zero)); break;
    case CNK_RAISING:
        exponent = *b - 1.0f;
        raise_to(a, &exponent);
        // A constant has no slope, not even where the formula divides by 0.
        *a = SELECT(*b == zero, zero, *a * *b);
        break;
    case CNK_RECTIFICATION: *a = SELECT(*a > zero, one, *b); break;
    }
}

// The derivative by b, in a's place.
CNK_INLINE void derive_second(int kind, lanes *a, const lanes *b) {
    lanes one = SPLAT(1), half = SPLAT(0.5f), zero = SPLAT(0), base = *a;
    switch (kind) {
    case CNK_ADDITION: *a = one; break;
    case CNK_SUBTRACTION: *a = SPLAT(-1); break;
    case CNK_MULTIPLICATION: break;
    case CNK_DIVISION: *a = -*a / (*b * *b); break;
    case CNK_MAXIMUM: *a = SELECT(*a < *b, one, SELECT(*a == *b, half, zero)); break;
    case CNK_MINIMUM: *a = SELECT(*a > *b, one, SELECT(*a == *b, half, zero)); break;
    case CNK_RAISING:
        raise_to(a, b);
        logarithm(&base);
        // 0 to any power at or above 0 stays what it is.
        *a = SELECT((*a == zero) & (*b >= zero), zero, *a * base);
        break;
    case CNK_RECTIFICATION: *a = SELECT(*a > zero, zero, *a); break;
    }
}

CNK_INLINE void load_operand(lanes *value, const float *source, ptrdiff_t step, size_t i, size_t count) {
    if (step) {
        load(value, source + i, (ptrdiff_t)(count - i));
    } else {
        *value = SPLAT(*source);
    }
}

#define MAP_KINDS(LOOP)                                                                                 \
    LOOP(CNK_ADDITION) LOOP(CNK_SUBTRACTION) LOOP(CNK_MULTIPLICATION) LOOP(CNK_DIVISION) LOOP(CNK_MAXIMUM) \
    LOOP(CNK_MINIMUM) LOOP(CNK_RAISING) LOOP(CNK_RECTIFICATION)

CNK_LOOP void CNK(cnk_arithmetic)(cnk_operands o, float *y, size_t count) {
    switch (o.kind) {
#define LOOP(kind)                                              \
    case kind:                                                  \
        for (size_t i = 0; i < count; i += LANES) {             \
            lanes a, b;                                         \
            load_operand(&a, o.a, o.a_step, i, count);          \
            load_operand(&b, o.b, o.b_step, i, count);          \
            combine(kind, &a, &b);                              \
            store(y + i, &a, (ptrdiff_t)(count - i));           \
        }                                                       \
        break;
        MAP_KINDS(LOOP)
#undef LOOP
    }
}

CNK_LOOP void CNK(cnk_arithmetic_gradient)(cnk_operands o, int by_second, const float *dy, float *g, size_t count) {
    switch (o.kind) {
#define LOOP(kind)                                              \
    case kind:                                                  \
        for (size_t i = 0; i < count; i += LANES) {             \
            lanes a, b, gradient;                               \
            load_operand(&a, o.a, o.a_step, i, count);          \
            load_operand(&b, o.b, o.b_step, i, count);          \
            load(&gradient, dy + i, (ptrdiff_t)(count - i));    \
            if (by_second) {                                    \
                derive_second(kind, &a, &b);                    \
            } else {                                            \
                derive_first(kind, &a, &b);                     \
            }                                                   \
            gradient *= a;                                      \
            store(g + i, &gradient, (ptrdiff_t)(count - i));    \
        }                                                       \
        break;
        MAP_KINDS(LOOP)
#undef LOOP
    }
}
