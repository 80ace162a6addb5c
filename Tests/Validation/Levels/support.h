// What the checks of the levels share: random numbers, memory that ends where its numbers do, and comparisons with Double.
#ifndef LEVELS_SUPPORT_H
#define LEVELS_SUPPORT_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "CNeuralKernels.h"
#include "CNeuralLoops.h"

// Of CNeuralKernels, which picks it by the processor; here each product is computed with several.
extern ptrdiff_t cnk_columns_for_packing;

typedef struct {
#define MEMBER(result, name, parameters, arguments) result(*name) parameters;
    CNK_BFLOAT16_FUNCTIONS(MEMBER)
#undef MEMBER
} bfloat16_loops;

// Null for a level that takes another one's loops for floats.
typedef struct {
    void (*cnk_multiply)(const cnk_brgemm *);
    void (*cnk_multiply_matrices)(const cnk_product *);
    void (*cnk_pack)(const float *, ptrdiff_t, ptrdiff_t, ptrdiff_t, float *, ptrdiff_t);
    void (*cnk_pack_transposed)(const float *, ptrdiff_t, ptrdiff_t, ptrdiff_t, float *, ptrdiff_t);
} float_loops;

typedef struct {
    const char *name;
    float_loops floats;
    bfloat16_loops bfloat16;
    // Sums in the same order with the same instructions as other levels of which this is said: then the bits are the same.
    int has_common_bits;
    int uses_dot_products, uses_tiles;
    long products[2], packings, failures; // products of floats, of bfloat16
    double worst[2];                      // error as a part of what is allowed
} level;

// levels.c: those that were compiled.
extern level levels[];
extern const int level_count;

// ---- Random numbers

void seed_numbers(uint64_t seed);
ptrdiff_t below(ptrdiff_t end);
ptrdiff_t between(ptrdiff_t first, ptrdiff_t last);
int one_in(ptrdiff_t count);
float any_number(void); // from -1 up to 1
float any_pair(void);

// ---- bfloat16

float rounded_to_bfloat16(float x);
float half_of_pair(float pair, int second);

// ---- Memory

// `count` floats, all undefined numbers, from a random place in a cache line on, up to the end of the allocation.
typedef struct {
    float *allocation, *numbers;
} memory;
memory memory_for(ptrdiff_t count);

// ---- Results

// What a product has to write: [rows][columns] in Double, in memory whose rows are `stride` floats apart.
typedef struct {
    ptrdiff_t rows, columns, stride;
    ptrdiff_t length;              // how many products a result sums
    float *before;                 // what is in memory before it, [rows][stride]
    double *expected, *magnitudes; // sums, and those of the absolute values
} results;

results results_for(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, ptrdiff_t length);
void free_results(results *r);
ptrdiff_t floats_of(const results *r);
// Counts as expected the products of a[row] and b[column].
void expect_products(results *r, const double *a, const double *b);
void expect_accumulation(results *r);

// Whether c is what is expected and nothing beside it was written. Says what is wrong.
int is_expected(const results *r, const float *c, double *worst);
// The same bits as `first`, if that is not null; else c becomes `first`.
int has_bits(const results *r, const float *c, float **first);

// ---- Checks, each of one random case at all levels. They count in `levels`.

// Products of more multiplications are made smaller.
void check_products(int pairs, double largest);
void check_matrices(int rounded, double largest);
void check_packings(void);

#endif
