CNK_LOOP void CNK(cnk_rectify)(const float *x, float *y, size_t count, float ceiling) {
    // Written so that an undefined number stays one: a diverging run must be seen, not rectified away.
    INDEPENDENT for (size_t i = 0; i < count; i++) {
        float value = x[i] < 0 ? 0 : x[i];
        y[i] = value > ceiling ? ceiling : value;
    }
}

CNK_LOOP void CNK(cnk_rectify_backward)(const float *y, const float *dy, float *dx, size_t count, float ceiling,
                                       int accumulates) {
    if (accumulates) {
        INDEPENDENT for (size_t i = 0; i < count; i++) dx[i] += (y[i] > 0 && y[i] < ceiling) ? dy[i] : 0;
    } else {
        INDEPENDENT for (size_t i = 0; i < count; i++) dx[i] = (y[i] > 0 && y[i] < ceiling) ? dy[i] : 0;
    }
}

CNK_LOOP void CNK(cnk_add)(const float *a, const float *b, float *y, size_t count) {
    INDEPENDENT for (size_t i = 0; i < count; i++) y[i] = a[i] + b[i];
}

CNK_LOOP void CNK(cnk_add_scaled)(const float *x, float *y, size_t count, float factor) {
    for (size_t i = 0; i < count; i++) y[i] += factor * x[i];
}

// What an element is multiplied by.
CNK_INLINE float dropout_factor(const cnk_draws *draws, size_t index) {
    uint64_t z = draws->state + (index + 1) * 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    z ^= z >> 31;
    return z >> 11 < draws->threshold ? 0 : draws->scale;
}

CNK_LOOP void CNK(cnk_dropout)(const float *x, float *y, size_t count, cnk_draws draws) {
    INDEPENDENT for (size_t i = 0; i < count; i++) y[i] = dropout_factor(&draws, i) * x[i];
}

CNK_LOOP void CNK(cnk_dropout_backward)(const float *dy, float *dx, size_t count, cnk_draws draws, int accumulates) {
    INDEPENDENT for (size_t i = 0; i < count; i++) {
        // Rounded by itself, as in the forward pass.
        float product = dropout_factor(&draws, i) * dy[i];
        dx[i] = product + (accumulates ? dx[i] : 0);
    }
}

CNK_LOOP void CNK(cnk_add_rows)(float *restrict y, const float *restrict bias, size_t rows, size_t channels) {
    for (size_t r = 0; r < rows; r++, y += channels) {
        for (size_t c = 0; c < channels; c++) y[c] += bias[c];
    }
}
