// The instruction sets that the loops are compiled for. The best one of the processor is picked when the program
// starts; the environment variable UNLEARNING_KERNELS (portable, avx2, avx512) picks a lower one.
#ifndef C_NEURAL_LEVELS_H
#define C_NEURAL_LEVELS_H

typedef enum {
    CNK_LEVEL_PORTABLE, // what the compiler targets: SSE2 or NEON
    CNK_LEVEL_AVX2,     // and FMA
    CNK_LEVEL_AVX512
} cnk_level;

// The best level that this processor has.
cnk_level cnk_best_level(void);
// The level in use.
cnk_level cnk_current_level(void);
// Uses a level from now on, in the whole process; 0 if the processor does not have it. For tests.
int cnk_use_level(cnk_level level);
// The level's name, as in the environment variable.
const char *cnk_level_name(cnk_level level);

#endif
