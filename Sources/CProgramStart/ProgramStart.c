// `cpu_set_t` is GNU's.
#define _GNU_SOURCE
#include "CProgramStart.h"

// Defines __GLIBC__, where it is glibc.
#include <limits.h>
#include <stddef.h>
#include <unistd.h>

static int count;
static char **arguments;

#if defined(__linux__) && defined(__GLIBC__)

#include <malloc.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>

// OpenBLAS starts a thread for each processor as soon as it is loaded, which is before `main`, and ends the program if it
// cannot. The program needs none of them, since its own threads call OpenBLAS. So OpenBLAS is loaded while the program may
// run on one processor alone; a setting of the environment would be read before it could be made.
static cpu_set_t allowed[64];
static int is_restricted;

static void restrict_processors(void) {
    if (sched_getaffinity(0, sizeof allowed, allowed) != 0) return;
    cpu_set_t one[64];
    memset(one, 0, sizeof one);
    for (size_t processor = 0; processor < 8 * sizeof allowed; processor++) {
        if (!CPU_ISSET_S(processor, sizeof allowed, allowed)) continue;
        CPU_SET_S(processor, sizeof one, one);
        is_restricted = sched_setaffinity(0, sizeof one, one) == 0;
        return;
    }
}

// Runs before the constructors of libraries.
__attribute__((section(".preinit_array"), used)) static void (*const before_libraries)(void) = restrict_processors;

// Each thread's own part of the allocator takes 64 MiB of address space, which is better left where there is a limit.
static void spare_address_space(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) mallopt(M_ARENA_MAX, 1);
}

// Runs after them. glibc passes constructors what it passes `main`.
__attribute__((constructor)) static void begin(int argc, char **argv) {
    if (is_restricted) sched_setaffinity(0, sizeof allowed, allowed);
    spare_address_space();
    count = argc;
    arguments = argv;
}

#elif defined(__APPLE__)

// Darwin passes constructors what it passes `main`.
__attribute__((constructor)) static void begin(int argc, char **argv) {
    count = argc;
    arguments = argv;
}

#endif

int unlearn_argument_count(void) { return count; }

const char *unlearn_argument(int index) { return arguments[index]; }

int unlearn_become(const char *path) { return arguments == NULL ? -1 : execv(path, arguments); }
