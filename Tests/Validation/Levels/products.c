// Products of cnk_brgemm's kind: all layouts of both factors, axes and runs to sum over, and what happens to results.
#include "support.h"

enum { MOST_RUNS = 5 };

// Powers of two and near ones, which share sets of a cache.
static const ptrdiff_t aliasing[] = {256, 512, 1024, 2048, 128, 64, 192};

typedef struct {
    cnk_brgemm product;
    cnk_run runs[MOST_RUNS];
    int pairs;
    int is_copied;                  // of those whose factors are copied, if there is enough to sum
    ptrdiff_t length;               // of a sum
    ptrdiff_t *a_places, *b_places; // [length], where its numbers start in both factors
    int interleaves_groups;         // whether c's groups lie between its rows
    memory a, b, bias, residual;
    results results;                // [groups * rows], or [rows * groups] if groups are interleaved
} product_case;

static ptrdiff_t any_rows(void) {
    switch (below(6)) {
    case 0: return between(1, 13);
    case 1: return between(1, 50);
    case 2: return between(12, 36);
    case 3: return between(1, 230);
    case 4: return 12 * between(1, 20);
    default: return between(180, 420);
    }
}

static ptrdiff_t place_of_row(const cnk_brgemm *p, ptrdiff_t group, ptrdiff_t row) {
    return group * p->groups.a + row * p->a_row;
}

// The row of all results.
static ptrdiff_t result_row(const product_case *of, ptrdiff_t group, ptrdiff_t row) {
    const cnk_brgemm *p = &of->product;
    return of->interleaves_groups ? row * p->groups.count + group : group * p->rows + row;
}

static ptrdiff_t runs_of(const cnk_brgemm *p) { return p->runs ? p->run_count : 1; }

static void choose_sizes(product_case *of, double largest) {
    cnk_brgemm *p = &of->product;
    p->rows = any_rows();
    p->columns = below(3) ? between(1, 140) : below(2) ? 16 * between(1, 20) : 32 * between(1, 9);
    p->inner.count = below(3) ? between(1, 40) : below(3) ? between(1, 300) : below(6) ? between(1, 100) : between(1, 1300);
    p->outer.count = below(3) ? 1 : between(1, 5);
    p->middle.count = below(3) ? 1 : between(1, 4);
    p->groups.count = below(3) ? 1 : between(1, 6);
    if (one_in(3)) {
        p->runs = of->runs;
        p->run_count = one_in(30) ? 0 : between(1, MOST_RUNS);
    }
    of->is_copied = one_in(3);
    if (of->is_copied) {
        p->runs = NULL;
        if (p->rows < 24) p->rows = between(24, 250);
        if (p->columns < 32) p->columns = between(32, 290);
        // Longer sums than are copied at a time, of few results: the next positions are asked for meanwhile.
        if (one_in(2)) {
            p->rows = between(24, 50);
            p->columns = between(32, 90);
            p->inner.count = between(100, 400);
            p->outer.count = p->middle.count = 1;
        }
    }
    ptrdiff_t *shrinks[] = {&p->rows, &p->columns, &p->inner.count, &p->outer.count, &p->middle.count, &p->groups.count};
    while ((double)(p->groups.count * p->rows * p->columns * p->inner.count * p->outer.count * p->middle.count) *
               (double)runs_of(p) > largest) {
        ptrdiff_t *count = shrinks[below(6)];
        ptrdiff_t least = !of->is_copied ? 1 : count == &p->rows ? 24 : count == &p->columns ? 32 : 1;
        *count = *count - *count / 3 > least ? *count - *count / 3 : least;
    }
    if (one_in(60)) p->inner.count = 0;
    if (one_in(60)) p->outer.count = 0;
    of->length = p->outer.count * p->middle.count * p->inner.count * runs_of(p);
}

// The first number from `least` on in steps of `step` from a random one of the aliasing strides.
static ptrdiff_t aliasing_stride(ptrdiff_t least, ptrdiff_t step) {
    ptrdiff_t stride = aliasing[below(7)];
    while (stride < least) stride += step;
    return stride;
}

static void choose_left_layout(product_case *of) {
    cnk_brgemm *p = &of->product;
    ptrdiff_t gap = one_in(2) ? 0 : between(0, 5), inner = p->inner.count ? p->inner.count : 1;
    switch (of->is_copied ? 0 : below(5)) {
    case 0: // transposed
        p->a_row = 1;
        p->inner.a = one_in(2) ? p->rows + gap : aliasing_stride(p->rows, 64);
        if (one_in(8) && p->rows <= 208) p->inner.a = 208; // the copies' own stride
        break;
    case 1: // rows that share sets of a cache
        p->inner.a = 1;
        p->a_row = aliasing_stride(inner, 1024);
        break;
    case 2: // neither of both is 1
        p->a_row = between(1, 3) + (one_in(2) ? 2 * inner : 0);
        p->inner.a = 2 + gap;
        break;
    default: // rows that are dense, or lie in a longer row
        p->inner.a = 1;
        p->a_row = one_in(4) ? of->length + inner + gap : inner + gap;
    }
    p->outer.a = below(3) ? below(60) : aliasing[below(5)];
    p->middle.a = below(3) ? below(40) : aliasing[below(5)];
    for (int run = 0; run < MOST_RUNS; run++) of->runs[run].a = below(50);
    p->groups.a = below(3) ? p->rows * p->a_row + below(20) : one_in(2) ? below(60) : aliasing[below(5)];
}

// Panels one behind the other, or side by side as in a matrix's rows.
static void choose_right_layout(product_case *of) {
    cnk_brgemm *p = &of->product;
    ptrdiff_t padded = (p->columns + 15) / 16 * 16, run = p->inner.count * CNK_PANEL;
    int side_by_side = one_in(2);
    if (side_by_side) {
        p->b_panel = CNK_PANEL;
        p->inner.b = one_in(3) ? aliasing_stride(padded, 128) : padded + 16 * below(4) + (one_in(6) ? 3 : 0);
    } else {
        p->b_panel = of->length * CNK_PANEL + (one_in(2) ? 0 : between(0, 40));
        p->inner.b = CNK_PANEL;
    }
    p->middle.b = side_by_side ? below(200) : runs_of(p) * run;
    p->outer.b = side_by_side ? below(200) : p->middle.count * runs_of(p) * run;
    for (int i = 0; i < MOST_RUNS; i++) of->runs[i].b = side_by_side ? below(300) : i * run;
}

static void find_places(product_case *of) {
    const cnk_brgemm *p = &of->product;
    of->a_places = malloc((size_t)(of->length + 1) * sizeof(ptrdiff_t));
    of->b_places = malloc((size_t)(of->length + 1) * sizeof(ptrdiff_t));
    ptrdiff_t at = 0;
    for (ptrdiff_t outer = 0; outer < p->outer.count; outer++) {
        for (ptrdiff_t middle = 0; middle < p->middle.count; middle++) {
            for (ptrdiff_t run = 0; run < runs_of(p); run++) {
                cnk_run start = p->runs ? p->runs[run] : (cnk_run){0, 0};
                for (ptrdiff_t inner = 0; inner < p->inner.count; inner++, at++) {
                    of->a_places[at] = outer * p->outer.a + middle * p->middle.a + start.a + inner * p->inner.a;
                    of->b_places[at] = outer * p->outer.b + middle * p->middle.b + start.b + inner * p->inner.b;
                }
            }
        }
    }
}

static ptrdiff_t column_place(const cnk_brgemm *p, ptrdiff_t column) {
    return column / CNK_PANEL * p->b_panel + column % CNK_PANEL;
}

// Numbers where the product may use them. All others are undefined: they must not get into a result. The memory ends with the
// last vector that may be read.
static void fill_factors(product_case *of) {
    cnk_brgemm *p = &of->product;
    ptrdiff_t a_end = 0, b_end = 0;
    ptrdiff_t last = column_place(p, (p->columns + 15) / 16 * 16 - 1);
    ptrdiff_t last_row = place_of_row(p, p->groups.count - 1, p->rows - 1);
    for (ptrdiff_t i = 0; i < of->length; i++) {
        if (of->a_places[i] + last_row >= a_end) a_end = of->a_places[i] + last_row + 1;
        if (of->b_places[i] + last >= b_end) b_end = of->b_places[i] + last + 1;
    }
    of->a = memory_for(a_end);
    of->b = memory_for(b_end);
    for (ptrdiff_t i = 0; i < of->length; i++) {
        float *a = of->a.numbers + of->a_places[i], *b = of->b.numbers + of->b_places[i];
        for (ptrdiff_t group = 0; group < p->groups.count; group++) {
            for (ptrdiff_t row = 0; row < p->rows; row++) a[place_of_row(p, group, row)] = of->pairs ? any_pair() : any_number();
        }
        for (ptrdiff_t c = 0; c < p->columns; c++) b[column_place(p, c)] = of->pairs ? any_pair() : any_number();
    }
    p->a = of->a.numbers;
    p->b = of->b.numbers;
}

static void choose_epilogue(product_case *of) {
    cnk_epilogue *e = &of->product.epilogue;
    const results *r = &of->results;
    e->accumulates = one_in(2);
    if (of->is_copied) return;
    if (one_in(4)) {
        of->bias = memory_for(r->columns);
        for (ptrdiff_t c = 0; c < r->columns; c++) of->bias.numbers[c] = any_number();
    }
    if (one_in(4)) {
        of->residual = memory_for(floats_of(r));
        for (ptrdiff_t i = 0; i < floats_of(r); i++) {
            if (i % r->stride < r->columns) of->residual.numbers[i] = any_number();
        }
    }
    e->bias = of->bias.numbers;
    e->residual = of->residual.numbers;
    e->rectifies = one_in(4);
    e->ceiling = one_in(2) ? INFINITY : 1.5f;
}

static void expect_sums(product_case *of) {
    const cnk_brgemm *p = &of->product;
    double *a = malloc((size_t)of->results.rows * sizeof(double)), *b = malloc((size_t)p->columns * sizeof(double));
    for (ptrdiff_t i = 0; i < of->length; i++) {
        for (int half = 0; half <= of->pairs; half++) {
            for (ptrdiff_t group = 0; group < p->groups.count; group++) {
                for (ptrdiff_t row = 0; row < p->rows; row++) {
                    float value = p->a[of->a_places[i] + place_of_row(p, group, row)];
                    a[result_row(of, group, row)] = of->pairs ? half_of_pair(value, half) : value;
                }
            }
            for (ptrdiff_t c = 0; c < p->columns; c++) {
                float value = p->b[of->b_places[i] + column_place(p, c)];
                b[c] = of->pairs ? half_of_pair(value, half) : value;
            }
            expect_products(&of->results, a, b);
        }
    }
    free(a);
    free(b);
}

static void expect_epilogue(product_case *of) {
    const cnk_epilogue *e = &of->product.epilogue;
    results *r = &of->results;
    if (e->accumulates) expect_accumulation(r);
    for (ptrdiff_t row = 0; row < r->rows; row++) {
        for (ptrdiff_t c = 0; c < r->columns; c++) {
            double *expected = r->expected + row * r->columns + c;
            if (e->bias) *expected += e->bias[c];
            if (e->residual) *expected += e->residual[row * r->stride + c];
            r->magnitudes[row * r->columns + c] += (e->bias != NULL) + (e->residual != NULL);
            if (e->rectifies) *expected = fmin(fmax(*expected, 0), e->ceiling);
        }
    }
}

static void describe(const product_case *of, const level *l) {
    const cnk_brgemm *p = &of->product;
    printf("%s, %s, packing from %td columns: %td x %td x %td, axes %td %td %td, %td runs; a %td %td, b %td %td, c %td; "
           "accumulates %d, bias %d, residual %d, rectifies %d\n",
           l->name, of->pairs ? "pairs" : "floats", cnk_columns_for_packing, p->groups.count, p->rows, p->columns, p->outer.count,
           p->middle.count, p->inner.count, p->runs ? p->run_count : -1, p->a_row, p->inner.a, p->b_panel, p->inner.b, p->c_row,
           p->epilogue.accumulates, p->epilogue.bias != NULL, p->epilogue.residual != NULL, p->epilogue.rectifies);
}

// At every level, never packing the left factor, packing it as Intel's processors do, and always.
static void multiply_everywhere(product_case *of) {
    static const ptrdiff_t rules[] = {PTRDIFF_MAX, 64, 1};
    const results *r = &of->results;
    float *first = NULL;
    for (int rule = 0; rule < 3; rule++) {
        cnk_columns_for_packing = rules[rule];
        for (level *l = levels; l < levels + level_count; l++) {
            void (*multiply)(const cnk_brgemm *) = of->pairs ? l->bfloat16.cnk_multiply_pairs : l->floats.cnk_multiply;
            if (!multiply || (l->uses_tiles && rule > 0)) continue; // tiles pack nothing
            memory c = memory_for(floats_of(r));
            memcpy(c.numbers, r->before, (size_t)floats_of(r) * sizeof(float));
            of->product.c = c.numbers;
            multiply(&of->product);
            l->products[of->pairs]++;
            if (!is_expected(r, c.numbers, &l->worst[of->pairs]) || (l->has_common_bits && !has_bits(r, c.numbers, &first))) {
                l->failures++;
                describe(of, l);
            }
            free(c.allocation);
        }
    }
    free(first);
}

void check_products(int pairs, double largest) {
    product_case of = {.pairs = pairs};
    choose_sizes(&of, largest);
    choose_left_layout(&of);
    choose_right_layout(&of);
    find_places(&of);
    fill_factors(&of);
    cnk_brgemm *p = &of.product;
    ptrdiff_t stride = one_in(6) ? (p->columns + 1023) / 1024 * 1024 : p->columns + (one_in(2) ? 0 : below(40));
    of.results = results_for(p->groups.count * p->rows, p->columns, stride, of.length);
    of.interleaves_groups = one_in(2);
    p->c_row = of.interleaves_groups ? p->groups.count * stride : stride;
    p->groups.c = of.interleaves_groups ? stride : p->rows * stride;
    choose_epilogue(&of);
    expect_sums(&of);
    expect_epilogue(&of);
    multiply_everywhere(&of);
    free_results(&of.results);
    free(of.a_places);
    free(of.b_places);
    free(of.a.allocation);
    free(of.b.allocation);
    free(of.bias.allocation);
    free(of.residual.allocation);
}
