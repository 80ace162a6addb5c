#include "CMeasurement.h"

#include <time.h>

double cm_thread_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

__attribute__((noinline)) void cm_measured_call(void (*body)(void *), void *context) {
    body(context);
    // Keeps the call from becoming a jump, which would never come back here.
    __asm__ volatile("" ::: "memory");
}
