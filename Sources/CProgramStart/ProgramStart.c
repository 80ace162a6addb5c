#include "CProgramStart.h"

// Defines __GLIBC__, where it is glibc.
#include <limits.h>
#include <stddef.h>
#include <unistd.h>

static int count;
static char **arguments;

#if defined(__linux__) && defined(__GLIBC__)

#include <malloc.h>
#include <string.h>
#include <sys/resource.h>

// OpenBLAS starts a thread for each processor as soon as it is loaded, which is before `main`, and ends the program if it
// cannot. The program needs none of them, since its own threads call OpenBLAS. Until libraries are loaded the environment
// therefore asks OpenBLAS for one thread. It cannot be set by `setenv`, which works only once the C library is ready; a variable
// that no library reads while it is loaded gives its place meanwhile. Fewer processors for the whole program would do too, but Swift's own threads,
// which run its tasks, are counted at that time as well.
static char one_thread[] = "OPENBLAS_NUM_THREADS=1";
static char **place, *original;

// Where `name` or, if that is not there, one of the others stands; null if there is none of them.
static char **find(char **environment, const char *const names[], size_t count) {
    for (size_t i = 0; i < count; i++) {
        for (char **variable = environment; *variable != NULL; variable++) {
            size_t length = strlen(names[i]);
            if (strncmp(*variable, names[i], length) == 0 && (*variable)[length] == '=') return variable;
        }
    }
    return NULL;
}

static void ask_for_one_thread(int argc, char **argv, char **environment) {
    (void)argc;
    (void)argv;
    static const char *const names[] = {"OPENBLAS_NUM_THREADS", "_", "OLDPWD", "SHLVL", "PWD", "LOGNAME", "USER", "SHELL", "HOME",
                                        "PATH"};
    place = find(environment, names, sizeof names / sizeof names[0]);
    if (place == NULL) return; // OpenBLAS starts its threads, as in any other program.
    original = *place;
    *place = one_thread;
}

// Runs before the constructors of libraries. glibc passes what it passes `main`.
__attribute__((section(".preinit_array"), used)) static void (*const before_libraries)(int, char **, char **) =
    ask_for_one_thread;

// Each thread's own part of the allocator takes 64 MiB of address space, which is better left where there is a limit.
static void spare_address_space(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) mallopt(M_ARENA_MAX, 1);
}

// Runs after them. glibc passes constructors what it passes `main`.
__attribute__((constructor)) static void begin(int argc, char **argv) {
    if (place != NULL) *place = original;
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
