// Rounding, pairing and packing: what is written is known to the bit, and the same at all levels. No number here is denormal or
// undefined, since levels may differ in those.
#include "support.h"

typedef struct {
    ptrdiff_t rows, columns, stride;
    const float *numbers, *pairs; // pairs [(columns + 1) / 2]
} matrix;

enum { ROUND, WIDEN, PAIR_COLUMNS, PAIR_ARRAYS, PACK_PAIRS, PACK_PAIRS_TRANSPOSED, PACK, PACK_TRANSPOSED, KINDS };

static const char *const names[KINDS] = {"round",      "widen",                 "pair_columns", "pair_arrays",
                                         "pack_pairs", "pack_pairs_transposed", "pack",         "pack_transposed"};

static ptrdiff_t halves(ptrdiff_t count) { return (count + 1) / 2; }

static ptrdiff_t panels(ptrdiff_t count) { return (count + CNK_PANEL - 1) / CNK_PANEL; }

static ptrdiff_t count_of(int kind, const matrix *m) {
    switch (kind) {
    case ROUND:
    case WIDEN:
    case PAIR_ARRAYS: return m->columns;
    case PAIR_COLUMNS: return m->rows * halves(m->columns);
    case PACK_PAIRS: return panels(m->columns) * halves(m->rows) * CNK_PANEL;
    case PACK_PAIRS_TRANSPOSED: return panels(m->rows) * halves(m->columns) * CNK_PANEL;
    case PACK: return panels(m->columns) * m->rows * CNK_PANEL;
    default: return panels(m->rows) * m->columns * CNK_PANEL;
    }
}

static void run(int kind, const level *l, const matrix *m, const float *dense, float *y) {
    const float *x = m->numbers;
    const bfloat16_loops *b = &l->bfloat16;
    switch (kind) {
    case ROUND: b->cnk_round(x, y, (size_t)m->columns); break;
    case WIDEN: b->cnk_widen(m->pairs, y, m->columns); break;
    case PAIR_COLUMNS: b->cnk_pair_columns(dense, m->rows, m->columns, y); break;
    case PAIR_ARRAYS: b->cnk_pair_arrays(x, m->rows > 1 ? x + m->stride : NULL, m->columns, y); break;
    case PACK_PAIRS: b->cnk_pack_pairs(x, m->stride, m->rows, m->columns, y, halves(m->rows) * CNK_PANEL); break;
    case PACK_PAIRS_TRANSPOSED:
        b->cnk_pack_pairs_transposed(x, m->stride, m->rows, m->columns, y, halves(m->columns) * CNK_PANEL);
        break;
    case PACK: l->floats.cnk_pack(x, m->stride, m->rows, m->columns, y, m->rows * CNK_PANEL); break;
    default: l->floats.cnk_pack_transposed(x, m->stride, m->rows, m->columns, y, m->columns * CNK_PANEL);
    }
}

// A matrix's number, 0 outside of it.
static float at(const matrix *m, ptrdiff_t row, ptrdiff_t column) {
    return row < m->rows && column < m->columns ? m->numbers[row * m->stride + column] : 0;
}

static int is_pair(float pair, float first, float second) {
    return half_of_pair(pair, 0) == rounded_to_bfloat16(first) && half_of_pair(pair, 1) == rounded_to_bfloat16(second);
}

// Whether number i of what was written is right.
static int is_right(int kind, const matrix *m, ptrdiff_t i, float y) {
    ptrdiff_t length = kind == PACK_PAIRS              ? halves(m->rows)
                       : kind == PACK_PAIRS_TRANSPOSED ? halves(m->columns)
                       : kind == PACK                  ? m->rows
                                                       : m->columns;
    ptrdiff_t lane = i / (length * CNK_PANEL) * CNK_PANEL + i % CNK_PANEL, along = i / CNK_PANEL % length;
    switch (kind) {
    case ROUND: return y == rounded_to_bfloat16(m->numbers[i]);
    case WIDEN: return y == half_of_pair(m->pairs[i / 2], i % 2 == 1);
    case PAIR_COLUMNS: {
        ptrdiff_t row = i / halves(m->columns), column = i % halves(m->columns) * 2;
        return is_pair(y, at(m, row, column), at(m, row, column + 1));
    }
    case PAIR_ARRAYS: return is_pair(y, at(m, 0, i), at(m, 1, i));
    case PACK_PAIRS: return is_pair(y, at(m, 2 * along, lane), at(m, 2 * along + 1, lane));
    case PACK_PAIRS_TRANSPOSED: return is_pair(y, at(m, lane, 2 * along), at(m, lane, 2 * along + 1));
    case PACK: return y == at(m, along, lane);
    default: return y == at(m, lane, along);
    }
}

static void check_kind(int kind, level *l, const matrix *m, const float *dense) {
    ptrdiff_t count = count_of(kind, m);
    memory y = memory_for(count);
    run(kind, l, m, dense, y.numbers);
    l->packings++;
    for (ptrdiff_t i = 0; i < count; i++) {
        if (is_right(kind, m, i, y.numbers[i])) continue;
        l->failures++;
        printf("number %td is wrong: %s, cnk_%s of %td x %td, rows %td apart\n", i, l->name, names[kind], m->rows, m->columns,
               m->stride);
        break;
    }
    free(y.allocation);
}

void check_packings(void) {
    ptrdiff_t columns = between(1, 90);
    matrix m = {.rows = between(1, 70), .columns = columns, .stride = columns + below(9)};
    memory x = memory_for((m.rows - 1) * m.stride + columns), dense = memory_for(m.rows * columns);
    memory pairs = memory_for(halves(columns));
    for (ptrdiff_t i = 0; i < m.rows * columns; i++) {
        float value = any_number() * (float)exp(40 * (double)any_number());
        x.numbers[i / columns * m.stride + i % columns] = dense.numbers[i] = value;
    }
    for (ptrdiff_t i = 0; i < halves(columns); i++) pairs.numbers[i] = any_pair();
    m.numbers = x.numbers;
    m.pairs = pairs.numbers;
    for (level *l = levels; l < levels + level_count; l++) {
        for (int kind = 0; kind < (l->floats.cnk_pack ? KINDS : PACK); kind++) check_kind(kind, l, &m, dense.numbers);
    }
    free(x.allocation);
    free(dense.allocation);
    free(pairs.allocation);
}
