#include "CNeuralKernels.h"

// Matrix products for the many small products of Winograd convolution, where one operand is packed once and used for
// every block of tiles. A micro-kernel keeps a block of results in registers: 12 x 32 with AVX-512, 6 x 16 else.

enum { LANES = 16, MOST_ROWS = 12, MOST_VECTORS = 2 };
typedef float lanes __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));

#define INLINE static inline __attribute__((always_inline))
// The results of a block stay in registers only if their indices are constants.
#define UNROLLED _Pragma("GCC unroll 16")

typedef struct {
    const float *a;
    ptrdiff_t a_row, a_inner; // strides of a along result rows and along the inner axis
    const float *b;
    ptrdiff_t b_inner;
    float *c;
    ptrdiff_t c_row;
    ptrdiff_t inner;
    int accumulates;
} panel;

// rows x (16 * vectors) results; rows and vectors are constants wherever this is inlined.
INLINE void multiply_block(const panel *p, int rows, int vectors, ptrdiff_t row, ptrdiff_t column) {
    lanes sums[MOST_ROWS][MOST_VECTORS];
    const float *a = p->a + row * p->a_row, *b = p->b + column;
    float *c = p->c + row * p->c_row + column;
    ptrdiff_t a_row = p->a_row, a_inner = p->a_inner, b_inner = p->b_inner, c_row = p->c_row;
    UNROLLED for (int r = 0; r < rows; r++) {
        UNROLLED for (int v = 0; v < vectors; v++) sums[r][v] = (lanes){0};
    }
    for (ptrdiff_t k = 0; k < p->inner; k++, a += a_inner, b += b_inner) {
        lanes columns[MOST_VECTORS];
        UNROLLED for (int v = 0; v < vectors; v++) columns[v] = *(const lanes *)(b + LANES * v);
        UNROLLED for (int r = 0; r < rows; r++) {
            float factor = a[r * a_row];
            UNROLLED for (int v = 0; v < vectors; v++) sums[r][v] += factor * columns[v];
        }
    }
    UNROLLED for (int r = 0; r < rows; r++) {
        UNROLLED for (int v = 0; v < vectors; v++) {
            lanes *target = (lanes *)(c + r * c_row + LANES * v);
            *target = p->accumulates ? *target + sums[r][v] : sums[r][v];
        }
    }
}

// Blocks of `most` rows, then of 4, 2 and 1.
INLINE void multiply_rows(const panel *p, ptrdiff_t rows, int most, int vectors) {
    for (ptrdiff_t column = 0; column < CNK_PANEL; column += LANES * vectors) {
        ptrdiff_t row = 0;
        for (; row + most <= rows; row += most) multiply_block(p, most, vectors, row, column);
        for (; row + 4 <= rows; row += 4) multiply_block(p, 4, vectors, row, column);
        for (; row + 2 <= rows; row += 2) multiply_block(p, 2, vectors, row, column);
        for (; row < rows; row++) multiply_block(p, 1, vectors, row, column);
    }
}

typedef void multiply_function(const panel *p, ptrdiff_t rows);

static void multiply_portable(const panel *p, ptrdiff_t rows) {
#if defined(__aarch64__)
    multiply_rows(p, rows, 6, 1); // 24 of 32 registers
#else
    multiply_rows(p, rows, 2, 1); // 8 of 16
#endif
}

#if defined(__x86_64__)
__attribute__((target("arch=x86-64-v3"))) static void multiply_avx2(const panel *p, ptrdiff_t rows) {
    multiply_rows(p, rows, 6, 1);
}

__attribute__((target("arch=x86-64-v4"), min_vector_width(512))) static void multiply_avx512(const panel *p, ptrdiff_t rows) {
    multiply_rows(p, rows, 12, 2);
}
#endif

static multiply_function *multiply_best(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512cd")) {
        return multiply_avx512;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return multiply_avx2;
#endif
    return multiply_portable;
}

void cnk_multiply_panels(const float *a, ptrdiff_t a_stride, const float *b, float *c, ptrdiff_t c_stride,
                         ptrdiff_t rows, ptrdiff_t inner, ptrdiff_t columns) {
    multiply_function *multiply = multiply_best();
    for (ptrdiff_t column = 0; column < columns; column += CNK_PANEL) {
        panel p = {a, a_stride, 1, b + column * inner, CNK_PANEL, c + column, c_stride, inner, 0};
        multiply(&p, rows);
    }
}

void cnk_multiply_transposed(const float *a, ptrdiff_t a_stride, const float *b, ptrdiff_t b_stride, float *c,
                             ptrdiff_t c_stride, ptrdiff_t rows, ptrdiff_t inner, ptrdiff_t columns,
                             int accumulates) {
    multiply_function *multiply = multiply_best();
    for (ptrdiff_t column = 0; column < columns; column += CNK_PANEL) {
        panel p = {a, 1, a_stride, b + column, b_stride, c + column, c_stride, inner, accumulates};
        multiply(&p, rows);
    }
}
