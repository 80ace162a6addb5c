// Plain C for the instructions of AVX-512, AVX512-BF16 and AMX that the loops use, for processors without them. The folder
// stands first among those that are searched, so that the levels include this file in place of the compiler's. An intrinsic
// that is not here does not compile. What each does follows its pseudocode in Intel's Software Developer's Manual, volume 2.
#ifndef EMULATION_IMMINTRIN_H
#define EMULATION_IMMINTRIN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define EMULATED __attribute__((target("arch=x86-64-v3"), always_inline)) static inline

typedef float emulated_floats __attribute__((vector_size(64), aligned(64)));
typedef uint32_t emulated_words __attribute__((vector_size(64), aligned(64)));
typedef uint16_t emulated_halves __attribute__((vector_size(64), aligned(64)));
typedef uint16_t emulated_few_halves __attribute__((vector_size(32), aligned(32)));
// The compiler may know these names without a header.
#define __m512 emulated_floats
#define __m512i emulated_words
#define __m512bh emulated_halves
#define __m256i emulated_few_halves

// How often instructions ran: a check that runs none of them checks nothing.
typedef struct {
    unsigned long conversions, dot_products, tile_products;
} emulation_counts;
extern emulation_counts emulated;

// Denormal numbers become zeros of their sign: DAZ before an operation, FTZ after it.
EMULATED void emulated_flush(emulated_words *bits) {
    emulated_words small = (emulated_words)((*bits & 0x7f800000u) == 0);
    *bits &= ~(small & 0x7fffffffu);
}

// sum = a * b + sum, rounded once to the nearest, with DAZ and FTZ: the step of VDPBF16PS and of TDPBF16PS.
EMULATED void emulated_add_product(emulated_floats *sum, const emulated_words *a, const emulated_words *b) {
    emulated_words x = *a, y = *b, z = (emulated_words)*sum;
    emulated_flush(&x);
    emulated_flush(&y);
    emulated_flush(&z);
#if defined(__clang__)
    emulated_words result = (emulated_words)__builtin_elementwise_fma((emulated_floats)x, (emulated_floats)y,
                                                                     (emulated_floats)z);
#else
    emulated_floats added, first = (emulated_floats)x, second = (emulated_floats)y, third = (emulated_floats)z;
    for (int i = 0; i < 16; i++) added[i] = __builtin_fmaf(first[i], second[i], third[i]);
    emulated_words result = (emulated_words)added;
#endif
    emulated_flush(&result);
    *sum = (emulated_floats)result;
}

// convert_fp32_to_bfloat16 of VCVTNEPS2BF16: denormal numbers become zero, undefined ones quiet, infinite ones stay, others are
// rounded to the nearest, to the even one of two.
EMULATED void emulated_round(const emulated_floats *value, emulated_words *rounded) {
    emulated_words bits = (emulated_words)*value, upper = bits >> 16;
    emulated_words exponent = bits & 0x7f800000u, fraction = bits & 0x007fffffu;
    emulated_words small = (emulated_words)(exponent == 0), special = (emulated_words)(exponent == 0x7f800000u);
    emulated_words undefined = special & (emulated_words)(fraction != 0);
    emulated_words nearest = (bits + (0x7fffu + (upper & 1u))) >> 16;
    *rounded = (small & upper & 0x8000u) | (undefined & (upper | 0x40u)) | (special & ~undefined & upper) |
               (~small & ~special & nearest);
}

// VPBROADCASTD
EMULATED void emulated_broadcast(uint32_t word, emulated_words *words) { *words = (emulated_words){0} + word; }

// VDPBF16PS: the upper halves' products are added first, then the lower ones'.
EMULATED void emulated_dot_product(emulated_floats *sum, const emulated_words *a, const emulated_words *b) {
    emulated_words upper_a = *a & 0xffff0000u, upper_b = *b & 0xffff0000u, lower_a = *a << 16, lower_b = *b << 16;
    emulated.dot_products++;
    emulated_add_product(sum, &upper_a, &upper_b);
    emulated_add_product(sum, &lower_a, &lower_b);
}

// Macros, since vectors of this size have another calling convention in functions that are not for AVX-512.

// VCVTNEPS2BF16
#define _mm512_cvtneps_pbh(value)                                    \
    ({                                                               \
        emulated_floats of_ = (value);                               \
        emulated_words rounded_;                                     \
        emulated.conversions++;                                      \
        emulated_round(&of_, &rounded_);                             \
        __builtin_convertvector(rounded_, emulated_few_halves);      \
    })

// VCVTNE2PS2BF16: the lower half is the second argument's.
#define _mm512_cvtne2ps_pbh(high, low)                                                                              \
    ({                                                                                                              \
        emulated_few_halves high_ = _mm512_cvtneps_pbh(high), low_ = _mm512_cvtneps_pbh(low);                       \
        (emulated_halves) __builtin_shufflevector(low_, high_, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, \
                                                  16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31);  \
    })

// VPMOVZXWD
#define _mm512_cvtepu16_epi32(halves) __builtin_convertvector((emulated_few_halves)(halves), emulated_words)

// VPSLLD
#define _mm512_slli_epi32(words, bits) ((emulated_words)(words) << (bits))

#define _mm512_set1_epi32(word)                        \
    ({                                                 \
        emulated_words all_;                           \
        emulated_broadcast((uint32_t)(word), &all_);   \
        all_;                                          \
    })

#define _mm512_dpbf16_ps(sum, a, b)                                        \
    ({                                                                     \
        emulated_floats sum_ = (sum);                                      \
        emulated_words a_ = (emulated_words)(a), b_ = (emulated_words)(b); \
        emulated_dot_product(&sum_, &a_, &b_);                             \
        sum_;                                                              \
    })

// AMX, in tiles.c.
void emulated_load_configuration(const void *memory);
void emulated_release(void);
void emulated_zero(int tile);
void emulated_load(int tile, const void *start, size_t stride);
void emulated_store(int tile, void *start, size_t stride);
void emulated_multiply(int sums, int a, int b);
#define _tile_loadconfig(memory) emulated_load_configuration(memory)
#define _tile_release() emulated_release()
#define _tile_zero(tile) emulated_zero(tile)
#define _tile_loadd(tile, start, stride) emulated_load(tile, start, (size_t)(stride))
#define _tile_stored(tile, start, stride) emulated_store(tile, start, (size_t)(stride))
#define _tile_dpbf16ps(sums, a, b) emulated_multiply(sums, a, b)

#endif
