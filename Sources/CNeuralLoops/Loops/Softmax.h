// Softmax reads a row by whole vectors and, where they leave a rest, its last sixteen numbers once more: `rest` says
// which of those are the rest. They are loaded before anything is written, since y may be x.
CNK_INLINE void mask_rest(masks *rest, ptrdiff_t count) {
    const masks places = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    *rest = places >= ((masks){0} + (int32_t)(LANES - count % LANES));
}

CNK_INLINE float largest_of(const lanes *x) {
    lanes v = *x;
    float result = v[0];
    UNROLLED for (int i = 1; i < LANES; i++) result = v[i] > result ? v[i] : result;
    return result;
}

// A row of at least sixteen.
CNK_INLINE void softmax_row(const float *x, float *y, ptrdiff_t count, float scale) {
    ptrdiff_t whole = count / LANES * LANES, last = count - LANES;
    lanes highest = *(const lanes *)x, tail = *(const lanes *)(x + last), value, sums = {0};
    masks rest;
    mask_rest(&rest, count);
    for (ptrdiff_t c = LANES; c < whole; c += LANES) {
        value = *(const lanes *)(x + c);
        highest = SELECT(value > highest, value, highest);
    }
    highest = SELECT(tail > highest, tail, highest);
    float maximum = largest_of(&highest);
    for (ptrdiff_t c = 0; c < whole; c += LANES) {
        value = scale * (*(const lanes *)(x + c) - maximum);
        exponentiate(&value);
        sums += value;
        *(lanes *)(y + c) = value;
    }
    if (whole < count) {
        tail = scale * (tail - maximum);
        exponentiate(&tail);
        sums += SELECT(rest, tail, SPLAT(0));
        *(lanes *)(y + last) = tail;
    }
    float factor = 1.0f / sum_of(&sums);
    for (ptrdiff_t c = 0; c < whole; c += LANES) *(lanes *)(y + c) *= factor;
    if (whole < count) *(lanes *)(y + last) = tail * factor;
}

CNK_INLINE void softmax_short_row(const float *x, float *y, ptrdiff_t count, float scale) {
    lanes value = SPLAT(-INFINITY);
    memcpy(&value, x, (size_t)count * sizeof(float));
    value = scale * (value - largest_of(&value));
    exponentiate(&value);
    clear_beyond(&value, count);
    value *= 1.0f / sum_of(&value);
    store(y, &value, count);
}

CNK_LOOP void CNK(cnk_softmax)(const float *x, float *y, size_t rows, size_t columns, float scale) {
    for (size_t r = 0; r < rows; r++, x += columns, y += columns) {
        if (columns < LANES) {
            softmax_short_row(x, y, (ptrdiff_t)columns, scale);
        } else {
            softmax_row(x, y, (ptrdiff_t)columns, scale);
        }
    }
}

// A row of at least sixteen.
CNK_INLINE void softmax_backward_row(const float *y, const float *dy, float *dx, ptrdiff_t count, float scale,
                                     int accumulates) {
    ptrdiff_t whole = count / LANES * LANES, last = count - LANES;
    lanes tail = *(const lanes *)(dy + last), sums = {0}, value;
    masks rest;
    mask_rest(&rest, count);
    for (ptrdiff_t c = 0; c < whole; c += LANES) sums += *(const lanes *)(y + c) * *(const lanes *)(dy + c);
    if (whole < count) sums += SELECT(rest, *(const lanes *)(y + last) * tail, SPLAT(0));
    float mean = sum_of(&sums);
    // Read before the whole vectors are written, of which some numbers are among the last sixteen.
    lanes before = accumulates ? *(const lanes *)(dx + last) : SPLAT(0);
    for (ptrdiff_t c = 0; c < whole; c += LANES) {
        value = scale * *(const lanes *)(y + c) * (*(const lanes *)(dy + c) - mean);
        if (accumulates) value += *(const lanes *)(dx + c);
        *(lanes *)(dx + c) = value;
    }
    if (whole < count) *(lanes *)(dx + last) = scale * *(const lanes *)(y + last) * (tail - mean) + before;
}

CNK_INLINE void softmax_backward_short_row(const float *y, const float *dy, float *dx, ptrdiff_t count, float scale,
                                           int accumulates) {
    lanes value, gradient, other;
    load(&value, y, count);
    load(&gradient, dy, count);
    other = value * gradient;
    gradient = scale * value * (gradient - sum_of(&other));
    if (accumulates) {
        load(&other, dx, count);
        gradient += other;
    }
    store(dx, &gradient, count);
}

CNK_LOOP void CNK(cnk_softmax_backward)(const float *y, const float *dy, float *dx, size_t rows, size_t columns,
                                        float scale, int accumulates) {
    for (size_t r = 0; r < rows; r++, y += columns, dy += columns, dx += columns) {
        if (columns < LANES) {
            softmax_backward_short_row(y, dy, dx, (ptrdiff_t)columns, scale, accumulates);
        } else {
            softmax_backward_row(y, dy, dx, (ptrdiff_t)columns, scale, accumulates);
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
