// The products of pairs by tile registers: a tile is 16 rows of 16 pairs, or of 16 sums.
enum { TILE_ROWS = 16, TILE_STRIDE = LANES * sizeof(float) };

// All eight registers hold whole tiles; what hangs over an edge is padded in memory.
CNK_INLINE void configure_tiles(void) {
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } configuration = {.palette = 1};
    for (int tile = 0; tile < 8; tile++) {
        configuration.row_bytes[tile] = TILE_STRIDE;
        configuration.rows[tile] = TILE_ROWS;
    }
    _tile_loadconfig(&configuration);
}

// Where a tile is read from, and the bytes from one row to the next.
typedef struct {
    const float *start;
    ptrdiff_t bytes;
} tile_source;

// `rows` rows of `count` pairs of a, in place or copied into `buffer`, zeros beyond.
CNK_INLINE tile_source left_tile(const cnk_brgemm *p, const float *a, ptrdiff_t rows, ptrdiff_t count, float *buffer) {
    ptrdiff_t step = p->inner.a;
    if (step == 1 && rows >= TILE_ROWS && count >= LANES) {
        return (tile_source){a, p->a_row * (ptrdiff_t)sizeof(float)};
    }
    lanes square[LANES];
    if (step == 1) {
        load_square(square, a, p->a_row, rows, count);
    } else if (p->a_row == 1) {
        load_square(square, a, step, count, rows);
        transpose(square);
    } else {
        for (ptrdiff_t r = 0; r < TILE_ROWS; r++) {
            for (ptrdiff_t k = 0; k < LANES; k++) {
                square[r][k] = r < rows && k < count ? a[r * p->a_row + k * step] : 0;
            }
        }
    }
    for (ptrdiff_t r = 0; r < TILE_ROWS; r++) store(buffer + r * LANES, square + r, LANES);
    return (tile_source){buffer, TILE_STRIDE};
}

// `count` rows of pairs of 16 columns of b.
CNK_INLINE tile_source right_tile(const cnk_brgemm *p, const float *b, ptrdiff_t count, float *buffer) {
    if (count >= TILE_ROWS) return (tile_source){b, p->inner.b * (ptrdiff_t)sizeof(float)};
    lanes square[LANES];
    load_square(square, b, p->inner.b, count, LANES);
    for (ptrdiff_t r = 0; r < TILE_ROWS; r++) store(buffer + r * LANES, square + r, LANES);
    return (tile_source){buffer, TILE_STRIDE};
}

#define LOAD_TILE(tile, source)                                   \
    do {                                                          \
        tile_source loaded = source;                              \
        _tile_loadd(tile, loaded.start, (size_t)loaded.bytes);    \
    } while (0)

// Calls STEP(a, b, count) for the starts of every part of at most 16 pairs of the axes that are summed over.
#define FOR_EACH_PART(p, a_start, b_start, STEP)                                                              \
    for (ptrdiff_t outer = 0; outer < (p)->outer.count; outer++) {                                            \
        for (ptrdiff_t middle = 0; middle < (p)->middle.count; middle++) {                                    \
            for (ptrdiff_t run = 0; run < ((p)->runs ? (p)->run_count : 1); run++) {                          \
                const float *a = (a_start) + outer * (p)->outer.a + middle * (p)->middle.a;                   \
                const float *b = (b_start) + outer * (p)->outer.b + middle * (p)->middle.b;                   \
                if ((p)->runs) {                                                                              \
                    a += (p)->runs[run].a;                                                                    \
                    b += (p)->runs[run].b;                                                                    \
                }                                                                                             \
                for (ptrdiff_t k = 0; k < (p)->inner.count; k += LANES) {                                     \
                    ptrdiff_t count = (p)->inner.count - k;                                                   \
                    STEP(a + k * (p)->inner.a, b + k * (p)->inner.b, count)                                   \
                }                                                                                             \
            }                                                                                                 \
        }                                                                                                     \
    }

CNK_INLINE const float *columns_of_right(const cnk_brgemm *p, ptrdiff_t column) {
    return p->b + column / CNK_PANEL * p->b_panel + column % CNK_PANEL;
}

// The sums of a tile, finished and written as far as there are rows and columns.
CNK_INLINE void finish_tile(const cnk_brgemm *p, const float *sums, ptrdiff_t row, ptrdiff_t column) {
    ptrdiff_t rows = p->rows - row < TILE_ROWS ? p->rows - row : TILE_ROWS;
    for (ptrdiff_t r = 0; r < rows; r++) {
        ptrdiff_t place = (row + r) * p->c_row + column;
        finish(&p->epilogue, (const lanes *)(sums + r * LANES), p->c + place, place, column, p->columns - column);
    }
}

#define FINISH_TILE(tile, row, column)                   \
    do {                                                 \
        float sums[TILE_ROWS * LANES];                   \
        _tile_stored(tile, sums, TILE_STRIDE);           \
        finish_tile(p, sums, row, column);               \
    } while (0)

// Two by two tiles of results, as far as there are rows and columns.
CNK_INLINE void multiply_square(const cnk_brgemm *p, ptrdiff_t row, ptrdiff_t column) {
    float buffer[TILE_ROWS * LANES];
    ptrdiff_t rows = p->rows - row;
    int lower = rows > TILE_ROWS, right = p->columns - column > LANES;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
#define STEP(a, b, count)                                                                            \
    LOAD_TILE(4, left_tile(p, a, rows, count, buffer));                                              \
    LOAD_TILE(6, right_tile(p, b, count, buffer));                                                   \
    _tile_dpbf16ps(0, 4, 6);                                                                         \
    if (right) {                                                                                     \
        LOAD_TILE(7, right_tile(p, (b) + LANES, count, buffer));                                     \
        _tile_dpbf16ps(1, 4, 7);                                                                     \
    }                                                                                                \
    if (lower) {                                                                                     \
        LOAD_TILE(5, left_tile(p, (a) + TILE_ROWS * p->a_row, rows - TILE_ROWS, count, buffer));     \
        _tile_dpbf16ps(2, 5, 6);                                                                     \
        if (right) _tile_dpbf16ps(3, 5, 7);                                                          \
    }
    FOR_EACH_PART(p, p->a + row * p->a_row, columns_of_right(p, column), STEP)
#undef STEP
    FINISH_TILE(0, row, column);
    if (right) FINISH_TILE(1, row, column + LANES);
    if (lower) FINISH_TILE(2, row + TILE_ROWS, column);
    if (lower && right) FINISH_TILE(3, row + TILE_ROWS, column + LANES);
}

// One row of up to six tiles of results: a tile of a that has to be transposed first is used that often.
CNK_INLINE void multiply_row(const cnk_brgemm *p, ptrdiff_t row, ptrdiff_t column) {
    float buffer[TILE_ROWS * LANES];
    ptrdiff_t rows = p->rows - row, tiles = (p->columns - column + LANES - 1) / LANES;
    ptrdiff_t offsets[6];
    for (ptrdiff_t tile = 0; tile < 6; tile++) {
        offsets[tile] = columns_of_right(p, column + tile * LANES) - columns_of_right(p, column);
    }
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_zero(4);
    _tile_zero(5);
#define MULTIPLY(tile, b, count)                                              \
    if (tile < tiles) {                                                       \
        LOAD_TILE(7, right_tile(p, (b) + offsets[tile], count, buffer));      \
        _tile_dpbf16ps(tile, 6, 7);                                           \
    }
#define STEP(a, b, count)                                      \
    LOAD_TILE(6, left_tile(p, a, rows, count, buffer));        \
    MULTIPLY(0, b, count)                                      \
    MULTIPLY(1, b, count)                                      \
    MULTIPLY(2, b, count)                                      \
    MULTIPLY(3, b, count)                                      \
    MULTIPLY(4, b, count)                                      \
    MULTIPLY(5, b, count)
    FOR_EACH_PART(p, p->a + row * p->a_row, columns_of_right(p, column), STEP)
#undef STEP
#undef MULTIPLY
#define FINISH(tile) \
    if (tile < tiles) FINISH_TILE(tile, row, column + tile * LANES);
    FINISH(0)
    FINISH(1)
    FINISH(2)
    FINISH(3)
    FINISH(4)
    FINISH(5)
#undef FINISH
}

CNK_LOOP void CNK(cnk_multiply_pairs)(const cnk_brgemm *p) {
    configure_tiles();
    if (p->inner.a == 1) {
        for (ptrdiff_t column = 0; column < p->columns; column += 2 * LANES) {
            for (ptrdiff_t row = 0; row < p->rows; row += 2 * TILE_ROWS) multiply_square(p, row, column);
        }
    } else {
        for (ptrdiff_t column = 0; column < p->columns; column += 6 * LANES) {
            for (ptrdiff_t row = 0; row < p->rows; row += TILE_ROWS) multiply_row(p, row, column);
        }
    }
    _tile_release();
}

#undef LOAD_TILE
#undef FOR_EACH_PART
#undef FINISH_TILE
