#include "CNeuralKernels.h"

#include <string.h>

// Sixteen channels at a time: one register with AVX-512, two with AVX2, four with SSE or NEON.
enum { LANES = 16 };
typedef float lanes __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));

// The interpolation points are 0, +-P, +-Q and infinity; all of these are exact in float.
#define P 0.625f
#define Q 1.5f
#define P2 (P * P)
#define Q2 (Q * Q)
#define P3 (P * P * P)
#define Q3 (Q * Q * Q)

// Vectors are handed over by address: by value their calling convention would differ between the dispatch levels.
static inline void load(lanes *value, const float *source, ptrdiff_t count) {
    if (count >= LANES) {
        *value = *(const lanes *)source;
    } else {
        *value = (lanes){0};
        memcpy(value, source, (size_t)count * sizeof(float));
    }
}

static inline void store(float *target, const lanes *value, ptrdiff_t count) {
    if (count >= LANES) {
        *(lanes *)target = *value;
    } else {
        memcpy(target, value, (size_t)count * sizeof(float));
    }
}

// r = Bt d: rows are the polynomials that vanish at all points but one.
static inline void input_transform(const lanes d[6], ptrdiff_t step, lanes r[6], ptrdiff_t result_step) {
    lanes d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
    lanes even_p = d4 - Q2 * d2, odd_p = P * (d3 - Q2 * d1);
    lanes even_q = d4 - P2 * d2, odd_q = Q * (d3 - P2 * d1);
    r[0] = P2 * Q2 * d0 - (P2 + Q2) * d2 + d4;
    r[result_step] = even_p + odd_p;
    r[2 * result_step] = even_p - odd_p;
    r[3 * result_step] = even_q + odd_q;
    r[4 * result_step] = even_q - odd_q;
    r[5 * result_step] = P2 * Q2 * d1 - (P2 + Q2) * d3 + d5;
}

// r = At m: powers of the points.
static inline void output_transform(const lanes m[6], ptrdiff_t step, lanes r[4], ptrdiff_t result_step) {
    lanes sum_p = m[step] + m[2 * step], difference_p = m[step] - m[2 * step];
    lanes sum_q = m[3 * step] + m[4 * step], difference_q = m[3 * step] - m[4 * step];
    r[0] = m[0] + sum_p + sum_q;
    r[result_step] = P * difference_p + Q * difference_q;
    r[2 * result_step] = P2 * sum_p + Q2 * sum_q;
    r[3 * result_step] = P3 * difference_p + Q3 * difference_q + m[5 * step];
}

// r = A d, the transpose of output_transform.
static inline void output_adjoint(const lanes d[4], ptrdiff_t step, lanes r[6], ptrdiff_t result_step) {
    lanes d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step];
    lanes even_p = d0 + P2 * d2, odd_p = P * d1 + P3 * d3;
    lanes even_q = d0 + Q2 * d2, odd_q = Q * d1 + Q3 * d3;
    r[0] = d0;
    r[result_step] = even_p + odd_p;
    r[2 * result_step] = even_p - odd_p;
    r[3 * result_step] = even_q + odd_q;
    r[4 * result_step] = even_q - odd_q;
    r[5 * result_step] = d3;
}

// The reciprocals of each point's product of distances to the other finite points.
#define N0 (1 / (P2 * Q2))
#define NP (1 / (2 * P2 * (P2 - Q2)))
#define NQ (1 / (2 * Q2 * (Q2 - P2)))

// r = G w
static inline void weight_transform(const lanes w[3], ptrdiff_t step, lanes r[6], ptrdiff_t result_step) {
    lanes w0 = w[0], w1 = w[step], w2 = w[2 * step];
    lanes even_p = NP * (w0 + P2 * w2), odd_p = (NP * P) * w1;
    lanes even_q = NQ * (w0 + Q2 * w2), odd_q = (NQ * Q) * w1;
    r[0] = N0 * w0;
    r[result_step] = even_p + odd_p;
    r[2 * result_step] = even_p - odd_p;
    r[3 * result_step] = even_q + odd_q;
    r[4 * result_step] = even_q - odd_q;
    r[5 * result_step] = w2;
}

// r = Gt u
static inline void weight_adjoint(const lanes u[6], ptrdiff_t step, lanes r[3], ptrdiff_t result_step) {
    lanes sum_p = u[step] + u[2 * step], difference_p = u[step] - u[2 * step];
    lanes sum_q = u[3 * step] + u[4 * step], difference_q = u[3 * step] - u[4 * step];
    r[0] = N0 * u[0] + NP * sum_p + NQ * sum_q;
    r[result_step] = (NP * P) * difference_p + (NQ * Q) * difference_q;
    r[2 * result_step] = (NP * P2) * sum_p + (NQ * Q2) * sum_q + u[5 * step];
}

CNK_DISPATCH void cnk_winograd_input(const float *restrict x, cnk_image image, ptrdiff_t row, ptrdiff_t column,
                                     float *restrict v, ptrdiff_t plane_stride) {
    int inside = row >= 0 && column >= 0 && row + 6 <= image.height && column + 6 <= image.width;
    for (ptrdiff_t c = 0; c < image.channels; c += LANES) {
        ptrdiff_t count = image.channels - c;
        lanes tile[36], half[36];
        for (ptrdiff_t i = 0; i < 6; i++) {
            for (ptrdiff_t j = 0; j < 6; j++) {
                ptrdiff_t h = row + i, w = column + j;
                int live = inside || (h >= 0 && h < image.height && w >= 0 && w < image.width);
                tile[6 * i + j] = (lanes){0};
                if (live) load(tile + 6 * i + j, x + (h * image.width + w) * image.channels + c, count);
            }
        }
        for (ptrdiff_t j = 0; j < 6; j++) input_transform(tile + j, 6, half + j, 6);
        for (ptrdiff_t i = 0; i < 6; i++) input_transform(half + 6 * i, 1, tile + 6 * i, 1);
        for (ptrdiff_t q = 0; q < 36; q++) store(v + q * plane_stride + c, tile + q, count);
    }
}

CNK_DISPATCH void cnk_winograd_output(const float *restrict m, ptrdiff_t plane_stride, float *restrict y,
                                      cnk_image image, ptrdiff_t row, ptrdiff_t column, int accumulates) {
    ptrdiff_t rows = image.height - row < 4 ? image.height - row : 4;
    ptrdiff_t columns = image.width - column < 4 ? image.width - column : 4;
    for (ptrdiff_t c = 0; c < image.channels; c += LANES) {
        ptrdiff_t count = image.channels - c;
        lanes tile[36], half[24], result[16];
        for (ptrdiff_t q = 0; q < 36; q++) load(tile + q, m + q * plane_stride + c, count);
        for (ptrdiff_t j = 0; j < 6; j++) output_transform(tile + j, 6, half + j, 6);
        for (ptrdiff_t i = 0; i < 4; i++) output_transform(half + 6 * i, 1, result + 4 * i, 1);
        for (ptrdiff_t i = 0; i < rows; i++) {
            for (ptrdiff_t j = 0; j < columns; j++) {
                float *target = y + ((row + i) * image.width + column + j) * image.channels + c;
                lanes old = {0};
                if (accumulates) load(&old, target, count);
                old += result[4 * i + j];
                store(target, &old, count);
            }
        }
    }
}

CNK_DISPATCH void cnk_winograd_output_adjoint(const float *restrict dy, cnk_image image, ptrdiff_t row,
                                              ptrdiff_t column, float *restrict m, ptrdiff_t plane_stride) {
    for (ptrdiff_t c = 0; c < image.channels; c += LANES) {
        ptrdiff_t count = image.channels - c;
        lanes tile[16], half[24], result[36];
        for (ptrdiff_t i = 0; i < 4; i++) {
            for (ptrdiff_t j = 0; j < 4; j++) {
                ptrdiff_t h = row + i, w = column + j;
                int live = h < image.height && w < image.width;
                tile[4 * i + j] = (lanes){0};
                if (live) load(tile + 4 * i + j, dy + (h * image.width + w) * image.channels + c, count);
            }
        }
        for (ptrdiff_t j = 0; j < 4; j++) output_adjoint(tile + j, 4, half + j, 4);
        for (ptrdiff_t i = 0; i < 6; i++) output_adjoint(half + 4 * i, 1, result + 6 * i, 1);
        for (ptrdiff_t q = 0; q < 36; q++) store(m + q * plane_stride + c, result + q, count);
    }
}

// Sixteen weights of one tap: consecutive outputs, or consecutive inputs of one output where `stride` is the outputs.
static inline void load_strided(lanes *value, const float *source, ptrdiff_t stride, ptrdiff_t count) {
    if (stride == 1) {
        load(value, source, count);
        return;
    }
    *value = (lanes){0};
    for (ptrdiff_t i = 0; i < (count < LANES ? count : LANES); i++) (*value)[i] = source[i * stride];
}

CNK_DISPATCH void cnk_winograd_weights(const float *restrict w, ptrdiff_t inputs, ptrdiff_t outputs, int rotates,
                                       float *restrict u, ptrdiff_t panel_first, ptrdiff_t panel_end) {
    // Packed matrices are [inner][columns]: inputs by outputs, or outputs by inputs if rotated.
    ptrdiff_t inner = rotates ? outputs : inputs, columns = rotates ? inputs : outputs;
    ptrdiff_t inner_stride = rotates ? 1 : outputs, column_stride = rotates ? outputs : 1;
    ptrdiff_t plane = (columns + CNK_PANEL - 1) / CNK_PANEL * CNK_PANEL * inner;
    for (ptrdiff_t panel = panel_first; panel < panel_end; panel++) {
        for (ptrdiff_t k = 0; k < inner; k++) {
            for (ptrdiff_t part = 0; part < CNK_PANEL; part += LANES) {
                ptrdiff_t column = panel * CNK_PANEL + part;
                ptrdiff_t count = columns - column;
                lanes taps[9], half[18], result[36];
                for (ptrdiff_t tap = 0; tap < 9; tap++) {
                    ptrdiff_t source = rotates ? 8 - tap : tap;
                    const float *weights =
                        w + source * inputs * outputs + k * inner_stride + column * column_stride;
                    taps[tap] = (lanes){0};
                    if (count > 0) load_strided(taps + tap, weights, column_stride, count);
                }
                for (ptrdiff_t j = 0; j < 3; j++) weight_transform(taps + j, 3, half + j, 3);
                for (ptrdiff_t i = 0; i < 6; i++) weight_transform(half + 3 * i, 1, result + 6 * i, 1);
                for (ptrdiff_t q = 0; q < 36; q++) {
                    store(u + q * plane + (panel * inner + k) * CNK_PANEL + part, result + q, LANES);
                }
            }
        }
    }
}

CNK_DISPATCH void cnk_winograd_weights_adjoint(const float *restrict du, ptrdiff_t du_stride,
                                               ptrdiff_t inputs, ptrdiff_t outputs, ptrdiff_t first,
                                               ptrdiff_t end, float *restrict dw) {
    for (ptrdiff_t k = first; k < end; k++) {
        for (ptrdiff_t o = 0; o < outputs; o += LANES) {
            ptrdiff_t count = outputs - o;
            lanes planes[36], half[18], result[9];
            for (ptrdiff_t q = 0; q < 36; q++) load(planes + q, du + (q * inputs + k) * du_stride + o, count);
            for (ptrdiff_t j = 0; j < 6; j++) weight_adjoint(planes + j, 6, half + j, 6);
            for (ptrdiff_t i = 0; i < 3; i++) weight_adjoint(half + 6 * i, 1, result + 3 * i, 1);
            for (ptrdiff_t tap = 0; tap < 9; tap++) {
                store(dw + (tap * inputs + k) * outputs + o, result + tap, count);
            }
        }
    }
}
