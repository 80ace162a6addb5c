// A micro-kernel keeps a block of results in registers; the panels of b stream past it.

typedef struct {
    ptrdiff_t row, column; // of the block in c
    ptrdiff_t width;       // columns that exist
} cnk_block;

typedef lanes cnk_sums[CNK_PRODUCT_ROWS][CNK_PRODUCT_VECTORS];

// What a micro-kernel's factors are. A constant wherever it is inlined.
enum { CNK_FLOATS, CNK_PAIRS };

// The sum over the inner axis. Rows are reached from every third one by multiples of the stride, so that no address depends
// on a chain of additions.
CNK_INLINE void add_products(const float *a, const float *b, ptrdiff_t a_row, cnk_axis inner, cnk_sums sums, int rows,
                             int vectors, int kind) {
    const float *third[(CNK_PRODUCT_ROWS + 2) / 3];
    UNROLLED for (int r = 0; r < rows; r += 3) third[r / 3] = a + r * a_row;
    for (ptrdiff_t k = 0, at = 0; k < inner.count; k++, at += inner.a, b += inner.b) {
        if (kind == CNK_FLOATS) {
            lanes columns[CNK_PRODUCT_VECTORS];
            UNROLLED for (int v = 0; v < vectors; v++) columns[v] = *(const lanes *)(b + LANES * v);
            UNROLLED for (int r = 0; r < rows; r++) {
                float factor = third[r / 3][at + r % 3 * a_row];
                UNROLLED for (int v = 0; v < vectors; v++) sums[r][v] += factor * columns[v];
            }
        } else {
            pair_columns columns[CNK_PRODUCT_VECTORS];
            UNROLLED for (int v = 0; v < vectors; v++) load_pairs(columns + v, b + LANES * v);
            UNROLLED for (int r = 0; r < rows; r++) {
                const float *factor = third[r / 3] + at + r % 3 * a_row;
                UNROLLED for (int v = 0; v < vectors; v++) add_pair(&sums[r][v], factor, columns + v);
            }
        }
    }
}

// rows x (16 * vectors) results; rows and vectors are constants wherever this is inlined.
CNK_INLINE void multiply_block(const cnk_brgemm *p, cnk_block block, int rows, int vectors, int kind) {
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
            if (!p->runs) add_products(a, b, p->a_row, p->inner, sums, rows, vectors, kind);
            for (ptrdiff_t run = 0; run < p->run_count; run++) {
                add_products(a + p->runs[run].a, b + p->runs[run].b, p->a_row, p->inner, sums, rows, vectors, kind);
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
CNK_INLINE void multiply_columns(const cnk_brgemm *p, ptrdiff_t column, ptrdiff_t width, int vectors, int kind) {
    cnk_block block = {0, column, width};
    for (; block.row + CNK_PRODUCT_ROWS <= p->rows; block.row += CNK_PRODUCT_ROWS) {
        multiply_block(p, block, CNK_PRODUCT_ROWS, vectors, kind);
    }
#if CNK_PRODUCT_ROWS > 8
    for (; block.row + 8 <= p->rows; block.row += 8) multiply_block(p, block, 8, vectors, kind);
#endif
#if CNK_PRODUCT_ROWS > 4
    for (; block.row + 4 <= p->rows; block.row += 4) multiply_block(p, block, 4, vectors, kind);
#endif
    for (; block.row + 2 <= p->rows; block.row += 2) multiply_block(p, block, 2, vectors, kind);
    for (; block.row < p->rows; block.row++) multiply_block(p, block, 1, vectors, kind);
}

CNK_INLINE void multiply_all(const cnk_brgemm *p, int kind) {
    ptrdiff_t column = 0;
    for (; column + LANES * CNK_PRODUCT_VECTORS <= p->columns; column += LANES * CNK_PRODUCT_VECTORS) {
        multiply_columns(p, column, LANES * CNK_PRODUCT_VECTORS, CNK_PRODUCT_VECTORS, kind);
    }
    for (; column < p->columns; column += LANES) {
        multiply_columns(p, column, p->columns - column < LANES ? p->columns - column : LANES, 1, kind);
    }
}
