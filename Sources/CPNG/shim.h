// libpng, found through pkg-config; it reads PNG pictures.
#include <png.h>
