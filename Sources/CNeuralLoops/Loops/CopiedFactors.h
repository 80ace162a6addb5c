// Weight gradients sum over positions, along which both factors lie far apart: often by a power of two, so that they share a few
// sets of a cache. Some positions are copied at a time, and all blocks of the result read the copies.

// Positions, rows and columns that are copied at a time, all of which stay in a second-level cache.
enum { CNK_COPIED_POSITIONS = 96, CNK_COPIED_ROWS = 192, CNK_COPIED_COLUMNS = 128 };
// Copies are worth it from here on.
enum { CNK_LEAST_POSITIONS = 16, CNK_LEAST_ROWS = 24, CNK_LEAST_COLUMNS = 32 };

// Where some positions lie in both factors.
typedef struct {
    ptrdiff_t count;
    ptrdiff_t a[CNK_COPIED_POSITIONS], b[CNK_COPIED_POSITIONS];
} cnk_places;

// A position along the axes of a product.
typedef struct {
    ptrdiff_t outer, middle, inner;
} cnk_position;

typedef struct {
    // At the start of a cache line: else every other vector, with AVX-512 every one, would lie in two.
    _Alignas(CNK_LINE * sizeof(float)) float left[CNK_COPIED_POSITIONS * CNK_COPIED_STRIDE]; // [positions][rows]
    float right[CNK_COPIED_COLUMNS * CNK_COPIED_POSITIONS]; // [columns / WIDTH][positions][WIDTH]
    cnk_places places[2];                                   // of these positions and of the next
} cnk_copies;

CNK_INLINE int copies_factors(const cnk_brgemm *p) {
    const cnk_epilogue *e = &p->epilogue;
    return p->a_row == 1 && !p->runs && !e->bias && !e->residual && !e->rectifies && length_of(p) >= CNK_LEAST_POSITIONS &&
           p->rows >= CNK_LEAST_ROWS && p->columns >= CNK_LEAST_COLUMNS;
}

// The next positions from `at` on.
CNK_INLINE void find_places(const cnk_brgemm *p, cnk_position *at, cnk_places *places) {
    places->count = 0;
    for (; at->outer < p->outer.count; at->outer++, at->middle = 0) {
        for (; at->middle < p->middle.count; at->middle++, at->inner = 0) {
            ptrdiff_t a = at->outer * p->outer.a + at->middle * p->middle.a;
            ptrdiff_t b = at->outer * p->outer.b + at->middle * p->middle.b;
            for (; at->inner < p->inner.count; at->inner++) {
                if (places->count == CNK_COPIED_POSITIONS) return;
                places->a[places->count] = a + at->inner * p->inner.a;
                places->b[places->count++] = b + at->inner * p->inner.b;
            }
        }
    }
}

// Copies [positions][width] to [width / part][positions][stride].
CNK_INLINE void copy_positions(const float *source, const ptrdiff_t *places, ptrdiff_t positions, ptrdiff_t width,
                               float *restrict target, ptrdiff_t part, ptrdiff_t stride) {
    for (ptrdiff_t k = 0; k < positions; k++, target += stride) {
        const float *row = source + places[k];
        float *columns = target;
        for (ptrdiff_t first = 0; first < width; first += part, columns += positions * stride) {
            ptrdiff_t end = first + part < width ? first + part : width, c = first;
            for (; c + LANES <= end; c += LANES) *(lanes *)(columns + c - first) = *(const lanes *)(row + c);
            if (c < end) memcpy(columns + c - first, row + c, (size_t)(end - c) * sizeof(float));
        }
    }
}

// The positions that come next are asked for a few at a time while the products keep memory idle.
typedef struct {
    const cnk_brgemm *products;
    const cnk_places *places;
    ptrdiff_t done, blocks, block; // positions, and blocks of the result
} cnk_foresight;

CNK_INLINE void look_ahead(cnk_foresight *next) {
    ptrdiff_t end = next->places->count * ++next->block / next->blocks;
    for (; next->done < end; next->done++) {
        const float *a = next->products->a + next->places->a[next->done];
        const float *b = next->products->b + next->places->b[next->done];
        for (ptrdiff_t r = 0; r < next->products->rows; r += CNK_LINE) __builtin_prefetch(a + r, 0, 2);
        for (ptrdiff_t c = 0; c < next->products->columns; c += CNK_LINE) __builtin_prefetch(b + c, 0, 2);
    }
}

// A block of columns of all rows.
CNK_INLINE void multiply_copied_columns(const cnk_brgemm *p, ptrdiff_t column, ptrdiff_t width, int vectors, int kind,
                                        cnk_foresight *next) {
    cnk_block block = {0, column, width};
    for (; block.row + CNK_PRODUCT_ROWS <= p->rows; block.row += CNK_PRODUCT_ROWS) {
        multiply_block(p, block, NULL, CNK_PRODUCT_ROWS, vectors, kind);
        look_ahead(next);
    }
    multiply_columns(p, block.row, column, width, vectors, kind);
}

// Adds the products of copies->places[0].
CNK_INLINE void multiply_copies(const cnk_brgemm *p, int accumulates, cnk_copies *copies, int kind) {
    enum { WIDTH = LANES * CNK_PRODUCT_VECTORS };
    const cnk_places *places = copies->places;
    // Panels that lie side by side, as in a row of a matrix, are copied together.
    ptrdiff_t together = p->b_panel == CNK_PANEL ? CNK_COPIED_COLUMNS : CNK_PANEL;
    cnk_foresight next = {.products = p, .places = places + 1};
    // What is left of the columns is multiplied a vector at a time.
    next.blocks = (p->rows / CNK_PRODUCT_ROWS) * (p->columns / WIDTH + (p->columns % WIDTH + LANES - 1) / LANES);
    cnk_brgemm block = {.a = copies->left, .a_row = 1, .c_row = p->c_row};
    block.groups.count = block.outer.count = block.middle.count = 1;
    block.epilogue.accumulates = accumulates;
    block.inner = (cnk_axis){places->count, CNK_COPIED_STRIDE, WIDTH};
    for (ptrdiff_t row = 0; row < p->rows; row += CNK_COPIED_ROWS) {
        block.rows = p->rows - row < CNK_COPIED_ROWS ? p->rows - row : CNK_COPIED_ROWS;
        copy_positions(p->a + row, places->a, places->count, block.rows, copies->left, CNK_COPIED_ROWS, CNK_COPIED_STRIDE);
        for (ptrdiff_t first = 0; first < p->columns; first += together) {
            ptrdiff_t columns = p->columns - first < together ? p->columns - first : together;
            copy_positions(p->b + first / CNK_PANEL * p->b_panel, places->b, places->count,
                           (columns + LANES - 1) / LANES * LANES, copies->right, WIDTH, WIDTH);
            block.b = copies->right;
            block.c = p->c + row * p->c_row + first;
            for (ptrdiff_t left = columns; left > 0; left -= WIDTH, block.c += WIDTH, block.b += WIDTH * places->count) {
                if (left >= WIDTH) {
                    multiply_copied_columns(&block, 0, WIDTH, CNK_PRODUCT_VECTORS, kind, &next);
                    continue;
                }
                for (ptrdiff_t c = 0; c < left; c += LANES) {
                    multiply_copied_columns(&block, c, left - c < LANES ? left - c : LANES, 1, kind, &next);
                }
            }
        }
    }
}

CNK_INLINE void multiply_copied(const cnk_brgemm *p, int kind) {
    cnk_copies copies;
    cnk_position at = {0, 0, 0};
    find_places(p, &at, copies.places);
    for (int accumulates = p->epilogue.accumulates; copies.places->count > 0; accumulates = 1) {
        find_places(p, &at, copies.places + 1);
        multiply_copies(p, accumulates, &copies, kind);
        copies.places[0] = copies.places[1];
    }
}

// Apart, so that other products need no memory for copies.
static CNK_LOOP __attribute__((noinline)) void CNK(multiply_copied_floats)(const cnk_brgemm *p) {
    multiply_copied(p, CNK_FLOATS);
}
static CNK_LOOP __attribute__((noinline)) void CNK(multiply_copied_pairs)(const cnk_brgemm *p) {
    multiply_copied(p, CNK_PAIRS);
}
