// The loops for whatever the compiler targets by default: SSE2 on x86-64, NEON on arm64.
#include "CNeuralKernels.h"

#define CNK(name) name##_portable
#define CNK_LOOP
#define CNK_INLINE static inline __attribute__((always_inline))
#if defined(__aarch64__)
#define CNK_PRODUCT_ROWS 6 // of 16 results: 24 of 32 registers
#else
#define CNK_PRODUCT_ROWS 2 // 8 of 16 registers
#endif
#define CNK_PRODUCT_VECTORS 1

#include "Loops/All.h"
