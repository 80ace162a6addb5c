// Weights of a tap are loaded once for a few positions; `positions`, and `count` unless channels are left over, are constants
// wherever this is inlined.
CNK_INLINE void depthwise_block(const float *x, const float *weights, float *target, const cnk_depthwise_span *s,
                                const cnk_epilogue *epilogue, ptrdiff_t first, ptrdiff_t c, ptrdiff_t count,
                                int positions) {
    lanes sums[8];
    UNROLLED for (int p = 0; p < positions; p++) sums[p] = (lanes){0};
    for (ptrdiff_t t = 0; t < s->tap_count; t++) {
        const float *under = x + s->taps[t].a + c;
        lanes weight, value;
        load(&weight, weights + s->taps[t].b + c, count);
        UNROLLED for (int p = 0; p < positions; p++) {
            load(&value, under + p * s->source_step, count);
            sums[p] += value * weight;
        }
    }
    ptrdiff_t place = first * s->target_step + c;
    if (count == LANES) {
        finish_rows(epilogue, sums, 1, positions, 1, target + place, s->target_step,
                    epilogue->bias ? epilogue->bias + c : NULL, epilogue->residual ? epilogue->residual + place : NULL);
        return;
    }
    UNROLLED for (int p = 0; p < positions; p++, place += s->target_step) {
        finish(epilogue, sums + p, target + place, place, c, count);
    }
}

CNK_INLINE void depthwise_positions(const float *source, const float *weights, float *target,
                                    const cnk_depthwise_span *s, const cnk_epilogue *epilogue, ptrdiff_t first,
                                    int positions) {
    const float *x = source + first * s->source_step;
    ptrdiff_t c = 0;
    for (; c + LANES <= s->channels; c += LANES) {
        depthwise_block(x, weights, target, s, epilogue, first, c, LANES, positions);
    }
    if (c < s->channels) depthwise_block(x, weights, target, s, epilogue, first, c, s->channels - c, positions);
}

CNK_LOOP void CNK(cnk_depthwise)(const float *source, const float *weights, float *target,
                                 const cnk_depthwise_span *span, const cnk_epilogue *epilogue) {
    ptrdiff_t position = 0;
    // As many as registers hold sums of.
    for (; CNK_PRODUCT_ROWS > 8 && position + 8 <= span->count; position += 8) {
        depthwise_positions(source, weights, target, span, epilogue, position, 8);
    }
    for (; position + 4 <= span->count; position += 4) {
        depthwise_positions(source, weights, target, span, epilogue, position, 4);
    }
    for (; position < span->count; position++) {
        depthwise_positions(source, weights, target, span, epilogue, position, 1);
    }
}

// A gradient's vector is loaded once for a few taps; `taps` is a constant wherever this is inlined.
CNK_INLINE void depthwise_taps(const float *source, const float *gradient, float *weights, const cnk_depthwise_span *s,
                               ptrdiff_t c, ptrdiff_t count, ptrdiff_t first, int taps) {
    lanes sums[9];
    const float *under[9];
    UNROLLED for (int t = 0; t < taps; t++) {
        load(sums + t, weights + s->taps[first + t].b + c, count);
        under[t] = source + s->taps[first + t].a + c;
    }
    const float *dy = gradient + c;
    for (ptrdiff_t p = 0, at = 0; p < s->count; p++, at += s->source_step, dy += s->target_step) {
        lanes slope, value;
        load(&slope, dy, count);
        UNROLLED for (int t = 0; t < taps; t++) {
            load(&value, under[t] + at, count);
            sums[t] += value * slope;
        }
    }
    UNROLLED for (int t = 0; t < taps; t++) store(weights + s->taps[first + t].b + c, sums + t, count);
}

CNK_INLINE void depthwise_columns(const float *source, const float *gradient, float *weights,
                                  const cnk_depthwise_span *s, ptrdiff_t c, ptrdiff_t count) {
    ptrdiff_t tap = 0;
    for (; tap + 9 <= s->tap_count; tap += 9) depthwise_taps(source, gradient, weights, s, c, count, tap, 9);
    for (; tap + 6 <= s->tap_count; tap += 6) depthwise_taps(source, gradient, weights, s, c, count, tap, 6);
    for (; tap + 4 <= s->tap_count; tap += 4) depthwise_taps(source, gradient, weights, s, c, count, tap, 4);
    for (; tap + 2 <= s->tap_count; tap += 2) depthwise_taps(source, gradient, weights, s, c, count, tap, 2);
    for (; tap < s->tap_count; tap++) depthwise_taps(source, gradient, weights, s, c, count, tap, 1);
}

CNK_LOOP void CNK(cnk_depthwise_weights)(const float *source, const float *gradient, float *weights,
                                         const cnk_depthwise_span *span) {
    ptrdiff_t c = 0;
    for (; c + LANES <= span->channels; c += LANES) depthwise_columns(source, gradient, weights, span, c, LANES);
    if (c < span->channels) depthwise_columns(source, gradient, weights, span, c, span->channels - c);
}
