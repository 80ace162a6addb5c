// The instruction sets that the loops are compiled for: portable (what the compiler targets: SSE2 or NEON), avx2 (with
// FMA) and avx512; for bfloat16 also avx512bf16 and amx, whose other loops are those of avx512. The best one of the processor is picked when the program starts; the environment variable
// UNLEARNING_KERNELS picks a lower one by its name.
#ifndef C_NEURAL_LEVELS_H
#define C_NEURAL_LEVELS_H

// The name of the level in use.
const char *cnk_level_name(void);

// The name of the best level that the processor has.
const char *cnk_best_level_name(void);

#endif
