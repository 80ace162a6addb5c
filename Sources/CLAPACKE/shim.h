// LAPACK's C interface, found through pkg-config. Its complex types are the
// C++-safe structures, since Swift cannot import C99's _Complex.
#define LAPACK_COMPLEX_STRUCTURE
#include <lapacke.h>
// LAPACK's integer, which is a macro that Swift does not see.
typedef lapack_int LAPACKInteger;
