CNK_LOOP void CNK(cnk_multiply)(const cnk_brgemm *p) { multiply_all(p, CNK_FLOATS); }

CNK_LOOP void CNK(cnk_pack)(const float *restrict matrix, ptrdiff_t row_stride, ptrdiff_t rows, ptrdiff_t columns,
                            float *restrict packed, ptrdiff_t panel_stride) {
    for (ptrdiff_t panel = 0; panel < columns; panel += CNK_PANEL) {
        float *target = packed + panel / CNK_PANEL * panel_stride;
        for (ptrdiff_t r = 0; r < rows; r++, target += CNK_PANEL) {
            for (ptrdiff_t part = 0; part < CNK_PANEL; part += LANES) {
                lanes values = {0};
                ptrdiff_t count = columns - panel - part;
                if (count > 0) load(&values, matrix + r * row_stride + panel + part, count);
                store(target + part, &values, LANES);
            }
        }
    }
}

CNK_LOOP void CNK(cnk_pack_transposed)(const float *restrict matrix, ptrdiff_t row_stride, ptrdiff_t rows,
                                       ptrdiff_t columns, float *restrict packed, ptrdiff_t panel_stride) {
    ptrdiff_t padded = (rows + CNK_PANEL - 1) / CNK_PANEL * CNK_PANEL;
    for (ptrdiff_t first = 0; first < padded; first += LANES) {
        float *target = packed + first / CNK_PANEL * panel_stride + first % CNK_PANEL;
        for (ptrdiff_t column = 0; column < columns; column += LANES) {
            lanes square[LANES];
            load_square(square, matrix + first * row_stride + column, row_stride, rows - first, columns - column);
            transpose(square);
            for (ptrdiff_t c = 0; c < LANES && column + c < columns; c++) {
                store(target + (column + c) * CNK_PANEL, square + c, LANES);
            }
        }
    }
}

CNK_LOOP void CNK(cnk_finish)(float *results, ptrdiff_t rows, ptrdiff_t columns, const cnk_epilogue *epilogue) {
    cnk_epilogue how = *epilogue;
    how.accumulates = 0;
    for (ptrdiff_t r = 0; r < rows; r++) {
        for (ptrdiff_t c = 0; c < columns; c += LANES) {
            lanes value;
            ptrdiff_t place = r * columns + c;
            load(&value, results + place, columns - c);
            finish(&how, &value, results + place, place, c, columns - c);
        }
    }
}

// Few rows do not pay for packing b, if it can be read in whole vectors where it is.
enum { CNK_FEW_ROWS = 24 };

CNK_LOOP void CNK(cnk_multiply_matrices)(const cnk_product *p) {
    _Alignas(CNK_LINE * sizeof(float)) float right[CNK_BLOCK_COLUMNS * CNK_BLOCK_INNER];
    cnk_brgemm block = product_block(p, right, CNK_PANEL * CNK_BLOCK_INNER);
    block.rows = p->rows;
    block.a_row = p->a.is_transposed ? 1 : p->a.row_stride;
    block.inner.a = p->a.is_transposed ? p->a.row_stride : 1;
    if (!p->b.is_transposed && p->columns % LANES == 0 && p->rows <= CNK_FEW_ROWS) {
        block.a = p->a.pointer;
        block.b = p->b.pointer;
        block.b_panel = CNK_PANEL;
        block.inner.b = p->b.row_stride;
        block.inner.count = p->inner;
        block.columns = p->columns;
        block.c = p->c;
        block.epilogue.accumulates = p->accumulates;
        CNK(cnk_multiply)(&block);
        return;
    }
    for (ptrdiff_t column = 0; column < p->columns; column += CNK_BLOCK_COLUMNS) {
        cnk_block_range columns = range_of(column, CNK_BLOCK_COLUMNS, p->columns);
        block.columns = columns.count;
        block.c = p->c + column;
        for (ptrdiff_t k = 0; k < p->inner; k += CNK_BLOCK_INNER) {
            cnk_block_range inner = range_of(k, CNK_BLOCK_INNER, p->inner);
            if (p->b.is_transposed) {
                CNK(cnk_pack_transposed)(p->b.pointer + column * p->b.row_stride + k, p->b.row_stride, columns.count,
                                         inner.count, right, block.b_panel);
            } else {
                CNK(cnk_pack)(p->b.pointer + k * p->b.row_stride + column, p->b.row_stride, inner.count,
                              columns.count, right, block.b_panel);
            }
            block.a = p->a.pointer + k * block.inner.a;
            block.inner.count = inner.count;
            block.epilogue.accumulates = p->accumulates || k > 0;
            CNK(cnk_multiply)(&block);
        }
    }
}
