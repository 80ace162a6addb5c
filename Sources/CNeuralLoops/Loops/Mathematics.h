// Functions of sixteen numbers at once. Each has a few units of rounding error; coefficients are minimax fits.

// The library's sqrtf may set errno, which keeps loops from being vectorized; the builtin does not.
#if defined(__has_builtin)
#if __has_builtin(__builtin_elementwise_sqrt)
#define SQUARE_ROOT(x) __builtin_elementwise_sqrt(x)
#endif
#endif
#ifndef SQUARE_ROOT
#define SQUARE_ROOT(x) sqrtf(x)
#endif

typedef int32_t masks __attribute__((vector_size(LANES * sizeof(int32_t)), aligned(4), may_alias));
typedef uint32_t bits __attribute__((vector_size(LANES * sizeof(uint32_t)), aligned(4), may_alias));

#define SPLAT(number) ((lanes){0} + (float)(number))
// a where the mask is set, b elsewhere. An undefined number fails every comparison.
#define SELECT(mask, a, b) ((lanes)(((masks)(mask) & (masks)(a)) | (~(masks)(mask) & (masks)(b))))
#define ABSOLUTE(x) ((lanes)((bits)(x) & 0x7fffffffu))
#define SIGN_OF(x) ((bits)(x) & 0x80000000u)

// exp(x) = 2^n exp(r) with |r| <= ln(2) / 2. What would be below the normal numbers becomes 0.
CNK_INLINE void exponentiate(lanes *x) {
    const float highest = 88.7228317f, lowest = -86.9f;
    lanes bounded = SELECT(*x > SPLAT(highest), SPLAT(highest), *x);
    bounded = SELECT(bounded < SPLAT(lowest), SPLAT(lowest), bounded);
    // Adding 1.5 * 2^23 rounds to an integer, which stands in the lowest bits.
    lanes shifted = bounded * 1.44269504f + 12582912.0f;
    lanes n = shifted - 12582912.0f;
    lanes r = bounded - n * 0.693359375f + n * 2.12194440e-4f;
    lanes p = 0.00138368341f * r + 0.00837482419f;
    p = p * r + 0.0416682251f;
    p = p * r + 0.166664198f;
    p = p * r + 0.499999911f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    // 2^(n-1), and the last factor of 2 apart: 2^128 is no float.
    lanes power = (lanes)(((bits)shifted << 23) + 0x3f000000u);
    lanes result = p * power * 2.0f;
    result = SELECT(*x > SPLAT(highest), SPLAT(INFINITY), result);
    *x = SELECT(*x < SPLAT(lowest), SPLAT(0), result);
}

// exp(x) - 1 without the loss of digits near 0.
CNK_INLINE void exponentiate_less_one(lanes *x) {
    lanes r = *x, e = *x;
    exponentiate(&e);
    lanes p = 0.00138368341f * r + 0.00837482419f;
    p = p * r + 0.0416682251f;
    p = p * r + 0.166664198f;
    p = p * r + 0.499999911f;
    *x = SELECT(ABSOLUTE(r) < SPLAT(0.34f), p * r * r + r, e - 1.0f);
}

// 1 / (1 + exp(-x))
CNK_INLINE void sigmoid(lanes *x) {
    lanes e = -*x;
    exponentiate(&e);
    *x = 1.0f / (1.0f + e);
}

CNK_INLINE void hyperbolic_tangent(lanes *x) {
    lanes magnitude = ABSOLUTE(*x), square = *x * *x;
    lanes e = 2.0f * magnitude;
    exponentiate(&e);
    lanes large = (lanes)((bits)(1.0f - 2.0f / (e + 1.0f)) | SIGN_OF(*x));
    lanes p = -0.00561560178f * square + 0.0205528177f;
    p = p * square - 0.0537098385f;
    p = p * square + 0.133309975f;
    p = p * square - 0.333332568f;
    p = p * square + 1.0f;
    *x = SELECT(magnitude < SPLAT(0.63f), p * *x, large);
}

// exp(x^2) erfc(x) for x >= 0: a polynomial in 1 / (1 + 0.33 x), as Abramowitz and Stegun 7.1.26 but longer.
CNK_INLINE void scaled_complement(lanes *x) {
    lanes s = 1.0f / (1.0f + 0.33f * *x);
    lanes p = -0.133772984f * s + 0.453291655f;
    p = p * s - 0.338402778f;
    p = p * s + 0.395937085f;
    p = p * s + 0.0543777421f;
    p = p * s + 0.198874816f;
    p = p * s + 0.183365956f;
    p = p * s + 0.186328515f;
    *x = p * s;
}

CNK_INLINE void error_function(lanes *x) {
    lanes magnitude = ABSOLUTE(*x), square = *x * *x;
    lanes e = -square, complement = magnitude;
    exponentiate(&e);
    scaled_complement(&complement);
    lanes large = (lanes)((bits)(1.0f - e * complement) | SIGN_OF(*x));
    lanes p = 8.22398652e-05f * square - 0.000810808269f;
    p = p * square + 0.00519799162f;
    p = p * square - 0.0268581863f;
    p = p * square + 0.112836741f;
    p = p * square - 0.376126319f;
    p = p * square + 1.12837923f;
    *x = SELECT(magnitude < SPLAT(0.9f), p * *x, large);
}

// The normal distribution's cumulative probability of x, and its density there.
CNK_INLINE void normal_distribution(const lanes *x, lanes *cumulative, lanes *density) {
    lanes e = -0.5f * *x * *x, tail = ABSOLUTE(*x) * 0.707106781f;
    exponentiate(&e);
    scaled_complement(&tail);
    tail *= 0.5f * e;
    *cumulative = SELECT(*x < SPLAT(0), tail, 1.0f - tail);
    *density = 0.398942280f * e;
}

// log(1 + exp(x)); with z = exp(-|x|) it is max(x, 0) + 2 artanh(z / (2 + z)).
CNK_INLINE void soft_plus(lanes *x) {
    lanes z = -ABSOLUTE(*x);
    exponentiate(&z);
    lanes s = z / (2.0f + z), square = s * s;
    lanes p = 0.281915426f * square + 0.279576659f;
    p = p * square + 0.40025115f;
    p = p * square + 0.66666311f;
    p = p * square + 2.0f;
    *x = SELECT(*x < SPLAT(0), SPLAT(0), *x) + p * s;
}

CNK_INLINE void square_root(lanes *x) {
    UNROLLED for (int i = 0; i < LANES; i++) (*x)[i] = SQUARE_ROOT((*x)[i]);
}

// The library's functions, element by element.
CNK_INLINE void logarithm(lanes *x) {
    for (int i = 0; i < LANES; i++) (*x)[i] = logf((*x)[i]);
}

CNK_INLINE void raise_to(lanes *x, const lanes *exponent) {
    for (int i = 0; i < LANES; i++) (*x)[i] = powf((*x)[i], (*exponent)[i]);
}

CNK_INLINE float sum_of(const lanes *x) {
    lanes v = *x;
    float sums[8], halves[4];
    UNROLLED for (int i = 0; i < 8; i++) sums[i] = v[i] + v[i + 8];
    UNROLLED for (int i = 0; i < 4; i++) halves[i] = sums[i] + sums[i + 4];
    return (halves[0] + halves[2]) + (halves[1] + halves[3]);
}
