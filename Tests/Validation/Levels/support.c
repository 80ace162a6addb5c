#include "support.h"

ptrdiff_t cnk_columns_for_packing;

static uint64_t state;

void seed_numbers(uint64_t seed) { state = seed; }

// SplitMix64
static uint64_t any_word(void) {
    state += 0x9e3779b97f4a7c15u;
    uint64_t z = (state ^ state >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

ptrdiff_t below(ptrdiff_t end) { return (ptrdiff_t)(any_word() % (uint64_t)end); }

ptrdiff_t between(ptrdiff_t first, ptrdiff_t last) { return first + below(last - first + 1); }

int one_in(ptrdiff_t count) { return below(count) == 0; }

float any_number(void) { return (float)((double)(any_word() & 0xffffff) / 0x800000 - 1); }

static uint32_t bits_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

float rounded_to_bfloat16(float x) {
    uint32_t bits = bits_of(x);
    return float_of((bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000u);
}

float any_pair(void) {
    float first = rounded_to_bfloat16(any_number()), second = rounded_to_bfloat16(any_number());
    return float_of(bits_of(first) >> 16 | bits_of(second));
}

float half_of_pair(float pair, int second) { return float_of(second ? bits_of(pair) & 0xffff0000u : bits_of(pair) << 16); }

static void *allocated(size_t bytes) {
    void *result = calloc(bytes ? bytes : 1, 1);
    if (result) return result;
    fprintf(stderr, "check_levels: not enough memory for %zu bytes\n", bytes);
    exit(1);
}

memory memory_for(ptrdiff_t count) {
    ptrdiff_t front = below(16);
    memory m = {.allocation = allocated((size_t)(front + count) * sizeof(float))};
    for (ptrdiff_t i = 0; i < front + count; i++) {
        uint32_t undefined = 0x7fc0ffffu; // both halves are, taken as bfloat16
        memcpy(m.allocation + i, &undefined, sizeof undefined);
    }
    m.numbers = m.allocation + front;
    return m;
}

ptrdiff_t floats_of(const results *r) { return (r->rows - 1) * r->stride + r->columns; }

results results_for(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, ptrdiff_t length) {
    results r = {.rows = rows, .columns = columns, .stride = stride, .length = length};
    r.before = allocated((size_t)floats_of(&r) * sizeof(float));
    r.expected = allocated((size_t)(rows * columns) * sizeof(double));
    r.magnitudes = allocated((size_t)(rows * columns) * sizeof(double));
    for (ptrdiff_t i = 0; i < floats_of(&r); i++) r.before[i] = any_number();
    return r;
}

void free_results(results *r) {
    free(r->before);
    free(r->expected);
    free(r->magnitudes);
}

void expect_products(results *r, const double *a, const double *b) {
    for (ptrdiff_t row = 0; row < r->rows; row++) {
        double *restrict expected = r->expected + row * r->columns, *restrict magnitudes = r->magnitudes + row * r->columns;
        for (ptrdiff_t column = 0; column < r->columns; column++) {
            double product = a[row] * b[column];
            expected[column] += product;
            magnitudes[column] += fabs(product);
        }
    }
}

void expect_accumulation(results *r) {
    for (ptrdiff_t row = 0; row < r->rows; row++) {
        for (ptrdiff_t column = 0; column < r->columns; column++) {
            r->expected[row * r->columns + column] += r->before[row * r->stride + column];
            r->magnitudes[row * r->columns + column] += 1;
        }
    }
}

// Short sums may err by half a unit in each addition, long ones by far less: errors of either sign cancel out.
static double allowed_error(const results *r, double magnitude) {
    double additions = 4 + 1.5 * sqrt((double)r->length) + (double)(r->length < 20 ? r->length : 20);
    return (magnitude + 1e-6) * 6e-8 * additions;
}

int is_expected(const results *r, const float *c, double *worst) {
    for (ptrdiff_t i = 0; i < floats_of(r); i++) {
        ptrdiff_t row = i / r->stride, column = i % r->stride;
        if (column >= r->columns) {
            if (bits_of(c[i]) == bits_of(r->before[i])) continue;
            printf("written beyond the %td columns of row %td: ", r->columns, row);
            return 0;
        }
        double expected = r->expected[row * r->columns + column];
        double error = fabs(c[i] - expected) / allowed_error(r, r->magnitudes[row * r->columns + column]);
        if (error > *worst) *worst = error;
        if (error <= 1) continue; // an undefined number is no smaller
        printf("row %td, column %td is %g instead of %g: ", row, column, c[i], expected);
        return 0;
    }
    return 1;
}

int has_bits(const results *r, const float *c, float **first) {
    size_t bytes = (size_t)floats_of(r) * sizeof(float);
    if (*first) {
        if (memcmp(*first, c, bytes) == 0) return 1;
        printf("other bits than a level that adds in the same order: ");
        return 0;
    }
    *first = allocated(bytes);
    memcpy(*first, c, bytes);
    return 1;
}
