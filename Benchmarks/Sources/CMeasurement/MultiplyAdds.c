#include "CMeasurement.h"

// A round multiplies and adds once in each of several chains, as vectors that stay in registers: enough chains to hide
// the latency of two operations a cycle, and few enough for the registers. The numbers go to 1, far from denormal
// ones. After each round they may have been read, so that no compiler merges rounds or leaves them out.
#define UNROLLED _Pragma("clang loop unroll(full)")
#define MULTIPLY_ADDS(NAME, FLOATS, CHAINS, REGISTER, ...)                                                  \
    typedef float NAME##_vector __attribute__((vector_size(4 * FLOATS)));                                   \
    __VA_ARGS__ static double NAME(long rounds) {                                                           \
        NAME##_vector chain[CHAINS], half = (NAME##_vector){0} + 0.5f;                                      \
        UNROLLED for (int i = 0; i < CHAINS; i++) chain[i] = half * (float)i;                               \
        for (long round = 0; round < rounds; round++) {                                                     \
            UNROLLED for (int i = 0; i < CHAINS; i++) chain[i] = chain[i] * half + half;                    \
            UNROLLED for (int i = 0; i < CHAINS; i++) __asm__ volatile("" : REGISTER(chain[i]));            \
        }                                                                                                   \
        return 2.0 * FLOATS * CHAINS * (double)rounds;                                                      \
    }

#if defined(__x86_64__)
MULTIPLY_ADDS(multiply_adds_512, 16, 24, "+v", __attribute__((target("avx512f"))))
MULTIPLY_ADDS(multiply_adds_256, 8, 12, "+x", __attribute__((target("avx2,fma"))))
MULTIPLY_ADDS(multiply_adds_128, 4, 12, "+x")
#elif defined(__aarch64__)
MULTIPLY_ADDS(multiply_adds_128, 4, 24, "+w")
#else
MULTIPLY_ADDS(multiply_adds_128, 4, 12, "+m")
#endif

typedef struct {
    const char *name;
    double (*multiply_adds)(long rounds);
} level;

static level best_level(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) return (level){"AVX-512", multiply_adds_512};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return (level){"AVX2", multiply_adds_256};
#endif
    return (level){"portable", multiply_adds_128};
}

double cm_multiply_adds(long rounds) { return best_level().multiply_adds(rounds); }

const char *cm_vector_level(void) { return best_level().name; }
