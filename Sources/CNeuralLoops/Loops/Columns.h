CNK_LOOP void CNK(cnk_column_sums)(const float *restrict x, size_t rows, size_t channels, float *restrict sums) {
    for (size_t c = 0; c < channels; c++) sums[c] = 0;
    for (size_t r = 0; r < rows; r++, x += channels) {
        for (size_t c = 0; c < channels; c++) sums[c] += x[c];
    }
}

CNK_LOOP void CNK(cnk_column_squares)(const float *restrict x, const float *restrict means, size_t rows,
                                     size_t channels, float *restrict sums) {
    for (size_t c = 0; c < channels; c++) sums[c] = 0;
    for (size_t r = 0; r < rows; r++, x += channels) {
        for (size_t c = 0; c < channels; c++) {
            float centered = x[c] - means[c];
            sums[c] += centered * centered;
        }
    }
}

CNK_LOOP void CNK(cnk_column_moments)(const float *restrict x, size_t rows, size_t channels, float *restrict pivots,
                                     float *restrict sums, float *restrict squares) {
    CNK(cnk_column_sums)(x, rows, channels, pivots);
    for (size_t c = 0; c < channels; c++) {
        pivots[c] /= (float)rows;
        sums[c] = squares[c] = 0;
    }
    for (size_t r = 0; r < rows; r++, x += channels) {
        for (size_t c = 0; c < channels; c++) {
            float centered = x[c] - pivots[c];
            sums[c] += centered;
            squares[c] += centered * centered;
        }
    }
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
