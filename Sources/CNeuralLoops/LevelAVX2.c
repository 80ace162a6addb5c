// The loops for x86-64 processors with AVX2 and fused multiply-add, of about 2013 and later.
#include "CNeuralKernels.h"

#if defined(__x86_64__)
#define CNK_TARGET __attribute__((target("arch=x86-64-v3")))
#define CNK(name) name##_avx2
#define CNK_LOOP CNK_TARGET
#define CNK_INLINE CNK_TARGET static inline __attribute__((always_inline))
#define CNK_PRODUCT_ROWS 6 // of 16 results: 12 of 16 registers
#define CNK_PRODUCT_VECTORS 1

#include "Loops/All.h"
#endif
