// What the system lets a program use.
#ifndef C_NEURAL_PROCESSORS_H
#define C_NEURAL_PROCESSORS_H

// The processors that the calling thread may run on; 0 where the system does not say.
int cnk_affinity_count(void);

// Tells the processor that a loop waits for another thread, so that it spends less on it.
static inline void cnk_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif
