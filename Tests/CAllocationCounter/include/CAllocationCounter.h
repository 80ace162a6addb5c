// Counts heap allocations of chosen threads, for tests of code that must not allocate.
#ifndef C_ALLOCATION_COUNTER_H
#define C_ALLOCATION_COUNTER_H

#include <stdbool.h>

// Whether allocations are seen at all: on glibc, without a sanitizer that needs malloc for itself.
bool allocation_counter_is_available(void);
// Whether the calling thread's allocations are counted from now on; no thread's are at first.
void allocation_counter_watch_this_thread(bool watch);
// Allocations of all watched threads since the program started.
long allocation_counter_value(void);

#endif
