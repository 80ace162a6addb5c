// Bits of bfloat16 numbers, which lie in memory of floats.
typedef uint16_t half_bits __attribute__((may_alias));

// A number of x, or of its rounded form where there is one.
CNK_INLINE float number_of(const float *x, const half_bits *rounded, size_t index) {
    if (!rounded) return x[index];
    uint32_t bits = (uint32_t)rounded[index] << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

CNK_INLINE void batch_normalize(const float *x, const half_bits *rounded, const float *restrict residual, float *y,
                                size_t rows, size_t channels, const float *restrict scale,
                                const float *restrict shift, float ceiling) {
    for (size_t row = 0; row < rows * channels; row += channels, y += channels) {
        if (residual) {
            INDEPENDENT for (size_t c = 0; c < channels; c++) {
                y[c] = number_of(x, rounded, row + c) * scale[c] + shift[c] + residual[c];
            }
            residual += channels;
        } else {
            INDEPENDENT for (size_t c = 0; c < channels; c++) {
                y[c] = number_of(x, rounded, row + c) * scale[c] + shift[c];
            }
        }
        if (ceiling > 0) {
            // Written so that an undefined number stays one.
            for (size_t c = 0; c < channels; c++) {
                float value = y[c] < 0 ? 0 : y[c];
                y[c] = value > ceiling ? ceiling : value;
            }
        }
    }
}

CNK_LOOP void CNK(cnk_normalize)(const float *x, const float *residual, float *y, size_t rows, size_t channels,
                                const float *scale, const float *shift, float ceiling) {
    batch_normalize(x, NULL, residual, y, rows, channels, scale, shift, ceiling);
}

CNK_LOOP void CNK(cnk_normalize_rounded)(const void *x, float *y, size_t rows, size_t channels, const float *scale,
                                        const float *shift, float ceiling) {
    batch_normalize(NULL, x, NULL, y, rows, channels, scale, shift, ceiling);
}

CNK_INLINE void batch_gradient_sums(const float *restrict x, const half_bits *restrict rounded,
                                    const float *restrict dy, const float *restrict y, size_t rows, size_t channels,
                                    const float *restrict means, float ceiling, float *restrict sums,
                                    float *restrict products) {
    for (size_t c = 0; c < channels; c++) sums[c] = products[c] = 0;
    for (size_t row = 0; row < rows * channels; row += channels, dy += channels) {
        if (y) {
            INDEPENDENT for (size_t c = 0; c < channels; c++) {
                float gradient = y[c] > 0 && y[c] < ceiling ? dy[c] : 0;
                sums[c] += gradient;
                products[c] += gradient * (number_of(x, rounded, row + c) - means[c]);
            }
            y += channels;
        } else {
            INDEPENDENT for (size_t c = 0; c < channels; c++) {
                sums[c] += dy[c];
                products[c] += dy[c] * (number_of(x, rounded, row + c) - means[c]);
            }
        }
    }
}

CNK_LOOP void CNK(cnk_normalize_backward_sums)(const float *x, const float *dy, const float *y, size_t rows,
                                              size_t channels, const float *means, float ceiling, float *sums,
                                              float *products) {
    batch_gradient_sums(x, NULL, dy, y, rows, channels, means, ceiling, sums, products);
}

CNK_LOOP void CNK(cnk_normalize_rounded_backward_sums)(const void *x, const float *dy, const float *y, size_t rows,
                                                      size_t channels, const float *means, float ceiling,
                                                      float *sums, float *products) {
    batch_gradient_sums(NULL, x, dy, y, rows, channels, means, ceiling, sums, products);
}

CNK_INLINE void batch_gradient(const float *restrict x, const half_bits *restrict rounded, const float *dy,
                               const float *restrict y, float *dx, size_t rows, size_t channels,
                               const float *restrict means, const float *restrict scale,
                               const float *restrict gradient_means, const float *restrict slopes, float ceiling,
                               int accumulates) {
    for (size_t row = 0; row < rows * channels; row += channels, dy += channels, dx += channels) {
        INDEPENDENT for (size_t c = 0; c < channels; c++) {
            float gradient = (!y || (y[c] > 0 && y[c] < ceiling)) ? dy[c] : 0;
            float distance = number_of(x, rounded, row + c) - means[c];
            float value = scale[c] * (gradient - gradient_means[c] - distance * slopes[c]);
            dx[c] = accumulates ? dx[c] + value : value;
        }
        if (y) y += channels;
    }
}

CNK_LOOP void CNK(cnk_normalize_backward_input)(const float *x, const float *dy, const float *y, float *dx,
                                               size_t rows, size_t channels, const float *means,
                                               const float *scale, const float *gradient_means,
                                               const float *slopes, float ceiling, int accumulates) {
    batch_gradient(x, NULL, dy, y, dx, rows, channels, means, scale, gradient_means, slopes, ceiling, accumulates);
}

CNK_LOOP void CNK(cnk_normalize_rounded_backward_input)(const void *x, const float *dy, const float *y, float *dx,
                                                       size_t rows, size_t channels, const float *means,
                                                       const float *scale, const float *gradient_means,
                                                       const float *slopes, float ceiling, int accumulates) {
    batch_gradient(NULL, x, dy, y, dx, rows, channels, means, scale, gradient_means, slopes, ceiling, accumulates);
}

CNK_LOOP void CNK(cnk_normalize_backward_fixed)(const float *dy, const float *restrict y, float *dx, size_t rows,
                                               size_t channels, const float *restrict scale, float ceiling,
                                               int accumulates) {
    for (size_t r = 0; r < rows; r++, dy += channels, dx += channels) {
        INDEPENDENT for (size_t c = 0; c < channels; c++) {
            float value = (!y || (y[c] > 0 && y[c] < ceiling)) ? scale[c] * dy[c] : 0;
            dx[c] = accumulates ? dx[c] + value : value;
        }
        if (y) y += channels;
    }
}
