// zlib, found through pkg-config; it reads the gzip files that data sets come in.
#include <zlib.h>
