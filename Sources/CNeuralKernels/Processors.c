#if defined(__linux__)
#define _GNU_SOURCE
#include <sched.h>
#endif

#include "CNeuralProcessors.h"

int cnk_affinity_count(void) {
#if defined(__linux__)
    // Room for 65,536 processors: the system refuses a mask that is too short, and `cpu_set_t` alone has 1,024 bits.
    cpu_set_t mask[64];
    if (sched_getaffinity(0, sizeof mask, mask) != 0) return 0;
    return CPU_COUNT_S(sizeof mask, mask);
#else
    return 0;
#endif
}
