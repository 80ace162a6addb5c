// Numbers that exist among sixteen, where `count` are left.
CNK_INLINE void clear_beyond(lanes *value, ptrdiff_t count) {
    if (count >= LANES) return;
    UNROLLED for (int i = 0; i < LANES; i++) (*value)[i] = i < count ? (*value)[i] : 0;
}

CNK_LOOP float CNK(cnk_sum)(const float *x, size_t count) {
    // Blocks, so that a long sum of floats loses few digits.
    enum { block = 4096 };
    double total = 0;
    for (size_t first = 0; first < count; first += block) {
        size_t end = first + block < count ? first + block : count;
        lanes sums = {0}, value;
        for (size_t i = first; i < end; i += LANES) {
            load(&value, x + i, (ptrdiff_t)(end - i));
            sums += value;
        }
        total += sum_of(&sums);
    }
    return (float)total;
}

CNK_INLINE float largest(const float *x, ptrdiff_t count) {
    lanes best = SPLAT(-INFINITY), value;
    for (ptrdiff_t c = 0; c + LANES <= count; c += LANES) {
        value = *(const lanes *)(x + c);
        best = SELECT(value > best, value, best);
    }
    float result = -INFINITY;
    UNROLLED for (int i = 0; i < LANES; i++) result = best[i] > result ? best[i] : result;
    for (ptrdiff_t c = count / LANES * LANES; c < count; c++) result = x[c] > result ? x[c] : result;
    return result;
}

CNK_LOOP void CNK(cnk_softmax)(const float *x, float *y, size_t rows, size_t columns, float scale) {
    ptrdiff_t count = (ptrdiff_t)columns;
    for (size_t r = 0; r < rows; r++, x += columns, y += columns) {
        float highest = largest(x, count);
        lanes sums = {0}, value;
        for (ptrdiff_t c = 0; c < count; c += LANES) {
            load(&value, x + c, count - c);
            value = scale * (value - highest);
            exponentiate(&value);
            clear_beyond(&value, count - c);
            sums += value;
            store(y + c, &value, count - c);
        }
        float factor = 1.0f / sum_of(&sums);
        for (ptrdiff_t c = 0; c < count; c += LANES) {
            load(&value, y + c, count - c);
            value *= factor;
            store(y + c, &value, count - c);
        }
    }
}

CNK_LOOP void CNK(cnk_softmax_backward)(const float *y, const float *dy, float *dx, size_t rows, size_t columns,
                                        float scale, int accumulates) {
    ptrdiff_t count = (ptrdiff_t)columns;
    for (size_t r = 0; r < rows; r++, y += columns, dy += columns, dx += columns) {
        lanes sums = {0}, value, gradient;
        for (ptrdiff_t c = 0; c < count; c += LANES) {
            load(&value, y + c, count - c);
            load(&gradient, dy + c, count - c);
            sums += value * gradient;
        }
        float mean = sum_of(&sums);
        for (ptrdiff_t c = 0; c < count; c += LANES) {
            load(&value, y + c, count - c);
            load(&gradient, dy + c, count - c);
            gradient = scale * value * (gradient - mean);
            if (accumulates) {
                load(&value, dx + c, count - c);
                gradient += value;
            }
            store(dx + c, &gradient, count - c);
        }
    }
}

CNK_LOOP void CNK(cnk_softmax_across)(const float *x, float *y, size_t length, size_t inner) {
    for (size_t first = 0; first < inner; first += LANES) {
        ptrdiff_t count = (ptrdiff_t)(inner - first);
        lanes highest = SPLAT(-INFINITY), sums = {0}, value;
        for (size_t k = 0; k < length; k++) {
            load(&value, x + k * inner + first, count);
            highest = SELECT(value > highest, value, highest);
        }
        for (size_t k = 0; k < length; k++) {
            load(&value, x + k * inner + first, count);
            value -= highest;
            exponentiate(&value);
            sums += value;
            store(y + k * inner + first, &value, count);
        }
        for (size_t k = 0; k < length; k++) {
            load(&value, y + k * inner + first, count);
            value /= sums;
            store(y + k * inner + first, &value, count);
        }
    }
}

CNK_LOOP void CNK(cnk_softmax_across_backward)(const float *y, const float *dy, float *dx, size_t length, size_t inner,
                                               int accumulates) {
    for (size_t first = 0; first < inner; first += LANES) {
        ptrdiff_t count = (ptrdiff_t)(inner - first);
        lanes sums = {0}, value, gradient;
        for (size_t k = 0; k < length; k++) {
            load(&value, y + k * inner + first, count);
            load(&gradient, dy + k * inner + first, count);
            sums += value * gradient;
        }
        for (size_t k = 0; k < length; k++) {
            load(&value, y + k * inner + first, count);
            load(&gradient, dy + k * inner + first, count);
            gradient = value * (gradient - sums);
            if (accumulates) {
                load(&value, dx + k * inner + first, count);
                gradient += value;
            }
            store(dx + k * inner + first, &gradient, count);
        }
    }
}

CNK_LOOP void CNK(cnk_layer_norm)(const float *x, float *y, size_t rows, size_t channels, const float *weight,
                                  const float *bias, float epsilon, float *means, float *inverses) {
    ptrdiff_t count = (ptrdiff_t)channels;
    for (size_t r = 0; r < rows; r++, x += channels, y += channels) {
        lanes sums = {0}, value, other;
        for (ptrdiff_t c = 0; c < count; c += LANES) {
            load(&value, x + c, count - c);
            sums += value;
        }
        float mean = sum_of(&sums) / (float)channels;
        sums = (lanes){0};
        for (ptrdiff_t c = 0; c < count; c += LANES) {
            load(&value, x + c, count - c);
            value -= mean;
            clear_beyond(&value, count - c);
            sums += value * value;
        }
        float inverse = 1.0f / sqrtf(sum_of(&sums) / (float)channels + epsilon);
        means[r] = mean;
        inverses[r] = inverse;
        for (ptrdiff_t c = 0; c < count; c += LANES) {
            load(&value, x + c, count - c);
            value = (value - mean) * inverse;
            if (weight) {
                load(&other, weight + c, count - c);
                value *= other;
            }
            if (bias) {
                load(&other, bias + c, count - c);
                value += other;
            }
            store(y + c, &value, count - c);
        }
    }
}

CNK_LOOP void CNK(cnk_layer_norm_backward)(const float *x, const float *dy, float *dx, size_t rows, size_t channels,
                                           const float *weight, const float *means, const float *inverses,
                                           int accumulates) {
    ptrdiff_t count = (ptrdiff_t)channels;
    for (size_t r = 0; r < rows; r++, x += channels, dy += channels, dx += channels) {
        float mean = means[r], inverse = inverses[r];
        lanes sums = {0}, products = {0}, value, gradient, other;
        for (ptrdiff_t c = 0; c < count; c += LANES) {
            load(&value, x + c, count - c);
            load(&gradient, dy + c, count - c);
            if (weight) {
                load(&other, weight + c, count - c);
                gradient *= other;
            }
            sums += gradient;
            // Beyond the row's end the gradient is 0.
            products += gradient * ((value - mean) * inverse);
        }
        float shift = sum_of(&sums) / (float)channels, slope = sum_of(&products) / (float)channels;
        for (ptrdiff_t c = 0; c < count; c += LANES) {
            load(&value, x + c, count - c);
            load(&gradient, dy + c, count - c);
            if (weight) {
                load(&other, weight + c, count - c);
                gradient *= other;
            }
            gradient = inverse * (gradient - shift - (value - mean) * inverse * slope);
            if (accumulates) {
                load(&other, dx + c, count - c);
                gradient += other;
            }
            store(dx + c, &gradient, count - c);
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
