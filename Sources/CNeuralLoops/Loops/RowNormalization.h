// The steps of layer normalization on up to sixteen numbers of a row; `count` is LANES in loops over whole vectors.

CNK_INLINE void add_number(const float *x, ptrdiff_t count, lanes *sums) {
    lanes value;
    load(&value, x, count);
    *sums += value;
}

CNK_INLINE void add_square(const float *x, ptrdiff_t count, float mean, lanes *sums) {
    lanes value;
    load(&value, x, count);
    value -= mean;
    clear_beyond(&value, count);
    *sums += value * value;
}

CNK_INLINE void normalize_part(const float *x, float *y, ptrdiff_t count, const float *weight, const float *bias,
                               float mean, float inverse) {
    lanes value, other;
    load(&value, x, count);
    value = (value - mean) * inverse;
    if (weight) {
        load(&other, weight, count);
        value *= other;
    }
    if (bias) {
        load(&other, bias, count);
        value += other;
    }
    store(y, &value, count);
}

// The gradient by the normalized number, and that number.
CNK_INLINE void load_gradient(const float *x, const float *dy, const float *weight, ptrdiff_t count, float mean,
                              float inverse, lanes *gradient, lanes *normal) {
    lanes other;
    load(normal, x, count);
    *normal = (*normal - mean) * inverse;
    load(gradient, dy, count);
    if (weight) {
        load(&other, weight, count);
        *gradient *= other;
    }
}

CNK_INLINE void add_gradient(const float *x, const float *dy, const float *weight, ptrdiff_t count, float mean,
                             float inverse, lanes *sums, lanes *products) {
    lanes gradient, normal;
    load_gradient(x, dy, weight, count, mean, inverse, &gradient, &normal);
    *sums += gradient;
    // Beyond the row's end the gradient is 0.
    *products += gradient * normal;
}

CNK_INLINE void pass_gradient(const float *x, const float *dy, float *dx, const float *weight, ptrdiff_t count,
                              float mean, float inverse, float shift, float slope, int accumulates) {
    lanes gradient, normal;
    load_gradient(x, dy, weight, count, mean, inverse, &gradient, &normal);
    gradient = inverse * (gradient - shift - normal * slope);
    if (accumulates) {
        load(&normal, dx, count);
        gradient += normal;
    }
    store(dx, &gradient, count);
}

CNK_LOOP void CNK(cnk_layer_norm)(const float *x, float *y, size_t rows, size_t channels, const float *weight,
                                  const float *bias, float epsilon, float *means, float *inverses) {
    ptrdiff_t count = (ptrdiff_t)channels, whole = count / LANES * LANES, rest = count - whole;
    for (size_t r = 0; r < rows; r++, x += channels, y += channels) {
        lanes sums = {0};
        for (ptrdiff_t c = 0; c < whole; c += LANES) add_number(x + c, LANES, &sums);
        if (rest) add_number(x + whole, rest, &sums);
        float mean = sum_of(&sums) / (float)channels;
        sums = (lanes){0};
        for (ptrdiff_t c = 0; c < whole; c += LANES) add_square(x + c, LANES, mean, &sums);
        if (rest) add_square(x + whole, rest, mean, &sums);
        float inverse = 1.0f / sqrtf(sum_of(&sums) / (float)channels + epsilon);
        means[r] = mean;
        inverses[r] = inverse;
        for (ptrdiff_t c = 0; c < whole; c += LANES) {
            normalize_part(x + c, y + c, LANES, weight ? weight + c : weight, bias ? bias + c : bias, mean, inverse);
        }
        if (rest) {
            normalize_part(x + whole, y + whole, rest, weight ? weight + whole : weight, bias ? bias + whole : bias,
                           mean, inverse);
        }
    }
}

CNK_LOOP void CNK(cnk_layer_norm_backward)(const float *x, const float *dy, float *dx, size_t rows, size_t channels,
                                           const float *weight, const float *means, const float *inverses,
                                           int accumulates) {
    ptrdiff_t count = (ptrdiff_t)channels, whole = count / LANES * LANES, rest = count - whole;
    const float *last = weight ? weight + whole : weight;
    for (size_t r = 0; r < rows; r++, x += channels, dy += channels, dx += channels) {
        float mean = means[r], inverse = inverses[r];
        lanes sums = {0}, products = {0};
        for (ptrdiff_t c = 0; c < whole; c += LANES) {
            add_gradient(x + c, dy + c, weight ? weight + c : weight, LANES, mean, inverse, &sums, &products);
        }
        if (rest) add_gradient(x + whole, dy + whole, last, rest, mean, inverse, &sums, &products);
        float shift = sum_of(&sums) / (float)channels, slope = sum_of(&products) / (float)channels;
        for (ptrdiff_t c = 0; c < whole; c += LANES) {
            pass_gradient(x + c, dy + c, dx + c, weight ? weight + c : weight, LANES, mean, inverse, shift, slope,
                          accumulates);
        }
        if (rest) {
            pass_gradient(x + whole, dy + whole, dx + whole, last, rest, mean, inverse, shift, slope, accumulates);
        }
    }
}

CNK_LOOP void CNK(cnk_layer_norm_sums)(const float *restrict x, const float *restrict dy, size_t rows, size_t channels,
                                       const float *restrict means, const float *restrict inverses,
                                       float *restrict sums, float *restrict products) {
    for (size_t c = 0; c < channels; c++) sums[c] = products[c] = 0;
    for (size_t r = 0; r < rows; r++, x += channels, dy += channels) {
        float mean = means[r], inverse = inverses[r];
        for (size_t c = 0; c < channels; c++) {
            sums[c] += dy[c];
            products[c] += dy[c] * ((x[c] - mean) * inverse);
        }
    }
}

CNK_LOOP void CNK(cnk_group_norm_backward)(const float *x, const float *dy, float *dx, size_t rows, size_t channels,
                                           const float *means, const float *scale, const float *offsets,
                                           const float *slopes, int accumulates) {
    for (size_t r = 0; r < rows; r++, x += channels, dy += channels, dx += channels) {
        for (size_t c = 0; c < channels; c += LANES) {
            ptrdiff_t count = (ptrdiff_t)(channels - c);
            lanes value, gradient, other;
            load(&value, x + c, count);
            load(&gradient, dy + c, count);
            load(&other, means + c, count);
            value -= other;
            load(&other, slopes + c, count);
            value *= other;
            load(&other, scale + c, count);
            gradient *= other;
            load(&other, offsets + c, count);
            gradient -= other + value;
            if (accumulates) {
                load(&other, dx + c, count);
                gradient += other;
            }
            store(dx + c, &gradient, count);
        }
    }
}
