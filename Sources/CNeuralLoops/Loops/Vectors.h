// Sixteen floats at a time: one register with AVX-512, two with AVX2, four with SSE or NEON.
enum { LANES = 16 };
typedef float lanes __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));

// Results of a block stay in registers only if their indices are constants.
#define UNROLLED _Pragma("GCC unroll 16")

// Every pass of the loop works on numbers of its own, even where a result is written over its source: without it the
// compiler checks at run time whether arrays overlap, and takes a scalar loop where they are the same.
#if defined(__clang__)
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif

// Vectors are handed over by address: by value their calling convention would differ between the levels.
CNK_INLINE void load(lanes *value, const float *source, ptrdiff_t count) {
    if (count >= LANES) {
        *value = *(const lanes *)source;
    } else {
        *value = (lanes){0};
        memcpy(value, source, (size_t)count * sizeof(float));
    }
}

CNK_INLINE void store(float *target, const lanes *value, ptrdiff_t count) {
    if (count >= LANES) {
        *(lanes *)target = *value;
    } else {
        memcpy(target, value, (size_t)count * sizeof(float));
    }
}

// Zeros beyond `count` numbers.
CNK_INLINE void clear_beyond(lanes *value, ptrdiff_t count) {
    if (count >= LANES) return;
    UNROLLED for (int i = 0; i < LANES; i++) (*value)[i] = i < count ? (*value)[i] : 0;
}

// Zeros in place of the first `count` numbers.
CNK_INLINE void clear_before(lanes *value, ptrdiff_t count) {
    UNROLLED for (int i = 0; i < LANES; i++) (*value)[i] = i < count ? 0 : (*value)[i];
}

// 16 x 16 floats with rows and columns exchanged, by halves: four rounds of exchanges between pairs of rows.
CNK_INLINE void transpose(lanes rows[LANES]) {
    UNROLLED for (int r = 0; r < 8; r++) {
        lanes low = rows[r], high = rows[r + 8];
        rows[r] = __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
        rows[r + 8] = __builtin_shufflevector(low, high, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
    }
    UNROLLED for (int half = 0; half < 16; half += 8) {
        UNROLLED for (int r = half; r < half + 4; r++) {
            lanes low = rows[r], high = rows[r + 4];
            rows[r] = __builtin_shufflevector(low, high, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27);
            rows[r + 4] = __builtin_shufflevector(low, high, 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);
        }
    }
    UNROLLED for (int quarter = 0; quarter < 16; quarter += 4) {
        UNROLLED for (int r = quarter; r < quarter + 2; r++) {
            lanes low = rows[r], high = rows[r + 2];
            rows[r] = __builtin_shufflevector(low, high, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
            rows[r + 2] = __builtin_shufflevector(low, high, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
        }
    }
    UNROLLED for (int r = 0; r < 16; r += 2) {
        lanes low = rows[r], high = rows[r + 1];
        rows[r] = __builtin_shufflevector(low, high, 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30);
        rows[r + 1] = __builtin_shufflevector(low, high, 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31);
    }
}

// Up to 16 rows of up to 16 floats, zeros beyond.
CNK_INLINE void load_square(lanes square[LANES], const float *source, ptrdiff_t row_stride, ptrdiff_t rows,
                            ptrdiff_t columns) {
    for (ptrdiff_t r = 0; r < LANES; r++) {
        square[r] = (lanes){0};
        if (r < rows) load(square + r, source + r * row_stride, columns);
    }
}

// Between 0 and the ceiling. An undefined number stays one.
CNK_INLINE void rectify_lanes(lanes *value, float ceiling) {
    UNROLLED for (int i = 0; i < LANES; i++) {
        float positive = (*value)[i] < 0 ? 0 : (*value)[i];
        (*value)[i] = positive > ceiling ? ceiling : positive;
    }
}

// target = what is there if it accumulates, + value + bias + residual, then between 0 and the ceiling if it rectifies. `place` is
// the target's position in the whole result, `channel` that of its first column.
CNK_INLINE void finish(const cnk_epilogue *epilogue, const lanes *value, float *target, ptrdiff_t place,
                       ptrdiff_t channel, ptrdiff_t count) {
    lanes result = *value, other;
    if (epilogue->accumulates) {
        load(&other, target, count);
        result += other;
    }
    if (epilogue->bias) {
        load(&other, epilogue->bias + channel, count);
        result += other;
    }
    if (epilogue->residual) {
        load(&other, epilogue->residual + place, count);
        result += other;
    }
    if (epilogue->rectifies) rectify_lanes(&result, epilogue->ceiling);
    store(target, &result, count);
}

// The same for rows of whole vectors in registers, `pitch` vectors apart: each condition is looked at once for all of them. Bias
// and residual are those of the first vector.
CNK_INLINE void finish_rows(const cnk_epilogue *epilogue, lanes *values, int pitch, int rows, int vectors, float *target,
                            ptrdiff_t target_row, const float *bias, const float *residual) {
#define EACH_VECTOR UNROLLED for (int r = 0; r < rows; r++) UNROLLED for (int v = 0; v < vectors; v++)
#define VALUE values[r * pitch + v]
    if (epilogue->accumulates) {
        EACH_VECTOR VALUE += *(const lanes *)(target + r * target_row + LANES * v);
    }
    if (bias) {
        EACH_VECTOR VALUE += *(const lanes *)(bias + LANES * v);
    }
    if (residual) {
        EACH_VECTOR VALUE += *(const lanes *)(residual + r * target_row + LANES * v);
    }
    if (epilogue->rectifies) {
        float ceiling = epilogue->ceiling;
        EACH_VECTOR rectify_lanes(&VALUE, ceiling);
    }
    EACH_VECTOR *(lanes *)(target + r * target_row + LANES * v) = VALUE;
#undef VALUE
#undef EACH_VECTOR
}
