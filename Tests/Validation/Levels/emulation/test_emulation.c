// The emulated instructions against the same in plain numbers, one at a time and found in other ways.
#include <math.h>
#include <stdio.h>

#include "immintrin.h"

static long checks, faults;
static uint64_t state = 1;

static uint32_t any_word(void) {
    state += 0x9e3779b97f4a7c15u;
    uint64_t z = (state ^ state >> 30) * 0xbf58476d1ce4e5b9u;
    return (uint32_t)((z ^ z >> 27) * 0x94d049bb133111ebu >> 32);
}

// A word whose halves are numbers between 0.5 and 4, of either sign.
static uint32_t ordinary_pair(void) { return (any_word() & 0x807f807fu) | 0x3f803f00u; }

// Halves of about 2^-63, whose products and sums are about as small as a number can be that is not denormal.
static uint32_t small_pair(void) { return (any_word() & 0x80ff80ffu) | 0x20002000u; }

// A number of at most 2^-124, or a denormal one.
static uint32_t small_word(void) { return any_word() & 0x81ffffffu; }

enum { ANY, ORDINARY, SMALL, KINDS };

static uint32_t any_factor(int kind) { return kind == ORDINARY ? ordinary_pair() : kind == SMALL ? small_pair() : any_word(); }

static uint32_t any_sum(int kind) { return kind == ORDINARY ? ordinary_pair() : kind == SMALL ? small_word() : any_word(); }

static float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float half_of(uint32_t pair, int upper) { return float_of(upper ? pair & 0xffff0000u : pair << 16); }

static float flushed(float value) { return fpclassify(value) == FP_SUBNORMAL ? copysignf(0, value) : value; }

static float added_product(float a, float b, float sum) { return flushed(fmaf(flushed(a), flushed(b), flushed(sum))); }

static void expect(int holds, const char *what) {
    checks++;
    if (!holds && faults++ < 10) printf("emulation: %s is wrong\n", what);
}

static int is_same(float a, float b) { return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b)); }

// The nearer of the two neighbors in bfloat16, by their distances in Double.
static uint16_t nearest_half(uint32_t bits) {
    float value = float_of(bits);
    uint16_t low = (uint16_t)(bits >> 16), high = (uint16_t)(low + 1);
    if (value == 0 || fpclassify(value) == FP_SUBNORMAL) return low & 0x8000;
    if (isnan(value)) return low | 0x40;
    if (isinf(value)) return low;
    double beyond = (high & 0x7fff) == 0x7f80 ? ldexp(1, 128) : fabs((double)half_of((uint32_t)high << 16, 1));
    double below = fabs((double)value) - fabs((double)half_of(bits, 1)), above = beyond - fabs((double)value);
    return below < above ? low : below > above ? high : low % 2 ? high : low;
}

__attribute__((target("arch=x86-64-v3"))) static void check_rounding(uint32_t bits) {
    emulated_words words = _mm512_set1_epi32(bits), ones = _mm512_set1_epi32(0x3f800000u);
    emulated_few_halves halves = _mm512_cvtneps_pbh((emulated_floats)words);
    emulated_halves two = _mm512_cvtne2ps_pbh((emulated_floats)words, (emulated_floats)ones);
    emulated_words wide = _mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16);
    uint16_t expected = nearest_half(bits);
    expect(halves[0] == expected && halves[15] == expected, "cvtneps_pbh");
    expect(two[16] == expected && two[31] == expected && two[0] == 0x3f80 && two[15] == 0x3f80, "cvtne2ps_pbh");
    expect(wide[7] == (uint32_t)expected << 16, "cvtepu16_epi32 or slli_epi32");
}

__attribute__((target("arch=x86-64-v3"))) static void check_dot_product(uint32_t a, uint32_t b, uint32_t sum) {
    emulated_words sums = _mm512_set1_epi32(sum), as = _mm512_set1_epi32(a), bs = _mm512_set1_epi32(b);
    emulated_floats result = _mm512_dpbf16_ps((emulated_floats)sums, as, bs);
    float expected = added_product(half_of(a, 1), half_of(b, 1), float_of(sum));
    expected = added_product(half_of(a, 0), half_of(b, 0), expected);
    expect(is_same(result[0], expected) && is_same(result[15], expected), "dpbf16_ps");
}

static void configure(int rows, int length, int columns) {
    uint8_t bytes[64] = {1};
    int shapes[3][2] = {{rows, columns}, {rows, length}, {length, columns}};
    for (int tile = 0; tile < 3; tile++) {
        bytes[16 + 2 * tile] = (uint8_t)(4 * shapes[tile][1]);
        bytes[48 + tile] = (uint8_t)shapes[tile][0];
    }
    _tile_loadconfig(bytes);
}

// Sums of a tile of any shape. Ordinary numbers are compared with sums in Double besides: there the order has no part.
static void check_tile(int rows, int length, int columns, int kind) {
    uint32_t a[16][16], b[16][16], sums[16][16];
    float results[16][20];
    for (int i = 0; i < 16; i++) {
        for (int j = 0; j < 16; j++) {
            a[i][j] = any_factor(kind);
            b[i][j] = any_factor(kind);
            sums[i][j] = any_sum(kind);
        }
    }
    memset(results, 0, sizeof results);
    configure(rows, length, columns);
    _tile_loadd(0, sums, sizeof sums[0]);
    _tile_loadd(1, a, sizeof a[0]);
    _tile_loadd(2, b, sizeof b[0]);
    _tile_dpbf16ps(0, 1, 2);
    _tile_stored(0, results, sizeof results[0]);
    _tile_release();
    for (int r = 0; r < 16; r++) {
        for (int c = 0; c < 20; c++) {
            if (r >= rows || c >= columns) {
                expect(results[r][c] == 0, "tile_stored beyond its tile");
                continue;
            }
            float lower = 0, upper = 0;
            double exact = float_of(sums[r][c]), magnitude = fabs(exact);
            for (int k = 0; k < length; k++) {
                double first = (double)half_of(a[r][k], 0) * half_of(b[k][c], 0);
                double second = (double)half_of(a[r][k], 1) * half_of(b[k][c], 1);
                lower = added_product(half_of(a[r][k], 0), half_of(b[k][c], 0), lower);
                upper = added_product(half_of(a[r][k], 1), half_of(b[k][c], 1), upper);
                exact += first + second;
                magnitude += fabs(first) + fabs(second);
            }
            float expected = flushed(flushed(float_of(sums[r][c])) + flushed(lower + upper));
            expect(is_same(results[r][c], expected), "tile_dpbf16ps");
            if (kind == ORDINARY) expect(fabs(results[r][c] - exact) <= 18 * 0x1p-24 * magnitude, "tile_dpbf16ps, by Double,");
        }
    }
}

int main(void) {
    static const uint32_t lower[] = {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff, 0x1234, 0x9876};
    for (uint32_t upper = 0; upper < 0x10000; upper++) {
        for (int i = 0; i < 8; i++) check_rounding(upper << 16 | lower[i]);
    }
    for (int i = 0; i < 200000; i++) {
        check_dot_product(any_factor(i % KINDS), any_factor(i % KINDS), any_sum(i % KINDS));
        // A factor that is denormal, or nearly so.
        check_dot_product(any_word() & 0x80ff80ffu, any_word(), any_sum(i % KINDS));
    }
    for (int i = 0; i < 400; i++) {
        int rows = 1 + (int)(any_word() % 16), length = 1 + (int)(any_word() % 16), columns = 1 + (int)(any_word() % 16);
        check_tile(rows, length, columns, i % KINDS);
    }
    printf("emulation: %ld results, %ld wrong\n", checks, faults);
    return faults > 0;
}
