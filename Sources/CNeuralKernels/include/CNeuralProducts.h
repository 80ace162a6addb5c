// Matrix products for many blocks that share one packed factor, or whose factors lie in tensors as they are.
#ifndef C_NEURAL_PRODUCTS_H
#define C_NEURAL_PRODUCTS_H

#include <stddef.h>

enum {
    CNK_PANEL = 32 // columns of a packed matrix's panel
};

// What happens to results on their way to memory, in this order. Pointers may be null.
typedef struct {
    int accumulates;       // they are added to what is there
    const float *bias;     // one number a column is added
    const float *residual; // a tensor in the result's layout is added
    int rectifies;         // negative ones become 0, larger ones the ceiling
    float ceiling;
} cnk_epilogue;

// Where a run starts, from the starts of a and b.
typedef struct {
    ptrdiff_t a, b;
} cnk_run;

// A step from one number to the next along an axis that is summed over.
typedef struct {
    ptrdiff_t count;
    ptrdiff_t a, b; // how far to go in a and in b
} cnk_axis;

// A step from one group of rows to the next, in a and in c.
typedef struct {
    ptrdiff_t count;
    ptrdiff_t a, c;
} cnk_groups;

// c [groups][rows][columns] = the sum over the axes o, m and i and over the runs of
//     a[group * groups.a + row * a_row + o * outer.a + m * middle.a + run.a + i * inner.a]
//     b[panel * b_panel + o * outer.b + m * middle.b + run.b + i * inner.b + column % 32], panel = column / 32.
// Strides are in floats. b is read in whole vectors of 16 columns.
typedef struct {
    const float *a;
    ptrdiff_t a_row;
    const float *b;
    ptrdiff_t b_panel;
    float *c;
    ptrdiff_t c_row;
    ptrdiff_t rows, columns;
    cnk_groups groups;
    cnk_axis outer, middle, inner;
    const cnk_run *runs; // null for one run at 0
    ptrdiff_t run_count;
    cnk_epilogue epilogue; // its residual starts where c does, its bias at c's first column
} cnk_brgemm;

// Finishes results [rows][columns] that are in memory already, whatever `accumulates` says.
void cnk_finish(float *results, ptrdiff_t rows, ptrdiff_t columns, const cnk_epilogue *epilogue);

void cnk_multiply(const cnk_brgemm *products);

// A row-major matrix that a product may read transposed.
typedef struct {
    const float *pointer;
    ptrdiff_t row_stride;
    int is_transposed;
} cnk_matrix;

// c [rows][columns] (+)= a [rows][inner] times b [inner][columns].
typedef struct {
    cnk_matrix a, b;
    float *c;
    ptrdiff_t c_row;
    ptrdiff_t rows, columns, inner;
    int accumulates;
} cnk_product;

void cnk_multiply_matrices(const cnk_product *product);

// packed [columns / 32][rows][32] of a matrix [rows][columns], zeros beyond its columns. Panels lie `panel_stride` apart.
void cnk_pack(const float *matrix, ptrdiff_t row_stride, ptrdiff_t rows, ptrdiff_t columns, float *packed,
              ptrdiff_t panel_stride);
// The same of a matrix's transpose: packed [rows / 32][columns][32].
void cnk_pack_transposed(const float *matrix, ptrdiff_t row_stride, ptrdiff_t rows, ptrdiff_t columns, float *packed,
                         ptrdiff_t panel_stride);

#endif
