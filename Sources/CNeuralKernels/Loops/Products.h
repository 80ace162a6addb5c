// A micro-kernel keeps a block of results in registers; the panels of b stream past it.

typedef struct {
    ptrdiff_t row, column; // of the block in c
    ptrdiff_t width;       // columns that exist
} cnk_block;

typedef lanes cnk_sums[CNK_PRODUCT_ROWS][CNK_PRODUCT_VECTORS];

// The sum over the inner axis.
CNK_INLINE void add_products(const float *a, const float *b, ptrdiff_t a_row, cnk_axis inner, cnk_sums sums, int rows,
                             int vectors) {
    for (ptrdiff_t k = 0; k < inner.count; k++, a += inner.a, b += inner.b) {
        lanes columns[CNK_PRODUCT_VECTORS];
        UNROLLED for (int v = 0; v < vectors; v++) columns[v] = *(const lanes *)(b + LANES * v);
        UNROLLED for (int r = 0; r < rows; r++) {
            float factor = a[r * a_row];
            UNROLLED for (int v = 0; v < vectors; v++) sums[r][v] += factor * columns[v];
        }
    }
}

// rows x (16 * vectors) results; rows and vectors are constants wherever this is inlined.
CNK_INLINE void multiply_block(const cnk_brgemm *p, cnk_block block, int rows, int vectors) {
    cnk_sums sums;
    UNROLLED for (int r = 0; r < rows; r++) {
        UNROLLED for (int v = 0; v < vectors; v++) sums[r][v] = (lanes){0};
    }
    const float *a_block = p->a + block.row * p->a_row;
    const float *b_block = p->b + block.column / CNK_PANEL * p->b_panel + block.column % CNK_PANEL;
    for (ptrdiff_t outer = 0; outer < p->outer.count; outer++) {
        for (ptrdiff_t middle = 0; middle < p->middle.count; middle++) {
            const float *a = a_block + outer * p->outer.a + middle * p->middle.a;
            const float *b = b_block + outer * p->outer.b + middle * p->middle.b;
            if (!p->runs) add_products(a, b, p->a_row, p->inner, sums, rows, vectors);
            for (ptrdiff_t run = 0; run < p->run_count; run++) {
                add_products(a + p->runs[run].a, b + p->runs[run].b, p->a_row, p->inner, sums, rows, vectors);
            }
        }
    }
    float *c = p->c + block.row * p->c_row + block.column;
    if (block.width == LANES * vectors && is_plain(&p->epilogue)) {
        UNROLLED for (int r = 0; r < rows; r++) {
            UNROLLED for (int v = 0; v < vectors; v++) *(lanes *)(c + r * p->c_row + LANES * v) = sums[r][v];
        }
        return;
    }
    UNROLLED for (int r = 0; r < rows; r++) {
        UNROLLED for (int v = 0; v < vectors; v++) {
            ptrdiff_t first = block.column + LANES * v, count = block.width - LANES * v;
            ptrdiff_t place = (block.row + r) * p->c_row + first;
            finish(&p->epilogue, &sums[r][v], p->c + place, place, first, count);
        }
    }
}

// Blocks of as many rows as fit, then of 4, 2 and 1.
CNK_INLINE void multiply_columns(const cnk_brgemm *p, ptrdiff_t column, ptrdiff_t width, int vectors) {
    cnk_block block = {0, column, width};
    for (; block.row + CNK_PRODUCT_ROWS <= p->rows; block.row += CNK_PRODUCT_ROWS) {
        multiply_block(p, block, CNK_PRODUCT_ROWS, vectors);
    }
#if CNK_PRODUCT_ROWS > 8
    for (; block.row + 8 <= p->rows; block.row += 8) multiply_block(p, block, 8, vectors);
#endif
#if CNK_PRODUCT_ROWS > 4
    for (; block.row + 4 <= p->rows; block.row += 4) multiply_block(p, block, 4, vectors);
#endif
    for (; block.row + 2 <= p->rows; block.row += 2) multiply_block(p, block, 2, vectors);
    for (; block.row < p->rows; block.row++) multiply_block(p, block, 1, vectors);
}

CNK_LOOP void CNK(cnk_multiply)(const cnk_brgemm *p) {
    ptrdiff_t column = 0;
    for (; column + LANES * CNK_PRODUCT_VECTORS <= p->columns; column += LANES * CNK_PRODUCT_VECTORS) {
        multiply_columns(p, column, LANES * CNK_PRODUCT_VECTORS, CNK_PRODUCT_VECTORS);
    }
    for (; column < p->columns; column += LANES) {
        multiply_columns(p, column, p->columns - column < LANES ? p->columns - column : LANES, 1);
    }
}

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
