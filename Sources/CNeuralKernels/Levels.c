// Picks the level and forwards every loop to it.
#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include "CNeuralKernels.h"

#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "CNeuralLoops.h"

typedef struct {
#define MEMBER(result, name, parameters, arguments) result(*name) parameters;
    CNK_FUNCTIONS(MEMBER)
} functions;

typedef struct {
    CNK_BFLOAT16_FUNCTIONS(MEMBER)
#undef MEMBER
} bfloat16_functions;

#define LEVEL(suffix)                                                                     \
    CNK_FUNCTIONS(DECLARE_##suffix)                                                       \
    static const functions suffix = {CNK_FUNCTIONS(NAME_##suffix)};                       \
    BFLOAT16_LEVEL(suffix)
#define BFLOAT16_LEVEL(suffix)                                                            \
    CNK_BFLOAT16_FUNCTIONS(DECLARE_##suffix)                                              \
    static const bfloat16_functions bfloat16_##suffix = {CNK_BFLOAT16_FUNCTIONS(NAME_##suffix)};

#define DECLARE_portable(result, name, parameters, arguments) result name##_portable parameters;
#define NAME_portable(result, name, parameters, arguments) .name = name##_portable,
LEVEL(portable)
#if defined(__x86_64__)
#define DECLARE_avx2(result, name, parameters, arguments) result name##_avx2 parameters;
#define NAME_avx2(result, name, parameters, arguments) .name = name##_avx2,
LEVEL(avx2)
#define DECLARE_avx512(result, name, parameters, arguments) result name##_avx512 parameters;
#define NAME_avx512(result, name, parameters, arguments) .name = name##_avx512,
LEVEL(avx512)
#define DECLARE_avx512bf16(result, name, parameters, arguments) result name##_avx512bf16 parameters;
#define NAME_avx512bf16(result, name, parameters, arguments) .name = name##_avx512bf16,
BFLOAT16_LEVEL(avx512bf16)
#if defined(__linux__)
#define DECLARE_amx(result, name, parameters, arguments) result name##_amx parameters;
#define NAME_amx(result, name, parameters, arguments) .name = name##_amx,
BFLOAT16_LEVEL(amx)
#endif
#endif

typedef struct {
    const char *name;
    const char *loops_name; // of the loops for floats
    const functions *loops;
    const bfloat16_functions *bfloat16;
} level;

// From the plainest to the best.
static const level levels[] = {
    {"portable", "portable", &portable, &bfloat16_portable},
#if defined(__x86_64__)
    {"avx2", "avx2", &avx2, &bfloat16_avx2},
    {"avx512", "avx512", &avx512, &bfloat16_avx512},
    {"avx512bf16", "avx512", &avx512, &bfloat16_avx512bf16},
#if defined(__linux__)
    {"amx", "avx512", &avx512, &bfloat16_amx},
#endif
#endif
};

#if defined(__x86_64__) && defined(__linux__)
// Whether the processor has tiles, the system saves them, and it lets this program use them.
static int has_tiles(void) {
    unsigned a, b, c, d, low, high;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
    int has_bfloat16 = d >> 22 & 1, has_registers = d >> 24 & 1;
    if (!has_bfloat16 || !has_registers) return 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low >> 17 & 3) != 3) return 0;
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}
#endif

static int best_level(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512cd")) {
        if (!__builtin_cpu_supports("avx512bf16")) return 2;
#if defined(__linux__)
        if (has_tiles()) return 4;
#endif
        return 3;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")) return 1;
#endif
    return 0;
}

// Written once, before main and before any thread, and only read after that.
static const level *current = &levels[0];
static const level *best = &levels[0];

const char *cnk_level_name(void) { return current->loops_name; }

const char *cnk_best_level_name(void) { return best->loops_name; }

const char *cnk_bfloat16_name(void) { return current->name; }

const char *cnk_best_bfloat16_name(void) { return best->name; }

int cnk_bfloat16_speed(void) {
    if (strcmp(current->name, "amx") == 0) return CNK_TILES;
    return strcmp(current->name, "avx512bf16") == 0 ? CNK_PAIRS_IN_VECTORS : CNK_PAIRS_IN_FLOATS;
}

// Other processors than Intel's read a left factor in place as fast.
ptrdiff_t cnk_columns_for_packing = PTRDIFF_MAX;

__attribute__((constructor)) static void pick_level(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_is("intel")) cnk_columns_for_packing = 64;
#endif
    const char *wanted = getenv("UNLEARNING_KERNELS");
    best = current = &levels[best_level()];
    for (const level *lower = levels; wanted && lower < best; lower++) {
        if (strcmp(wanted, lower->name) == 0) current = lower;
    }
}

#define FORWARD(result, name, parameters, arguments)                                       \
    result name parameters { return current->loops->name arguments; }
CNK_FUNCTIONS(FORWARD)

#define FORWARD_BFLOAT16(result, name, parameters, arguments)                              \
    result name parameters { return current->bfloat16->name arguments; }
CNK_BFLOAT16_FUNCTIONS(FORWARD_BFLOAT16)
