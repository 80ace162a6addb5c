// libjpeg-turbo, found through pkg-config; it reads JPEG pictures. Its header needs these two before it.
#include <stddef.h>
#include <stdio.h>
#include <jpeglib.h>
