#ifndef C_MEASUREMENT_H
#define C_MEASUREMENT_H

/// Multiply-adds of registers alone: as many floating-point operations as this processor can do.
/// Returns how many operations one thread did in `rounds` rounds.
double cm_multiply_adds(long rounds);

/// The vector instructions that `cm_multiply_adds` uses here: "AVX-512", "AVX2" or "portable".
const char *cm_vector_level(void);

/// The processor time of the calling thread in seconds, which other programs disturb less than the time of day.
double cm_thread_seconds(void);

/// Calls `body` with `context`. A tool that counts instructions between the entry and the exit of a function can name
/// this one, which no compiler renames or inlines.
void cm_measured_call(void (*body)(void *), void *context);

#endif
