// The loops for x86-64 processors with AVX-512 (F, BW, CD, DQ, VL).
#include "CNeuralKernels.h"

#if defined(__x86_64__)
// Without the width the compiler would use 256-bit registers, to spare clock rates that today's processors keep.
#define CNK_TARGET __attribute__((target("arch=x86-64-v4"), min_vector_width(512)))
#define CNK(name) name##_avx512
#define CNK_LOOP CNK_TARGET
#define CNK_INLINE CNK_TARGET static inline __attribute__((always_inline))
#define CNK_PRODUCT_ROWS 12 // of 32 results: 24 of 32 registers
#define CNK_PRODUCT_VECTORS 2

#include "Loops/All.h"
#endif
