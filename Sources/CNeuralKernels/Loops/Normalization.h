CNK_LOOP void CNK(cnk_normalize)(const float *x, const float *restrict residual, float *y, size_t rows,
                                size_t channels, const float *restrict scale, const float *restrict shift,
                                float ceiling) {
    for (size_t r = 0; r < rows; r++, x += channels, y += channels) {
        if (residual) {
            INDEPENDENT for (size_t c = 0; c < channels; c++) y[c] = x[c] * scale[c] + shift[c] + residual[c];
            residual += channels;
        } else {
            INDEPENDENT for (size_t c = 0; c < channels; c++) y[c] = x[c] * scale[c] + shift[c];
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

CNK_LOOP void CNK(cnk_normalize_backward_sums)(const float *restrict x, const float *restrict dy,
                                              const float *restrict y, size_t rows, size_t channels,
                                              const float *restrict means, float ceiling, float *restrict sums,
                                              float *restrict products) {
    for (size_t c = 0; c < channels; c++) sums[c] = products[c] = 0;
    for (size_t r = 0; r < rows; r++, x += channels, dy += channels) {
        if (y) {
            for (size_t c = 0; c < channels; c++) {
                float gradient = y[c] > 0 && y[c] < ceiling ? dy[c] : 0;
                sums[c] += gradient;
                products[c] += gradient * (x[c] - means[c]);
            }
            y += channels;
        } else {
            for (size_t c = 0; c < channels; c++) {
                sums[c] += dy[c];
                products[c] += dy[c] * (x[c] - means[c]);
            }
        }
    }
}

CNK_LOOP void CNK(cnk_normalize_backward_input)(const float *restrict x, const float *dy, const float *restrict y,
                                               float *dx, size_t rows, size_t channels,
                                               const float *restrict means, const float *restrict scale,
                                               const float *restrict gradient_means,
                                               const float *restrict slopes, float ceiling, int accumulates) {
    for (size_t r = 0; r < rows; r++, x += channels, dy += channels, dx += channels) {
        INDEPENDENT for (size_t c = 0; c < channels; c++) {
            float gradient = (!y || (y[c] > 0 && y[c] < ceiling)) ? dy[c] : 0;
            float value = scale[c] * (gradient - gradient_means[c] - (x[c] - means[c]) * slopes[c]);
            dx[c] = accumulates ? dx[c] + value : value;
        }
        if (y) y += channels;
    }
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
