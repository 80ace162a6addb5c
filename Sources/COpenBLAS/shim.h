// OpenBLAS's C interface, found through pkg-config.
#include <cblas.h>
