// A micro-kernel keeps a block of results in registers; the panels of b stream past it.

// From how many columns a left factor is packed: where that is faster. Results are the same.
extern ptrdiff_t cnk_columns_for_packing;

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

// How many numbers a result sums over.
CNK_INLINE ptrdiff_t length_of(const cnk_brgemm *p) {
    return p->outer.count * p->middle.count * (p->runs ? p->run_count : 1) * p->inner.count;
}

// The left factor of a block of CNK_PRODUCT_ROWS rows, one column behind the other. More would crowd a second-level cache.
enum { CNK_PACKED_LENGTH = 1152 };
typedef float cnk_packed_rows[CNK_PACKED_LENGTH * CNK_PRODUCT_ROWS + LANES];

// Rows that are a multiple of this many floats apart share a few sets of a first-level cache.
enum { CNK_ALIASING_STRIDE = 1024, CNK_COLUMNS_FOR_ALIASING = 64 };

// Whether the left factor is worth packing: many columns read it, and not from the same few sets of a cache.
CNK_INLINE int packs_left(const cnk_brgemm *p) {
    ptrdiff_t least = p->a_row % CNK_ALIASING_STRIDE == 0 ? CNK_COLUMNS_FOR_ALIASING : cnk_columns_for_packing;
    return p->inner.a == 1 && p->columns >= least && p->rows >= CNK_PRODUCT_ROWS && length_of(p) <= CNK_PACKED_LENGTH;
}

// Packs one run of the inner axis. Whole vectors are stored; what hangs over is overwritten by the next column.
CNK_INLINE void pack_run(const float *a, ptrdiff_t a_row, cnk_axis inner, float *packed) {
    for (ptrdiff_t k = 0; k < inner.count; k += LANES) {
        lanes square[LANES];
        load_square(square, a + k, a_row, CNK_PRODUCT_ROWS, inner.count - k);
        transpose(square);
        for (ptrdiff_t i = 0; i < LANES && k + i < inner.count; i++) {
            store(packed + (k + i) * CNK_PRODUCT_ROWS, square + i, LANES);
        }
    }
}

CNK_INLINE void pack_rows(const cnk_brgemm *p, ptrdiff_t row, float *packed) {
    for (ptrdiff_t outer = 0; outer < p->outer.count; outer++) {
        for (ptrdiff_t middle = 0; middle < p->middle.count; middle++) {
            const float *a = p->a + row * p->a_row + outer * p->outer.a + middle * p->middle.a;
            for (ptrdiff_t run = 0; run < (p->runs ? p->run_count : 1); run++) {
                pack_run(p->runs ? a + p->runs[run].a : a, p->a_row, p->inner, packed);
                packed += p->inner.count * CNK_PRODUCT_ROWS;
            }
        }
    }
}

// rows x (16 * vectors) results; rows and vectors are constants wherever this is inlined. The left factor is read from
// `packed` unless that is null.
CNK_INLINE void multiply_block(const cnk_brgemm *p, cnk_block block, const float *packed, int rows, int vectors,
                               int kind) {
    cnk_sums sums;
    UNROLLED for (int r = 0; r < rows; r++) {
        UNROLLED for (int v = 0; v < vectors; v++) sums[r][v] = (lanes){0};
    }
    const float *a_block = p->a + block.row * p->a_row;
    const float *b_block = p->b + block.column / CNK_PANEL * p->b_panel + block.column % CNK_PANEL;
    cnk_axis inner = p->inner;
    if (packed) inner.a = rows;
    for (ptrdiff_t outer = 0; outer < p->outer.count; outer++) {
        for (ptrdiff_t middle = 0; middle < p->middle.count; middle++) {
            const float *a = a_block + outer * p->outer.a + middle * p->middle.a;
            const float *b = b_block + outer * p->outer.b + middle * p->middle.b;
            for (ptrdiff_t run = 0; run < (p->runs ? p->run_count : 1); run++) {
                const float *b_run = p->runs ? b + p->runs[run].b : b;
                if (packed) {
                    add_products(packed, b_run, 1, inner, sums, rows, vectors, kind);
                    packed += inner.count * rows;
                } else {
                    add_products(p->runs ? a + p->runs[run].a : a, b_run, p->a_row, inner, sums, rows, vectors, kind);
                }
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

// Blocks of as many rows as fit, then of 4, 2 and 1, from a row on.
CNK_INLINE void multiply_columns(const cnk_brgemm *p, ptrdiff_t row, ptrdiff_t column, ptrdiff_t width, int vectors,
                                 int kind) {
    cnk_block block = {row, column, width};
    for (; block.row + CNK_PRODUCT_ROWS <= p->rows; block.row += CNK_PRODUCT_ROWS) {
        multiply_block(p, block, NULL, CNK_PRODUCT_ROWS, vectors, kind);
    }
#if CNK_PRODUCT_ROWS > 8
    for (; block.row + 8 <= p->rows; block.row += 8) multiply_block(p, block, NULL, 8, vectors, kind);
#endif
#if CNK_PRODUCT_ROWS > 4
    for (; block.row + 4 <= p->rows; block.row += 4) multiply_block(p, block, NULL, 4, vectors, kind);
#endif
    for (; block.row + 2 <= p->rows; block.row += 2) multiply_block(p, block, NULL, 2, vectors, kind);
    for (; block.row < p->rows; block.row++) multiply_block(p, block, NULL, 1, vectors, kind);
}

// Blocks of full rows whose left factor is packed first, since many columns read it. Returns the first row behind them.
CNK_INLINE ptrdiff_t multiply_packed(const cnk_brgemm *p, int kind) {
    cnk_packed_rows packed;
    cnk_block block = {0, 0, 0};
    for (; block.row + CNK_PRODUCT_ROWS <= p->rows; block.row += CNK_PRODUCT_ROWS) {
        pack_rows(p, block.row, packed);
        for (block.column = 0; block.column < p->columns; block.column += block.width) {
            ptrdiff_t left = p->columns - block.column;
            block.width = left < LANES ? left : LANES;
            if (left >= LANES * CNK_PRODUCT_VECTORS) {
                block.width = LANES * CNK_PRODUCT_VECTORS;
                multiply_block(p, block, packed, CNK_PRODUCT_ROWS, CNK_PRODUCT_VECTORS, kind);
            } else {
                multiply_block(p, block, packed, CNK_PRODUCT_ROWS, 1, kind);
            }
        }
    }
    return block.row;
}

CNK_INLINE void multiply_all(const cnk_brgemm *p, int kind) {
    ptrdiff_t column = 0, row = 0;
    if (packs_left(p)) row = multiply_packed(p, kind);
    for (; column + LANES * CNK_PRODUCT_VECTORS <= p->columns; column += LANES * CNK_PRODUCT_VECTORS) {
        multiply_columns(p, row, column, LANES * CNK_PRODUCT_VECTORS, CNK_PRODUCT_VECTORS, kind);
    }
    for (; column < p->columns; column += LANES) {
        multiply_columns(p, row, column, p->columns - column < LANES ? p->columns - column : LANES, 1, kind);
    }
}
