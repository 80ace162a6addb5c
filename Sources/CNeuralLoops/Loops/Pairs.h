CNK_LOOP void CNK(cnk_round)(const float *x, float *y, size_t count) {
    for (size_t i = 0; i < count; i += LANES) {
        lanes value;
        load(&value, x + i, (ptrdiff_t)(count - i));
        round_lanes(&value);
        store(y + i, &value, (ptrdiff_t)(count - i));
    }
}

CNK_LOOP void CNK(cnk_widen)(const float *restrict pairs, float *restrict y, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i += 2 * LANES) {
        lanes both;
        load(&both, pairs + i / 2, (count - i + 1) / 2);
        words bits = (words)both;
        lanes even = (lanes)(bits << 16), odd = (lanes)(bits & 0xffff0000);
        lanes low = __builtin_shufflevector(even, odd, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        lanes high = __builtin_shufflevector(even, odd, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        store(y + i, &low, count - i);
        if (count - i > LANES) store(y + i + LANES, &high, count - i - LANES);
    }
}

// Pairs of the neighbors among up to 32 numbers of a row, zeros beyond.
CNK_INLINE void load_neighbors(const float *x, ptrdiff_t count, words *pairs) {
    lanes low, high = {0};
    load(&low, x, count);
    if (count > LANES) load(&high, x + LANES, count - LANES);
    round_neighbors(&low, &high, pairs);
}

CNK_LOOP void CNK(cnk_pair_columns)(const float *restrict x, ptrdiff_t rows, ptrdiff_t columns,
                                    float *restrict pairs) {
    // Rows of an even length lie behind each other in pairs too.
    if (columns % 2 == 0) {
        columns *= rows;
        rows = 1;
    }
    for (ptrdiff_t r = 0; r < rows; r++, x += columns, pairs += (columns + 1) / 2) {
        for (ptrdiff_t c = 0; c < columns; c += 2 * LANES) {
            words neighbors;
            load_neighbors(x + c, columns - c, &neighbors);
            lanes bits = (lanes)neighbors;
            store(pairs + c / 2, &bits, (columns - c + 1) / 2);
        }
    }
}

CNK_LOOP void CNK(cnk_pair_arrays)(const float *restrict first, const float *restrict second, ptrdiff_t count,
                                   float *restrict pairs) {
    for (ptrdiff_t i = 0; i < count; i += LANES) {
        lanes low, high = {0};
        words both;
        load(&low, first + i, count - i);
        if (second) load(&high, second + i, count - i);
        round_pairs(&low, &high, &both);
        low = (lanes)both;
        store(pairs + i, &low, count - i);
    }
}

CNK_LOOP void CNK(cnk_pack_pairs)(const float *restrict matrix, ptrdiff_t row_stride, ptrdiff_t rows,
                                  ptrdiff_t columns, float *restrict packed, ptrdiff_t panel_stride) {
    for (ptrdiff_t panel = 0; panel < columns; panel += CNK_PANEL) {
        float *target = packed + panel / CNK_PANEL * panel_stride;
        for (ptrdiff_t r = 0; r < rows; r += 2, target += CNK_PANEL) {
            const float *source = matrix + r * row_stride + panel;
            for (ptrdiff_t part = 0; part < CNK_PANEL; part += LANES) {
                lanes low = {0}, high = {0};
                words both;
                ptrdiff_t count = columns - panel - part;
                if (count > 0) load(&low, source + part, count);
                if (count > 0 && r + 1 < rows) load(&high, source + row_stride + part, count);
                round_pairs(&low, &high, &both);
                low = (lanes)both;
                store(target + part, &low, LANES);
            }
        }
    }
}

// Pairs of neighboring columns of up to 16 rows, with rows and columns exchanged.
CNK_INLINE void load_pairs_transposed(const float *matrix, ptrdiff_t row_stride, ptrdiff_t rows, ptrdiff_t columns,
                                      lanes square[LANES]) {
    for (ptrdiff_t r = 0; r < LANES; r++) {
        words neighbors = {0};
        if (r < rows) load_neighbors(matrix + r * row_stride, columns, &neighbors);
        square[r] = (lanes)neighbors;
    }
    transpose(square);
}

CNK_LOOP void CNK(cnk_pack_pairs_transposed)(const float *restrict matrix, ptrdiff_t row_stride, ptrdiff_t rows,
                                             ptrdiff_t columns, float *restrict packed, ptrdiff_t panel_stride) {
    ptrdiff_t padded = (rows + CNK_PANEL - 1) / CNK_PANEL * CNK_PANEL;
    for (ptrdiff_t first = 0; first < padded; first += LANES) {
        float *target = packed + first / CNK_PANEL * panel_stride + first % CNK_PANEL;
        for (ptrdiff_t column = 0; column < columns; column += 2 * LANES) {
            lanes square[LANES];
            load_pairs_transposed(matrix + first * row_stride + column, row_stride, rows - first, columns - column,
                                  square);
            for (ptrdiff_t c = 0; c < LANES && column + 2 * c < columns; c++) {
                store(target + (column / 2 + c) * CNK_PANEL, square + c, LANES);
            }
        }
    }
}

#if !defined(CNK_TILE_INSTRUCTIONS)
CNK_LOOP void CNK(cnk_multiply_pairs)(const cnk_brgemm *p) { multiply_all(p, CNK_PAIRS); }
#endif

// Pairs of a block of a: [rows][inner / 2], or [inner / 2][rows] if it is read transposed.
CNK_INLINE void pack_left(const cnk_product *p, cnk_block_range rows, cnk_block_range inner, float *packed,
                          cnk_brgemm *block) {
    const float *a = p->a.pointer;
    block->a = packed;
    if (p->a.is_transposed) {
        for (ptrdiff_t k = 0; k < inner.count; k += 2) {
            const float *first = a + (inner.first + k) * p->a.row_stride + rows.first;
            CNK(cnk_pair_arrays)(first, k + 1 < inner.count ? first + p->a.row_stride : NULL, rows.count,
                                 packed + k / 2 * CNK_BLOCK_ROWS);
        }
        block->a_row = 1;
        block->inner.a = CNK_BLOCK_ROWS;
    } else {
        for (ptrdiff_t r = 0; r < rows.count; r++) {
            CNK(cnk_pair_columns)(a + (rows.first + r) * p->a.row_stride + inner.first, 1, inner.count,
                                  packed + r * CNK_BLOCK_INNER / 2);
        }
        block->a_row = CNK_BLOCK_INNER / 2;
        block->inner.a = 1;
    }
}

CNK_LOOP void CNK(cnk_multiply_rounded)(const cnk_product *p) {
    _Alignas(CNK_LINE * sizeof(float)) float left[CNK_BLOCK_ROWS * CNK_BLOCK_INNER / 2];
    _Alignas(CNK_LINE * sizeof(float)) float right[CNK_BLOCK_COLUMNS * CNK_BLOCK_INNER / 2];
    cnk_brgemm block = product_block(p, right, CNK_PANEL * CNK_BLOCK_INNER / 2);
    for (ptrdiff_t column = 0; column < p->columns; column += CNK_BLOCK_COLUMNS) {
        cnk_block_range columns = range_of(column, CNK_BLOCK_COLUMNS, p->columns);
        block.columns = columns.count;
        for (ptrdiff_t k = 0; k < p->inner; k += CNK_BLOCK_INNER) {
            cnk_block_range inner = range_of(k, CNK_BLOCK_INNER, p->inner);
            block.inner.count = (inner.count + 1) / 2;
            block.epilogue.accumulates = p->accumulates || k > 0;
            if (p->b.is_transposed) {
                CNK(cnk_pack_pairs_transposed)(p->b.pointer + column * p->b.row_stride + k, p->b.row_stride,
                                               columns.count, inner.count, right, block.b_panel);
            } else {
                CNK(cnk_pack_pairs)(p->b.pointer + k * p->b.row_stride + column, p->b.row_stride, inner.count,
                                    columns.count, right, block.b_panel);
            }
            for (ptrdiff_t row = 0; row < p->rows; row += CNK_BLOCK_ROWS) {
                cnk_block_range rows = range_of(row, CNK_BLOCK_ROWS, p->rows);
                block.rows = rows.count;
                pack_left(p, rows, inner, left, &block);
                block.c = p->c + row * p->c_row + column;
                CNK(cnk_multiply_pairs)(&block);
            }
        }
    }
}
