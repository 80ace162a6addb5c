// Picks the level and forwards every loop to it.
#include "CNeuralKernels.h"

#include <stdatomic.h>
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

static const char *const names[] = {"portable", "avx2", "avx512"};
static _Atomic(const functions *) current = &portable;
static atomic_int current_level = CNK_LEVEL_PORTABLE;

cnk_level cnk_best_level(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512cd")) {
        return CNK_LEVEL_AVX512;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")) {
        return CNK_LEVEL_AVX2;
    }
#endif
    return CNK_LEVEL_PORTABLE;
}

cnk_level cnk_current_level(void) { return (cnk_level)atomic_load(&current_level); }

const char *cnk_level_name(cnk_level level) { return names[level]; }

int cnk_use_level(cnk_level level) {
    if (level > cnk_best_level()) return 0;
    const functions *chosen = &portable;
#if defined(__x86_64__)
    if (level == CNK_LEVEL_AVX2) chosen = &avx2;
    if (level == CNK_LEVEL_AVX512) chosen = &avx512;
#endif
    atomic_store(&current, chosen);
    atomic_store(&current_level, (int)level);
    return 1;
}

__attribute__((constructor)) static void pick_level(void) {
    const char *wanted = getenv("UNLEARNING_KERNELS");
    cnk_level level = cnk_best_level();
    for (int lower = CNK_LEVEL_PORTABLE; wanted && lower < (int)level; lower++) {
        if (strcmp(wanted, names[lower]) == 0) level = (cnk_level)lower;
    }
    cnk_use_level(level);
}

#define FORWARD(result, name, parameters, arguments)                                       \
    result name parameters { return atomic_load_explicit(&current, memory_order_relaxed)->name arguments; }
CNK_FUNCTIONS(FORWARD)
