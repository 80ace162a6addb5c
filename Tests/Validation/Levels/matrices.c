// Products of two matrices that either may be read transposed, in floats and rounded to bfloat16.
#include "support.h"

typedef struct {
    cnk_matrix matrix;
    ptrdiff_t rows, columns; // as they are read
    memory memory;
} factor;

static ptrdiff_t any_size(void) {
    switch (below(4)) {
    case 0: return between(1, 30);
    case 1: return 16 * between(1, 12);
    case 2: return between(1, 130);
    default: return between(1, 300);
    }
}

static ptrdiff_t place_in(const factor *f, ptrdiff_t row, ptrdiff_t column) {
    return f->matrix.is_transposed ? column * f->matrix.row_stride + row : row * f->matrix.row_stride + column;
}

static factor any_factor(ptrdiff_t rows, ptrdiff_t columns) {
    factor f = {.rows = rows, .columns = columns, .matrix.is_transposed = one_in(2)};
    ptrdiff_t width = f.matrix.is_transposed ? rows : columns;
    f.matrix.row_stride = one_in(4) ? (width + 1023) / 1024 * 1024 : width + (one_in(2) ? 0 : below(20));
    f.memory = memory_for(place_in(&f, rows - 1, columns - 1) + 1);
    for (ptrdiff_t row = 0; row < rows; row++) {
        for (ptrdiff_t column = 0; column < columns; column++) f.memory.numbers[place_in(&f, row, column)] = any_number();
    }
    f.matrix.pointer = f.memory.numbers;
    return f;
}

static double number_at(const factor *f, ptrdiff_t row, ptrdiff_t column, int rounded) {
    float value = f->matrix.pointer[place_in(f, row, column)];
    return rounded ? rounded_to_bfloat16(value) : value;
}

static void expect_sums(results *r, const factor *left, const factor *right, int rounded) {
    double *a = malloc((size_t)r->rows * sizeof(double)), *b = malloc((size_t)r->columns * sizeof(double));
    for (ptrdiff_t k = 0; k < r->length; k++) {
        for (ptrdiff_t row = 0; row < r->rows; row++) a[row] = number_at(left, row, k, rounded);
        for (ptrdiff_t column = 0; column < r->columns; column++) b[column] = number_at(right, k, column, rounded);
        expect_products(r, a, b);
    }
    free(a);
    free(b);
}

static void multiply_everywhere(const results *r, cnk_product *product, int rounded) {
    static const ptrdiff_t rules[] = {PTRDIFF_MAX, 64};
    float *first = NULL;
    for (int rule = 0; rule < 2; rule++) {
        cnk_columns_for_packing = rules[rule];
        for (level *l = levels; l < levels + level_count; l++) {
            void (*multiply)(const cnk_product *) =
                rounded ? l->bfloat16.cnk_multiply_rounded : l->floats.cnk_multiply_matrices;
            if (!multiply || (l->uses_tiles && rule > 0)) continue;
            memory c = memory_for(floats_of(r));
            memcpy(c.numbers, r->before, (size_t)floats_of(r) * sizeof(float));
            product->c = c.numbers;
            multiply(product);
            l->products[rounded]++;
            if (!is_expected(r, c.numbers, &l->worst[rounded]) || (l->has_common_bits && !has_bits(r, c.numbers, &first))) {
                l->failures++;
                printf("%s, %s matrices, packing from %td columns: %td x %td, inner %td; a %td%s, b %td%s, c %td; "
                       "accumulates %d\n",
                       l->name, rounded ? "rounded" : "float", cnk_columns_for_packing, product->rows, product->columns,
                       product->inner, product->a.row_stride, product->a.is_transposed ? " transposed" : "",
                       product->b.row_stride, product->b.is_transposed ? " transposed" : "", product->c_row,
                       product->accumulates);
            }
            free(c.allocation);
        }
    }
    free(first);
}

void check_matrices(int rounded, double largest) {
    ptrdiff_t rows = any_size(), columns = any_size(), inner = below(4) ? between(1, 100) : between(1, 600);
    ptrdiff_t *shrinks[] = {&rows, &columns, &inner};
    while ((double)(rows * columns * inner) > largest) {
        ptrdiff_t *count = shrinks[below(3)];
        *count -= *count / 3;
    }
    factor a = any_factor(rows, inner), b = any_factor(inner, columns);
    cnk_product product = {.a = a.matrix, .b = b.matrix, .rows = rows, .columns = columns, .inner = inner};
    product.c_row = columns + (one_in(2) ? 0 : below(20));
    product.accumulates = one_in(2);
    results r = results_for(rows, columns, product.c_row, inner);
    expect_sums(&r, &a, &b, rounded);
    if (product.accumulates) expect_accumulation(&r);
    multiply_everywhere(&r, &product, rounded);
    free_results(&r);
    free(a.memory.allocation);
    free(b.memory.allocation);
}
