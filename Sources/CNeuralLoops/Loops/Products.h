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

// Copied rows of a left factor are an odd number of cache lines apart.
enum { CNK_COPIED_STRIDE = 208, CNK_LINE = 16 };

// Adds the products of one number of the inner axis. Rows are reached from every third one by multiples of the stride, so
// that no address depends on a chain of additions.
CNK_INLINE void add_product(const float *const third[], const float *b, ptrdiff_t at, ptrdiff_t a_row, cnk_sums sums,
                            int rows, int vectors, int kind) {
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

// Whether a loop's own instructions count beside those that add to a block's sums.
enum { CNK_SUMS_ARE_FEW = CNK_PRODUCT_ROWS * CNK_PRODUCT_VECTORS <= 6 };

// The sum over the inner axis. Where strides are constants, four numbers at a time need few instructions for addresses.
CNK_INLINE void add_products(const float *a, const float *b, ptrdiff_t a_row, cnk_axis inner, cnk_sums sums, int rows,
                             int vectors, int kind) {
    const float *third[(CNK_PRODUCT_ROWS + 2) / 3];
    UNROLLED for (int r = 0; r < rows; r += 3) third[r / 3] = a + r * a_row;
    ptrdiff_t k = 0, at = 0;
    if (CNK_SUMS_ARE_FEW && inner.a == 1 && inner.b == CNK_PANEL) {
        for (; k + 4 <= inner.count; k += 4, b += 4 * CNK_PANEL) {
            UNROLLED for (int i = 0; i < 4; i++) {
                add_product(third, b + i * CNK_PANEL, k + i, a_row, sums, rows, vectors, kind);
            }
        }
        at = k;
    } else if (CNK_SUMS_ARE_FEW && a_row == 1 && inner.a == CNK_COPIED_STRIDE && inner.b == LANES * vectors) {
        for (; k + 4 <= inner.count; k += 4, b += 4 * LANES * vectors) {
            UNROLLED for (int i = 0; i < 4; i++) {
                add_product(third, b + i * LANES * vectors, (k + i) * CNK_COPIED_STRIDE, 1, sums, rows, vectors, kind);
            }
        }
        at = k * inner.a;
    }
    for (; k < inner.count; k++, at += inner.a, b += inner.b) {
        add_product(third, b, at, a_row, sums, rows, vectors, kind);
    }
}

// How many numbers a result sums over.
CNK_INLINE ptrdiff_t length_of(const cnk_brgemm *p) {
    return p->outer.count * p->middle.count * (p->runs ? p->run_count : 1) * p->inner.count;
}

// The left factor of a block of CNK_PRODUCT_ROWS rows, one column behind the other. More would crowd a second-level cache.
enum { CNK_PACKED_LENGTH = 1152 };
typedef float cnk_packed_rows[CNK_PACKED_LENGTH * CNK_PRODUCT_ROWS + LANES];

// Rows that are a multiple of this many floats apart share a few sets of a first-level cache. A block of six rows fits there.
enum { CNK_ALIASING_STRIDE = 1024, CNK_COLUMNS_FOR_ALIASING = 64, CNK_ROWS_WITHOUT_ALIASING = 6 };

// Whether the left factor is worth packing: many columns read it, and not from the same few sets of a cache.
CNK_INLINE int packs_left(const cnk_brgemm *p) {
    int aliases = CNK_PRODUCT_ROWS > CNK_ROWS_WITHOUT_ALIASING && p->a_row % CNK_ALIASING_STRIDE == 0;
    ptrdiff_t least = aliases ? CNK_COLUMNS_FOR_ALIASING : cnk_columns_for_packing;
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
    // Results are asked for before the products, so that no store waits for memory.
    float *c = p->c + block.row * p->c_row + block.column;
    UNROLLED for (int r = 0; r < rows; r++) {
        UNROLLED for (int v = 0; v < vectors; v++) __builtin_prefetch(c + r * p->c_row + LANES * v, 1);
    }
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
    const cnk_epilogue *epilogue = &p->epilogue;
    if (block.width == LANES * vectors) {
        finish_rows(epilogue, sums[0], CNK_PRODUCT_VECTORS, rows, vectors, c, p->c_row,
                    epilogue->bias ? epilogue->bias + block.column : NULL,
                    epilogue->residual ? epilogue->residual + (c - p->c) : NULL);
        return;
    }
    UNROLLED for (int r = 0; r < rows; r++) {
        UNROLLED for (int v = 0; v < vectors; v++) {
            ptrdiff_t first = block.column + LANES * v, count = block.width - LANES * v;
            ptrdiff_t place = (block.row + r) * p->c_row + first;
            finish(epilogue, &sums[r][v], p->c + place, place, first, count);
        }
    }
}

// The rows of the next block. Of seven or eight rows six would leave a block that waits for its own sums.
CNK_INLINE ptrdiff_t block_rows(ptrdiff_t left) {
    if (CNK_PRODUCT_ROWS == 6 && (left == 7 || left == 8)) return 4;
    if (left >= CNK_PRODUCT_ROWS) return CNK_PRODUCT_ROWS;
    if (CNK_PRODUCT_ROWS > 8 && left >= 8) return 8;
    if (CNK_PRODUCT_ROWS == 6 && left == 5) return 5;
    if (CNK_PRODUCT_ROWS > 4 && left >= 4) return 4;
    return CNK_PRODUCT_ROWS == 6 || left < 3 ? left : 2;
}

// Blocks of as many rows as fit, then of fewer, from a row on. Which block a row is in does not change its sums.
CNK_INLINE void multiply_columns(const cnk_brgemm *p, ptrdiff_t row, ptrdiff_t column, ptrdiff_t width, int vectors,
                                 int kind) {
    cnk_block block = {row, column, width};
    for (ptrdiff_t rows; block.row < p->rows; block.row += rows) {
        rows = block_rows(p->rows - block.row);
        switch (rows) {
        case CNK_PRODUCT_ROWS: multiply_block(p, block, NULL, CNK_PRODUCT_ROWS, vectors, kind); break;
#if CNK_PRODUCT_ROWS > 8
        case 8: multiply_block(p, block, NULL, 8, vectors, kind); break;
#endif
#if CNK_PRODUCT_ROWS == 6
        case 5: multiply_block(p, block, NULL, 5, vectors, kind); break;
        case 3: multiply_block(p, block, NULL, 3, vectors, kind); break;
#endif
#if CNK_PRODUCT_ROWS > 4
        case 4: multiply_block(p, block, NULL, 4, vectors, kind); break;
#endif
#if CNK_PRODUCT_ROWS > 2
        case 2: multiply_block(p, block, NULL, 2, vectors, kind); break;
#endif
        default: multiply_block(p, block, NULL, 1, vectors, kind);
        }
    }
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

#include "CopiedFactors.h"

// Rows that read all columns before the next ones do: they stay in a first-level cache. Where they would not, or b does not stay
// in a second-level cache, b is read once for all rows.
enum { CNK_ROWS_TOGETHER = 24, CNK_LENGTH_TOGETHER = 256, CNK_FLOATS_TOGETHER = 128 * 1024 };

// Rows first..<p->rows of all columns. The rows behind them, `next` of them, are asked for in the meantime.
CNK_INLINE void multiply_rows(const cnk_brgemm *p, ptrdiff_t first, ptrdiff_t next, int kind) {
    const float *a = p->a + p->rows * p->a_row;
    ptrdiff_t lines = (p->inner.count + CNK_LINE - 1) / CNK_LINE, done = 0, width;
    for (ptrdiff_t column = 0; column < p->columns; column += width) {
        ptrdiff_t left = p->columns - column;
        width = left < LANES ? left : LANES;
        if (left >= LANES * CNK_PRODUCT_VECTORS) {
            width = LANES * CNK_PRODUCT_VECTORS;
            multiply_columns(p, first, column, width, CNK_PRODUCT_VECTORS, kind);
        } else {
            multiply_columns(p, first, column, width, 1, kind);
        }
        ptrdiff_t end = next * lines * (column + width) / p->columns;
        for (; done < end; done++) __builtin_prefetch(a + done / lines * p->a_row + done % lines * CNK_LINE, 0, 2);
    }
}

// One group of rows.
CNK_INLINE void multiply_group(const cnk_brgemm *p, int kind) {
    if (copies_factors(p)) {
        kind == CNK_FLOATS ? CNK(multiply_copied_floats)(p) : CNK(multiply_copied_pairs)(p);
        return;
    }
    cnk_brgemm part = *p;
    ptrdiff_t row = packs_left(p) ? multiply_packed(p, kind) : 0;
    ptrdiff_t length = length_of(p);
    int stays = length <= CNK_LENGTH_TOGETHER && p->columns * length <= CNK_FLOATS_TOGETHER;
    ptrdiff_t together = stays ? CNK_ROWS_TOGETHER : p->rows;
    for (; row < p->rows; row = part.rows) {
        part.rows = p->rows - row < together ? p->rows : row + together;
        ptrdiff_t next = p->rows - part.rows < together ? p->rows - part.rows : together;
        multiply_rows(&part, row, p->inner.a == 1 ? next : 0, kind);
    }
}

CNK_INLINE void multiply_all(const cnk_brgemm *p, int kind) {
    cnk_brgemm part = *p;
    for (ptrdiff_t group = 0; group < p->groups.count; group++) {
        part.a = p->a + group * p->groups.a;
        part.c = p->c + group * p->groups.c;
        if (p->epilogue.residual) part.epilogue.residual = p->epilogue.residual + group * p->groups.c;
        multiply_group(&part, kind);
    }
}
