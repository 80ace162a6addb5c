// The loops for bfloat16 of x86-64 processors with tile registers (AMX) on Linux, which gives leave to use them.
#include "CNeuralKernels.h"

#if defined(__x86_64__) && defined(__linux__)
#include <immintrin.h>

#define CNK_TARGET __attribute__((target("arch=x86-64-v4,avx512bf16,amx-tile,amx-bf16"), min_vector_width(512)))
#define CNK(name) name##_amx
#define CNK_LOOP CNK_TARGET
#define CNK_INLINE CNK_TARGET static inline __attribute__((always_inline))
#define CNK_PRODUCT_ROWS 12
#define CNK_PRODUCT_VECTORS 2
#define CNK_BFLOAT16_INSTRUCTIONS
#define CNK_TILE_INSTRUCTIONS

#include "Loops/BFloat16.h"
#include "Loops/Tiles.h"
#endif
