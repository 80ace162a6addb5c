#include "CMeasurement.h"

__attribute__((noinline)) void cm_measured_call(void (*body)(void *), void *context) {
    body(context);
    // Keeps the call from becoming a jump, which would never come back here.
    __asm__ volatile("" ::: "memory");
}
