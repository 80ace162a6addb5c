// giflib, found through pkg-config where its package says so; it reads GIF pictures.
#include <gif_lib.h>
