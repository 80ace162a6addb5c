#include <string.h>

// The interpolation points are 0, +-P, +-Q and infinity; all of these are exact in float.
#define P 0.625f
#define Q 1.5f
#define P2 (P * P)
#define Q2 (Q * Q)
#define P3 (P * P * P)
#define Q3 (Q * Q * Q)

// Two rows of Bt d, at the points p and -p: the polynomials that vanish at all other points. `other` is the other
// point's square.
CNK_INLINE void input_pair(const lanes *d1, const lanes *d2, const lanes *d3, const lanes *d4, float point, float other,
                           lanes *plus, lanes *minus) {
    lanes even = *d4 - other * *d2, odd = *d3 - other * *d1;
    *plus = even + point * odd;
    *minus = even - point * odd;
}

// The first or last row of Bt d, at 0 or infinity.
CNK_INLINE void input_end(const lanes *low, const lanes *middle, const lanes *high, lanes *r) {
    *r = P2 * Q2 * *low + (*high - (P2 + Q2) * *middle);
}

// r = Bt d of six neighbors, stored in planes.
CNK_INLINE void input_row(const lanes d[6], float *v, ptrdiff_t plane_stride) {
    lanes r[6];
    input_end(d, d + 2, d + 4, r);
    input_pair(d + 1, d + 2, d + 3, d + 4, P, Q2, r + 1, r + 2);
    input_pair(d + 1, d + 2, d + 3, d + 4, Q, P2, r + 3, r + 4);
    input_end(d + 1, d + 3, d + 5, r + 5);
    UNROLLED for (ptrdiff_t j = 0; j < 6; j++) *(lanes *)(v + j * plane_stride) = r[j];
}

// Bt d B of a 6x6 window of 16 channels. One or two of the six rows at a time: their numbers stay in registers, and
// reading the window again is cheaper than keeping 36 vectors.
CNK_INLINE void input_tile(const float *d, ptrdiff_t row_stride, ptrdiff_t pixel_stride, float *v,
                           ptrdiff_t plane_stride) {
    lanes first[6], second[6];
#define PIXEL(i, j) ((const lanes *)(d + (i) * row_stride + (j) * pixel_stride))
    UNROLLED for (ptrdiff_t j = 0; j < 6; j++) input_end(PIXEL(0, j), PIXEL(2, j), PIXEL(4, j), first + j);
    input_row(first, v, plane_stride);
    UNROLLED for (ptrdiff_t j = 0; j < 6; j++) {
        input_pair(PIXEL(1, j), PIXEL(2, j), PIXEL(3, j), PIXEL(4, j), P, Q2, first + j, second + j);
    }
    input_row(first, v + 6 * plane_stride, plane_stride);
    input_row(second, v + 12 * plane_stride, plane_stride);
    UNROLLED for (ptrdiff_t j = 0; j < 6; j++) {
        input_pair(PIXEL(1, j), PIXEL(2, j), PIXEL(3, j), PIXEL(4, j), Q, P2, first + j, second + j);
    }
    input_row(first, v + 18 * plane_stride, plane_stride);
    input_row(second, v + 24 * plane_stride, plane_stride);
    UNROLLED for (ptrdiff_t j = 0; j < 6; j++) input_end(PIXEL(1, j), PIXEL(3, j), PIXEL(5, j), first + j);
    input_row(first, v + 30 * plane_stride, plane_stride);
#undef PIXEL
}

// r = At m: powers of the points.
CNK_INLINE void output_transform(const lanes *m0, const lanes *m1, const lanes *m2, const lanes *m3, const lanes *m4,
                                 const lanes *m5, lanes *r0, lanes *r1, lanes *r2, lanes *r3) {
    lanes sum_p = *m1 + *m2, difference_p = *m1 - *m2;
    lanes sum_q = *m3 + *m4, difference_q = *m3 - *m4;
    *r0 = *m0 + sum_p + sum_q;
    *r1 = P * difference_p + Q * difference_q;
    *r2 = P2 * sum_p + Q2 * sum_q;
    *r3 = *m5 + P3 * difference_p + Q3 * difference_q;
}

// r = A d, the transpose of output_transform.
CNK_INLINE void output_adjoint(const lanes d[4], ptrdiff_t step, lanes r[6], ptrdiff_t result_step) {
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
CNK_INLINE void weight_transform(const lanes w[3], ptrdiff_t step, lanes r[6], ptrdiff_t result_step) {
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
CNK_INLINE void weight_adjoint(const lanes u[6], ptrdiff_t step, lanes r[3], ptrdiff_t result_step) {
    lanes sum_p = u[step] + u[2 * step], difference_p = u[step] - u[2 * step];
    lanes sum_q = u[3 * step] + u[4 * step], difference_q = u[3 * step] - u[4 * step];
    r[0] = N0 * u[0] + NP * sum_p + NQ * sum_q;
    r[result_step] = (NP * P) * difference_p + (NQ * Q) * difference_q;
    r[2 * result_step] = (NP * P2) * sum_p + (NQ * Q2) * sum_q + u[5 * step];
}

// The rows and columns of a window that lie on the image.
typedef struct {
    ptrdiff_t top, bottom, left, right;
} cnk_inside;

CNK_INLINE cnk_inside inside_of(cnk_image image, ptrdiff_t row, ptrdiff_t column, ptrdiff_t size) {
    return (cnk_inside){
        .top = row < 0 ? -row : 0,
        .bottom = image.height - row < size ? image.height - row : size,
        .left = column < 0 ? -column : 0,
        .right = image.width - column < size ? image.width - column : size,
    };
}

CNK_INLINE int is_whole(cnk_inside inside, ptrdiff_t size) {
    return inside.top == 0 && inside.left == 0 && inside.bottom == size && inside.right == size;
}

// Copies the inside of a window of 16 channels, or of fewer and zeros, rounded if they have to be. The channels behind them come
// next: a window's lines lie too far apart for a processor to foresee.
CNK_INLINE void copy_inside(const float *corner, cnk_image image, cnk_inside inside, ptrdiff_t size, ptrdiff_t count,
                            float *window) {
    for (ptrdiff_t i = inside.top; i < inside.bottom; i++) {
        for (ptrdiff_t j = inside.left; j < inside.right; j++) {
            const float *source = corner + (i * image.width + j) * image.channels;
            lanes pixel;
            load(&pixel, source, count);
            __builtin_prefetch(source + LANES);
            if (image.rounds) round_lanes(&pixel);
            store(window + (i * size + j) * LANES, &pixel, LANES);
        }
    }
}

// Asks for a window of 16 channels.
CNK_INLINE void expect_window(const float *corner, cnk_image image, ptrdiff_t size) {
    for (ptrdiff_t i = 0; i < size; i++) {
        UNROLLED for (ptrdiff_t j = 0; j < size; j++) __builtin_prefetch(corner + (i * image.width + j) * image.channels);
    }
}

// A d At of a 4x4 window of 16 channels.
CNK_INLINE void adjoint_tile(const float *d, ptrdiff_t row_stride, ptrdiff_t pixel_stride, float *m,
                             ptrdiff_t plane_stride) {
    lanes half[24];
    UNROLLED for (ptrdiff_t j = 0; j < 4; j++) {
        const float *top = d + j * pixel_stride;
        lanes column[4] = {*(const lanes *)top, *(const lanes *)(top + row_stride),
                           *(const lanes *)(top + 2 * row_stride), *(const lanes *)(top + 3 * row_stride)};
        output_adjoint(column, 1, half + j, 4);
    }
    UNROLLED for (ptrdiff_t i = 0; i < 6; i++) {
        lanes result[6];
        output_adjoint(half + 4 * i, 1, result, 1);
        UNROLLED for (ptrdiff_t j = 0; j < 6; j++) *(lanes *)(m + (6 * i + j) * plane_stride) = result[j];
    }
}

// 16 channels of a window: of 6x6 inputs, or of the gradients of 4x4 outputs. A constant `size` wherever it is inlined.
CNK_INLINE void transform_window(const float *d, ptrdiff_t row_stride, ptrdiff_t pixel_stride, ptrdiff_t size,
                                 float *planes, ptrdiff_t plane_stride) {
    if (size == 6) {
        input_tile(d, row_stride, pixel_stride, planes, plane_stride);
    } else {
        adjoint_tile(d, row_stride, pixel_stride, planes, plane_stride);
    }
}

CNK_INLINE void transform_channels(const float *x, cnk_image image, ptrdiff_t row, ptrdiff_t column, ptrdiff_t size,
                                   float *planes, ptrdiff_t plane_stride) {
    cnk_inside inside = inside_of(image, row, column, size);
    const float *corner = x + (row * image.width + column) * image.channels;
    ptrdiff_t whole = image.channels / LANES * LANES, c = 0;
    if (is_whole(inside, size) && !image.rounds) {
        for (; c < whole; c += LANES) {
            // The channels behind these, or the first of the next tile.
            expect_window(corner + (c + LANES < whole ? c + LANES : 4 * image.channels), image, size);
            transform_window(corner + c, image.width * image.channels, image.channels, size, planes + c, plane_stride);
        }
    }
    if (c == image.channels) return;
    // Outside the image it stays zero.
    float window[36 * LANES];
    memset(window, 0, (size_t)(size * size) * sizeof(lanes));
    for (; c < whole; c += LANES) {
        copy_inside(corner + c, image, inside, size, LANES, window);
        transform_window(window, size * LANES, LANES, size, planes + c, plane_stride);
    }
    if (c < image.channels) {
        copy_inside(corner + c, image, inside, size, image.channels - c, window);
        transform_window(window, size * LANES, LANES, size, planes + c, plane_stride);
    }
}

CNK_LOOP void CNK(cnk_winograd_input)(const float *restrict x, cnk_image image, ptrdiff_t row, ptrdiff_t column,
                                     float *restrict v, ptrdiff_t plane_stride) {
    transform_channels(x, image, row, column, 6, v, plane_stride);
}

CNK_LOOP void CNK(cnk_winograd_output_adjoint)(const float *restrict dy, cnk_image image, ptrdiff_t row,
                                              ptrdiff_t column, float *restrict m, ptrdiff_t plane_stride) {
    transform_channels(dy, image, row, column, 4, m, plane_stride);
}

CNK_LOOP void CNK(cnk_winograd_output)(const float *restrict m, ptrdiff_t plane_stride, float *restrict y,
                                      cnk_image image, ptrdiff_t row, ptrdiff_t column, const cnk_epilogue *epilogue,
                                      ptrdiff_t origin) {
    ptrdiff_t rows = image.height - row < 4 ? image.height - row : 4;
    ptrdiff_t columns = image.width - column < 4 ? image.width - column : 4;
    cnk_epilogue how = *epilogue;
    for (ptrdiff_t c = 0; c < image.channels; c += LANES) {
        ptrdiff_t count = image.channels - c;
        ptrdiff_t corner = (row * image.width + column) * image.channels + c;
        // Results go to 16 places at a time, more than a processor foresees.
        for (ptrdiff_t i = 0; i < rows; i++) {
            UNROLLED for (ptrdiff_t j = 0; j < 4; j++) {
                ptrdiff_t place = corner + (i * image.width + j) * image.channels;
                __builtin_prefetch(y + place, 1);
                if (how.residual) __builtin_prefetch(how.residual + origin + place);
            }
        }
        lanes half[24], result[4];
        UNROLLED for (ptrdiff_t j = 0; j < 6; j++) {
#define PLANE(i) ((const lanes *)(m + (6 * (i) + j) * plane_stride + c))
            output_transform(PLANE(0), PLANE(1), PLANE(2), PLANE(3), PLANE(4), PLANE(5), half + j, half + 6 + j,
                             half + 12 + j, half + 18 + j);
#undef PLANE
        }
        UNROLLED for (ptrdiff_t i = 0; i < 4; i++) {
            const lanes *line = half + 6 * i;
            output_transform(line, line + 1, line + 2, line + 3, line + 4, line + 5, result, result + 1, result + 2,
                             result + 3);
            ptrdiff_t place = corner + i * image.width * image.channels;
            if (i >= rows) continue;
            if (columns == 4 && count >= LANES) {
                finish_rows(&how, result, 1, 4, 1, y + place, image.channels, how.bias ? how.bias + c : NULL,
                            how.residual ? how.residual + origin + place : NULL);
                continue;
            }
            UNROLLED for (ptrdiff_t j = 0; j < 4; j++) {
                if (j >= columns) continue;
                ptrdiff_t pixel = place + j * image.channels;
                finish(&how, result + j, y + pixel, origin + pixel, c, count);
            }
        }
    }
}

// u = G w Gt of 16 columns of one inner index.
CNK_INLINE void transform_taps(lanes taps[9], int rounds, float *u, ptrdiff_t plane_stride) {
    lanes half[18], result[36];
    for (ptrdiff_t tap = 0; rounds && tap < 9; tap++) round_lanes(taps + tap);
    for (ptrdiff_t j = 0; j < 3; j++) weight_transform(taps + j, 3, half + j, 3);
    for (ptrdiff_t i = 0; i < 6; i++) weight_transform(half + 3 * i, 1, result + 6 * i, 1);
    for (ptrdiff_t q = 0; q < 36; q++) store(u + q * plane_stride, result + q, LANES);
}

CNK_LOOP void CNK(cnk_winograd_weights)(const float *restrict w, ptrdiff_t inputs, ptrdiff_t outputs,
                                        ptrdiff_t panel, int rounds, float *restrict u, ptrdiff_t plane_stride) {
    for (ptrdiff_t k = 0; k < inputs; k++) {
        for (ptrdiff_t part = 0; part < CNK_PANEL; part += LANES) {
            ptrdiff_t column = panel * CNK_PANEL + part;
            lanes taps[9];
            for (ptrdiff_t tap = 0; tap < 9; tap++) {
                taps[tap] = (lanes){0};
                if (column < outputs) load(taps + tap, w + (tap * inputs + k) * outputs + column, outputs - column);
            }
            transform_taps(taps, rounds, u + k * CNK_PANEL + part, plane_stride);
        }
    }
}

CNK_LOOP void CNK(cnk_winograd_weights_turned)(const float *restrict w, ptrdiff_t inputs, ptrdiff_t outputs,
                                               ptrdiff_t panel, int rounds, float *restrict u,
                                               ptrdiff_t plane_stride) {
    for (ptrdiff_t first = 0; first < outputs; first += LANES) {
        for (ptrdiff_t part = 0; part < CNK_PANEL; part += LANES) {
            ptrdiff_t column = panel * CNK_PANEL + part;
            lanes squares[9][LANES];
            for (ptrdiff_t tap = 0; tap < 9; tap++) {
                load_square(squares[tap], w + ((8 - tap) * inputs + column) * outputs + first, outputs,
                            inputs - column, outputs - first);
                transpose(squares[tap]);
            }
            for (ptrdiff_t k = 0; k < LANES && first + k < outputs; k++) {
                lanes taps[9];
                for (ptrdiff_t tap = 0; tap < 9; tap++) taps[tap] = squares[tap][k];
                transform_taps(taps, rounds, u + (first + k) * CNK_PANEL + part, plane_stride);
            }
        }
    }
}

// 16 columns of one inner index; a constant `count` wherever there are as many.
CNK_INLINE void adjoint_of_taps(const float *du, ptrdiff_t plane_stride, float *dw, ptrdiff_t tap_stride, ptrdiff_t count) {
    lanes planes[36], half[18], result[9];
    for (ptrdiff_t q = 0; q < 36; q++) load(planes + q, du + q * plane_stride, count);
    for (ptrdiff_t j = 0; j < 6; j++) weight_adjoint(planes + j, 6, half + j, 6);
    for (ptrdiff_t i = 0; i < 3; i++) weight_adjoint(half + 6 * i, 1, result + 3 * i, 1);
    for (ptrdiff_t tap = 0; tap < 9; tap++) store(dw + tap * tap_stride, result + tap, count);
}

CNK_LOOP void CNK(cnk_winograd_weights_adjoint)(const float *restrict du, ptrdiff_t du_stride,
                                               ptrdiff_t inputs, ptrdiff_t outputs, ptrdiff_t first,
                                               ptrdiff_t end, float *restrict dw) {
    for (ptrdiff_t k = first; k < end; k++) {
        const float *planes = du + k * du_stride;
        float *taps = dw + k * outputs;
        ptrdiff_t o = 0;
        for (; o + LANES <= outputs; o += LANES) {
            adjoint_of_taps(planes + o, inputs * du_stride, taps + o, inputs * outputs, LANES);
        }
        if (o < outputs) adjoint_of_taps(planes + o, inputs * du_stride, taps + o, inputs * outputs, outputs - o);
    }
}

#undef P
#undef Q
#undef P2
#undef Q2
#undef P3
#undef Q3
#undef N0
#undef NP
#undef NQ
