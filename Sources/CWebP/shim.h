// libwebp, found through pkg-config; it reads WebP pictures.
#include <webp/decode.h>
