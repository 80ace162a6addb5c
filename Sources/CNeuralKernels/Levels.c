// Picks the level and forwards every loop to it.
#include "CNeuralKernels.h"

#include <stdlib.h>
#include <string.h>

#include "Functions.h"

typedef struct {
#define MEMBER(result, name, parameters, arguments) result(*name) parameters;
    CNK_FUNCTIONS(MEMBER)
#undef MEMBER
} functions;

#define LEVEL(suffix)                                                                     \
    CNK_FUNCTIONS(DECLARE_##suffix)                                                       \
    static const functions suffix = {CNK_FUNCTIONS(NAME_##suffix)};

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
#endif

typedef struct {
    const char *name;
    const functions *loops;
} level;

// From the plainest to the best.
static const level levels[] = {
    {"portable", &portable},
#if defined(__x86_64__)
    {"avx2", &avx2},
    {"avx512", &avx512},
#endif
};

static int best_level(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512cd")) {
        return 2;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")) return 1;
#endif
    return 0;
}

// Written once, before main and before any thread, and only read after that.
static const level *current = &levels[0];

const char *cnk_level_name(void) { return current->name; }

const char *cnk_best_level_name(void) { return levels[best_level()].name; }

__attribute__((constructor)) static void pick_level(void) {
    const char *wanted = getenv("UNLEARNING_KERNELS");
    int best = best_level();
    current = &levels[best];
    for (int lower = 0; wanted && lower < best; lower++) {
        if (strcmp(wanted, levels[lower].name) == 0) current = &levels[lower];
    }
}

#define FORWARD(result, name, parameters, arguments)                                       \
    result name parameters { return current->loops->name arguments; }
CNK_FUNCTIONS(FORWARD)
