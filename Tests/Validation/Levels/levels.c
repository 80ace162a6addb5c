// The levels that check_levels compiled: it defines LEVEL_AVX2 and so on for them.
#include "support.h"

#define DECLARE(suffix) CNK_BFLOAT16_FUNCTIONS(DECLARE_##suffix)
#define LOOPS(suffix) {CNK_BFLOAT16_FUNCTIONS(NAME_##suffix)}
#define DECLARE_FLOATS(suffix) CNK_FUNCTIONS(DECLARE_##suffix)
#define FLOAT_LOOPS(suffix) \
    {cnk_multiply_##suffix, cnk_multiply_matrices_##suffix, cnk_pack_##suffix, cnk_pack_transposed_##suffix}

#define DECLARE_portable(result, name, parameters, arguments) result name##_portable parameters;
#define NAME_portable(result, name, parameters, arguments) .name = name##_portable,
#define DECLARE_avx2(result, name, parameters, arguments) result name##_avx2 parameters;
#define NAME_avx2(result, name, parameters, arguments) .name = name##_avx2,
#define DECLARE_avx512(result, name, parameters, arguments) result name##_avx512 parameters;
#define NAME_avx512(result, name, parameters, arguments) .name = name##_avx512,
#define DECLARE_avx512bf16(result, name, parameters, arguments) result name##_avx512bf16 parameters;
#define NAME_avx512bf16(result, name, parameters, arguments) .name = name##_avx512bf16,
#define DECLARE_amx(result, name, parameters, arguments) result name##_amx parameters;
#define NAME_amx(result, name, parameters, arguments) .name = name##_amx,

DECLARE_FLOATS(portable)
DECLARE(portable)
DECLARE_FLOATS(avx2)
DECLARE(avx2)
DECLARE_FLOATS(avx512)
DECLARE(avx512)
DECLARE(avx512bf16)
DECLARE(amx)

level levels[] = {
#if defined(LEVEL_PORTABLE)
    {.name = "portable", .floats = FLOAT_LOOPS(portable), .bfloat16 = LOOPS(portable)},
#endif
#if defined(LEVEL_AVX2)
    {.name = "avx2", .floats = FLOAT_LOOPS(avx2), .bfloat16 = LOOPS(avx2), .has_common_bits = 1},
#endif
#if defined(LEVEL_AVX512)
    {.name = "avx512", .floats = FLOAT_LOOPS(avx512), .bfloat16 = LOOPS(avx512), .has_common_bits = 1},
#endif
#if defined(LEVEL_AVX512BF16)
    {.name = "avx512bf16", .bfloat16 = LOOPS(avx512bf16), .uses_dot_products = 1},
#endif
#if defined(LEVEL_AMX)
    {.name = "amx", .bfloat16 = LOOPS(amx), .uses_tiles = 1},
#endif
};
const int level_count = sizeof levels / sizeof levels[0];
