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
            float centred = x[c] - means[c];
            sums[c] += centred * centred;
        }
    }
}
