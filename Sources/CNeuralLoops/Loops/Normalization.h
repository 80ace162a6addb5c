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

// What tells where the activation let a gradient pass. A constant wherever it is inlined.
enum { CNK_NO_ACTIVATION, CNK_ACTIVE_OUTPUT, CNK_ACTIVE_INPUT };

CNK_INLINE int activity_of(const cnk_normalization *of) {
    if (of->ceiling <= 0) return CNK_NO_ACTIVATION;
    return of->y ? CNK_ACTIVE_OUTPUT : CNK_ACTIVE_INPUT;
}

CNK_INLINE float passed(float dy, float y, float ceiling) { return y > 0 && y < ceiling ? dy : 0; }

// The gradient before the activation. The output is computed as in the forward pass, so that it has the same bits.
CNK_INLINE float gradient_of(const cnk_normalization *of, float dy, const float *y, float x, size_t c, int activity) {
    if (activity == CNK_ACTIVE_OUTPUT) return passed(dy, y[c], of->ceiling);
    if (activity == CNK_ACTIVE_INPUT) return passed(dy, x * of->scale[c] + of->shift[c], of->ceiling);
    return dy;
}

CNK_INLINE void batch_gradient_sums(const cnk_normalization *of, const half_bits *rounded, int activity,
                                    float *restrict sums, float *restrict products) {
    const cnk_normalization n = *of;
    for (size_t c = 0; c < n.channels; c++) sums[c] = products[c] = 0;
    for (size_t row = 0; row < n.rows * n.channels; row += n.channels) {
        const float *dy = n.dy + row, *y = n.y ? n.y + row : NULL;
        INDEPENDENT for (size_t c = 0; c < n.channels; c++) {
            float x = number_of(n.x, rounded, row + c);
            float gradient = gradient_of(&n, dy[c], y, x, c, activity);
            sums[c] += gradient;
            products[c] += gradient * (x - n.means[c]);
        }
    }
}

CNK_INLINE void gradient_sums(const cnk_normalization *of, const half_bits *rounded, float *sums, float *products) {
    switch (activity_of(of)) {
    case CNK_ACTIVE_OUTPUT: batch_gradient_sums(of, rounded, CNK_ACTIVE_OUTPUT, sums, products); break;
    case CNK_ACTIVE_INPUT: batch_gradient_sums(of, rounded, CNK_ACTIVE_INPUT, sums, products); break;
    default: batch_gradient_sums(of, rounded, CNK_NO_ACTIVATION, sums, products);
    }
}

CNK_LOOP void CNK(cnk_normalize_backward_sums)(const cnk_normalization *of, float *sums, float *products) {
    if (of->rounded) {
        gradient_sums(of, of->rounded, sums, products);
    } else {
        gradient_sums(of, NULL, sums, products);
    }
}

// The gradient of x, without its means where `slopes` is null. A constant, null or not, wherever it is inlined.
CNK_INLINE float input_gradient_of(const cnk_normalization *of, float gradient, float x, size_t c,
                                   const float *gradient_means, const float *slopes) {
    if (!slopes) return of->scale[c] * gradient;
    return of->scale[c] * (gradient - gradient_means[c] - (x - of->means[c]) * slopes[c]);
}

CNK_INLINE void batch_gradient(const cnk_normalization *of, const half_bits *rounded, int activity,
                               const float *restrict gradient_means, const float *restrict slopes,
                               const cnk_normalization_target *target) {
    const cnk_normalization n = *of;
    const cnk_normalization_target to = *target;
    for (size_t row = 0; row < n.rows * n.channels; row += n.channels) {
        const float *dy = n.dy + row, *y = n.y ? n.y + row : NULL;
        float *dx = to.dx + row, *residual = to.residual ? to.residual + row : NULL;
        if (residual) {
            INDEPENDENT for (size_t c = 0; c < n.channels; c++) {
                float x = number_of(n.x, rounded, row + c);
                float gradient = gradient_of(&n, dy[c], y, x, c, activity);
                float value = input_gradient_of(&n, gradient, x, c, gradient_means, slopes);
                dx[c] = to.dx_accumulates ? dx[c] + value : value;
                residual[c] = to.residual_accumulates ? residual[c] + gradient : gradient;
            }
        } else {
            INDEPENDENT for (size_t c = 0; c < n.channels; c++) {
                float x = number_of(n.x, rounded, row + c);
                float gradient = gradient_of(&n, dy[c], y, x, c, activity);
                float value = input_gradient_of(&n, gradient, x, c, gradient_means, slopes);
                dx[c] = to.dx_accumulates ? dx[c] + value : value;
            }
        }
    }
}

CNK_INLINE void input_gradient(const cnk_normalization *of, const half_bits *rounded, const float *gradient_means,
                               const float *slopes, const cnk_normalization_target *target) {
    switch (activity_of(of)) {
    case CNK_ACTIVE_OUTPUT:
        batch_gradient(of, rounded, CNK_ACTIVE_OUTPUT, gradient_means, slopes, target);
        break;
    case CNK_ACTIVE_INPUT: batch_gradient(of, rounded, CNK_ACTIVE_INPUT, gradient_means, slopes, target); break;
    default: batch_gradient(of, rounded, CNK_NO_ACTIVATION, gradient_means, slopes, target);
    }
}

CNK_INLINE void input_gradient_with(const cnk_normalization *of, const float *gradient_means, const float *slopes,
                                    const cnk_normalization_target *target) {
    if (of->rounded) {
        input_gradient(of, of->rounded, gradient_means, slopes, target);
    } else {
        input_gradient(of, NULL, gradient_means, slopes, target);
    }
}

CNK_LOOP void CNK(cnk_normalize_backward_input)(const cnk_normalization *of, const float *gradient_means,
                                               const float *slopes, const cnk_normalization_target *target) {
    if (slopes) {
        input_gradient_with(of, gradient_means, slopes, target);
    } else {
        input_gradient_with(of, NULL, NULL, target);
    }
}
