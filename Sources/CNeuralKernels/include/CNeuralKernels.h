// Vector loops that Swift cannot dispatch by processor at run time.
#ifndef C_NEURAL_KERNELS_H
#define C_NEURAL_KERNELS_H

#include <stddef.h>

#include "CNeuralOptimizers.h"

// Whether this processor and its operating system run the AVX-512 instructions that OpenBLAS's SkylakeX kernels use.
int cnk_has_avx512(void);

#endif
