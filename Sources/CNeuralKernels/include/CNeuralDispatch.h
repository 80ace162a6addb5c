// Compiles a function once for each level of processor (SSE2; AVX2 with FMA; AVX-512) and picks one of them when
// the program starts. Stands before a function's definition.
#ifndef C_NEURAL_DISPATCH_H
#define C_NEURAL_DISPATCH_H

#include <stdint.h>  // Defines __GLIBC__ where it applies: dispatch needs its indirect functions.

#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__)
#define CNK_DISPATCH __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define CNK_DISPATCH
#endif

#endif
