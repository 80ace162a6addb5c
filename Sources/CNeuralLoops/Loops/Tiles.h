// The products of pairs by tile registers: a tile is up to 16 rows of up to 16 pairs, or of 16 sums. What hangs over an edge is
// left out of the registers' configuration, so that factors are read where they are.
enum { TILE_ROWS = 16 };

// Bytes from one row of a tile that was written to memory to the next.
enum { TILE_STRIDE = LANES * sizeof(float) };

typedef struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} tile_configuration;

CNK_INLINE void shape_tile(tile_configuration *configuration, int tile, ptrdiff_t rows, ptrdiff_t words) {
    configuration->rows[tile] = (uint8_t)rows;
    configuration->row_bytes[tile] = (uint16_t)(words * (ptrdiff_t)sizeof(float));
}

// The inner axis in parts of one length. Where no length divides it the last part starts earlier, and skips what was summed.
typedef struct {
    ptrdiff_t count, length;
} tile_parts;

enum { LEAST_TILE_LENGTH = 8 };

CNK_INLINE tile_parts parts_of(const cnk_brgemm *p) {
    ptrdiff_t count = p->inner.count;
    if (count <= LANES) return (tile_parts){count, count > 0 ? count : 1};
    for (ptrdiff_t length = LANES; length >= LEAST_TILE_LENGTH; length--) {
        if (count % length == 0) return (tile_parts){count, length};
    }
    return (tile_parts){count, LANES};
}

// Rows of results that one tile holds: their left factor, and where they are. None if `rows` is 0.
typedef struct {
    const float *a;
    ptrdiff_t place; // from the start of all results
    ptrdiff_t rows;
} tile_rows;

typedef struct {
    ptrdiff_t group, row;
} tile_position;

CNK_INLINE tile_rows next_rows(const cnk_brgemm *p, tile_position *at) {
    if (at->group >= p->groups.count) return (tile_rows){p->a, 0, 0};
    ptrdiff_t left = p->rows - at->row;
    tile_rows rows = {p->a + at->group * p->groups.a + at->row * p->a_row, at->group * p->groups.c + at->row * p->c_row,
                      left < TILE_ROWS ? left : TILE_ROWS};
    at->row += TILE_ROWS;
    if (at->row >= p->rows) *at = (tile_position){at->group + 1, 0};
    return rows;
}

// Where a tile is read from, and the bytes from one row to the next.
typedef struct {
    const float *start;
    ptrdiff_t bytes;
} tile_source;

// A tile on its way to a register or from one.
#define TILE_IN_MEMORY(name) _Alignas(CNK_LINE * sizeof(float)) lanes name[TILE_ROWS]

// The pairs of one part, `at` from the rows' starts, with zeros for those that are skipped. Rows of pairs are read where they are.
CNK_INLINE tile_source left_tile(const cnk_brgemm *p, tile_rows tile, const tile_parts *parts, ptrdiff_t at,
                                 ptrdiff_t skipped, lanes buffer[TILE_ROWS]) {
    const float *a = tile.a + at;
    if (skipped == 0) return (tile_source){a, p->a_row * (ptrdiff_t)sizeof(float)};
    load_square(buffer, a, p->a_row, tile.rows, parts->length);
    for (ptrdiff_t r = 0; r < tile.rows; r++) clear_before(buffer + r, skipped);
    return (tile_source){(const float *)buffer, TILE_STRIDE};
}

// The same of pairs that do not lie side by side: of columns, if rows do.
CNK_INLINE tile_source transposed_tile(const cnk_brgemm *p, tile_rows tile, const tile_parts *parts, ptrdiff_t at,
                                       ptrdiff_t skipped, lanes buffer[TILE_ROWS]) {
    const float *a = tile.a + at;
    ptrdiff_t step = p->inner.a, rows = tile.rows, length = parts->length;
    if (p->a_row == 1) {
        load_square(buffer, a, step, length, rows);
        for (ptrdiff_t k = 0; k < skipped; k++) buffer[k] = (lanes){0};
        transpose(buffer);
    } else {
        for (ptrdiff_t r = 0; r < TILE_ROWS; r++) {
            for (ptrdiff_t k = 0; k < LANES; k++) {
                buffer[r][k] = r < rows && k >= skipped && k < length ? a[r * p->a_row + k * step] : 0;
            }
        }
    }
    return (tile_source){(const float *)buffer, TILE_STRIDE};
}

#define LOAD_TILE(tile, source)                                   \
    do {                                                          \
        tile_source loaded = source;                              \
        _tile_loadd(tile, loaded.start, (size_t)loaded.bytes);    \
    } while (0)

// Calls STEP(a, b, skipped) for every part of the axes that are summed over: how far its pairs are from the starts of a and of b.
#define FOR_EACH_PART(p, parts, STEP)                                                                         \
    for (ptrdiff_t outer = 0; outer < (p)->outer.count; outer++) {                                            \
        for (ptrdiff_t middle = 0; middle < (p)->middle.count; middle++) {                                    \
            for (ptrdiff_t run = 0; run < ((p)->runs ? (p)->run_count : 1); run++) {                          \
                ptrdiff_t a = outer * (p)->outer.a + middle * (p)->middle.a;                                  \
                ptrdiff_t b = outer * (p)->outer.b + middle * (p)->middle.b;                                  \
                if ((p)->runs) {                                                                              \
                    a += (p)->runs[run].a;                                                                    \
                    b += (p)->runs[run].b;                                                                    \
                }                                                                                             \
                for (ptrdiff_t k = 0; k < (parts)->count; k += (parts)->length) {                             \
                    ptrdiff_t last = (parts)->count - (parts)->length;                                        \
                    ptrdiff_t start = k < last ? k : last;                                                    \
                    STEP(a + start * (p)->inner.a, b + start * (p)->inner.b, k - start)                       \
                }                                                                                             \
            }                                                                                                 \
        }                                                                                                     \
    }

CNK_INLINE const float *columns_of_right(const cnk_brgemm *p, ptrdiff_t column) {
    return p->b + column / CNK_PANEL * p->b_panel + column % CNK_PANEL;
}

// The sums of a tile, finished and written as far as there are rows and columns.
CNK_INLINE void finish_tile(const cnk_brgemm *p, lanes sums[TILE_ROWS], tile_rows rows, ptrdiff_t column) {
    const cnk_epilogue *e = &p->epilogue;
    ptrdiff_t count = p->columns - column, place = rows.place + column, r = 0;
    if (count >= LANES) {
        const float *bias = e->bias ? e->bias + column : NULL;
        for (; r + 4 <= rows.rows; r += 4, place += 4 * p->c_row) {
            finish_rows(e, sums + r, 1, 4, 1, p->c + place, p->c_row, bias, e->residual ? e->residual + place : NULL);
        }
    }
    for (; r < rows.rows; r++, place += p->c_row) finish(e, sums + r, p->c + place, place, column, count);
}

#define FINISH_TILE(tile, rows, column)              \
    do {                                             \
        TILE_IN_MEMORY(sums);                        \
        _tile_stored(tile, sums, TILE_STRIDE);       \
        finish_tile(p, sums, rows, column);          \
    } while (0)

// Results are asked for before the products, so that no store waits for memory.
CNK_INLINE void prefetch_results(const cnk_brgemm *p, tile_rows rows, ptrdiff_t column) {
    const float *c = p->c + rows.place + column;
    for (ptrdiff_t r = 0; r < rows.rows; r++) {
        __builtin_prefetch(c + r * p->c_row, 1);
        __builtin_prefetch(c + r * p->c_row + CNK_LINE, 1);
    }
}

// ---- Rows of a that are read as they are: two by two tiles of results.
//
// Tiles 0 and 1 are sums of the upper rows, 2 and 3 of the lower ones; 4 and 5 their left factors, 6 and 7 the right ones.

CNK_INLINE void configure_square(ptrdiff_t upper, ptrdiff_t lower, ptrdiff_t length) {
    tile_configuration configuration = {.palette = 1};
    shape_tile(&configuration, 0, upper, LANES);
    shape_tile(&configuration, 1, upper, LANES);
    shape_tile(&configuration, 4, upper, length);
    if (lower > 0) {
        shape_tile(&configuration, 2, lower, LANES);
        shape_tile(&configuration, 3, lower, LANES);
        shape_tile(&configuration, 5, lower, length);
    }
    shape_tile(&configuration, 6, length, LANES);
    shape_tile(&configuration, 7, length, LANES);
    _tile_loadconfig(&configuration);
}

// Which tiles there are is a constant wherever this is inlined.
CNK_INLINE void multiply_square(const cnk_brgemm *p, const tile_parts *parts, tile_rows upper, tile_rows lower,
                                ptrdiff_t column, int has_lower, int has_second) {
    TILE_IN_MEMORY(buffer);
    const float *right = columns_of_right(p, column);
    prefetch_results(p, upper, column);
    if (has_lower) prefetch_results(p, lower, column);
    _tile_zero(0);
    _tile_zero(1);
    if (has_lower) {
        _tile_zero(2);
        _tile_zero(3);
    }
#define RIGHT(at) ((tile_source){right + (at), p->inner.b * (ptrdiff_t)sizeof(float)})
#define STEP(at_a, at_b, skipped)                                           \
    LOAD_TILE(6, RIGHT(at_b));                                              \
    LOAD_TILE(4, left_tile(p, upper, parts, at_a, skipped, buffer));        \
    _tile_dpbf16ps(0, 4, 6);                                                \
    if (has_second) {                                                       \
        LOAD_TILE(7, RIGHT((at_b) + LANES));                                \
        _tile_dpbf16ps(1, 4, 7);                                            \
    }                                                                       \
    if (has_lower) {                                                        \
        LOAD_TILE(5, left_tile(p, lower, parts, at_a, skipped, buffer));    \
        _tile_dpbf16ps(2, 5, 6);                                            \
        if (has_second) _tile_dpbf16ps(3, 5, 7);                            \
    }
    FOR_EACH_PART(p, parts, STEP)
#undef STEP
#undef RIGHT
    FINISH_TILE(0, upper, column);
    if (has_second) FINISH_TILE(1, upper, column + LANES);
    if (has_lower) FINISH_TILE(2, lower, column);
    if (has_lower && has_second) FINISH_TILE(3, lower, column + LANES);
}

// Two tiles of rows, of one group or of two, read all columns before the next ones do: so they stay in a first-level cache.
CNK_INLINE void multiply_squares(const cnk_brgemm *p, const tile_parts *parts) {
    tile_position at = {0, 0};
    ptrdiff_t upper_rows = 0, lower_rows = 0;
    for (;;) {
        tile_rows upper = next_rows(p, &at), lower = next_rows(p, &at);
        if (upper.rows == 0) break;
        if (upper.rows != upper_rows || lower.rows != lower_rows) {
            configure_square(upper.rows, lower.rows, parts->length);
            upper_rows = upper.rows;
            lower_rows = lower.rows;
        }
        for (ptrdiff_t column = 0; column < p->columns; column += 2 * LANES) {
            if (p->columns - column > LANES) {
                if (lower.rows > 0) {
                    multiply_square(p, parts, upper, lower, column, 1, 1);
                } else {
                    multiply_square(p, parts, upper, lower, column, 0, 1);
                }
            } else if (lower.rows > 0) {
                multiply_square(p, parts, upper, lower, column, 1, 0);
            } else {
                multiply_square(p, parts, upper, lower, column, 0, 0);
            }
        }
    }
}

// ---- Rows of a that have to be transposed first: one row of up to six tiles of results, which use a tile of a that often.
//
// Tiles 0 to 5 are sums, 6 is the left factor, 7 the right one.

CNK_INLINE void configure_row(ptrdiff_t rows, ptrdiff_t length) {
    tile_configuration configuration = {.palette = 1};
    for (int tile = 0; tile < 6; tile++) shape_tile(&configuration, tile, rows, LANES);
    shape_tile(&configuration, 6, rows, length);
    shape_tile(&configuration, 7, length, LANES);
    _tile_loadconfig(&configuration);
}

CNK_INLINE void multiply_row(const cnk_brgemm *p, const tile_parts *parts, tile_rows rows, ptrdiff_t column) {
    TILE_IN_MEMORY(buffer);
    ptrdiff_t tiles = (p->columns - column + LANES - 1) / LANES;
    const float *right[6];
    for (ptrdiff_t tile = 0; tile < 6; tile++) right[tile] = columns_of_right(p, column + (tile < tiles ? tile * LANES : 0));
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_zero(4);
    _tile_zero(5);
#define MULTIPLY(tile, at)                                                                         \
    if (tile < tiles) {                                                                            \
        LOAD_TILE(7, ((tile_source){right[tile] + (at), p->inner.b * (ptrdiff_t)sizeof(float)}));  \
        _tile_dpbf16ps(tile, 6, 7);                                                                \
    }
#define STEP(at_a, at_b, skipped)                                             \
    LOAD_TILE(6, transposed_tile(p, rows, parts, at_a, skipped, buffer));     \
    MULTIPLY(0, at_b)                                                         \
    MULTIPLY(1, at_b)                                                         \
    MULTIPLY(2, at_b)                                                         \
    MULTIPLY(3, at_b)                                                         \
    MULTIPLY(4, at_b)                                                         \
    MULTIPLY(5, at_b)
    FOR_EACH_PART(p, parts, STEP)
#undef STEP
#undef MULTIPLY
#define FINISH(tile) \
    if (tile < tiles) FINISH_TILE(tile, rows, column + tile * LANES);
    FINISH(0)
    FINISH(1)
    FINISH(2)
    FINISH(3)
    FINISH(4)
    FINISH(5)
#undef FINISH
}

CNK_INLINE void multiply_rows_of_tiles(const cnk_brgemm *p, const tile_parts *parts) {
    ptrdiff_t configured = 0;
    for (ptrdiff_t column = 0; column < p->columns; column += 6 * LANES) {
        tile_position at = {0, 0};
        for (tile_rows rows = next_rows(p, &at); rows.rows > 0; rows = next_rows(p, &at)) {
            if (rows.rows != configured) configure_row(rows.rows, parts->length);
            configured = rows.rows;
            multiply_row(p, parts, rows, column);
        }
    }
}

CNK_LOOP void CNK(cnk_multiply_pairs)(const cnk_brgemm *p) {
    tile_parts parts = parts_of(p);
    if (p->inner.a == 1) {
        multiply_squares(p, &parts);
    } else {
        multiply_rows_of_tiles(p, &parts);
    }
    _tile_release();
}

#undef LOAD_TILE
#undef FOR_EACH_PART
#undef FINISH_TILE
#undef TILE_IN_MEMORY
