// The versions of the libraries that decode.
#include "Codecs.h"

#include <stdio.h>

#include <gif_lib.h>
#include <jpeglib.h>
#include <png.h>
#include <webp/decode.h>

#define QUOTED(value) #value
#define TEXT(value) QUOTED(value)
#define VERSION(major, minor, patch) TEXT(major) "." TEXT(minor) "." TEXT(patch)

static const char *webp_version(void) {
    static _Thread_local char text[16];
    unsigned version = (unsigned)WebPGetDecoderVersion();
    snprintf(text, sizeof text, "%u.%u.%u", version >> 16 & 255, version >> 8 & 255, version & 255);
    return text;
}

const char *cimage_library_version(CImageFormat format) {
    switch (format) {
    case CImageFormatPNG: return png_get_libpng_ver(NULL);
    // libjpeg and giflib do not tell at run time.
#ifdef LIBJPEG_TURBO_VERSION
    case CImageFormatJPEG: return TEXT(LIBJPEG_TURBO_VERSION);
#else
    case CImageFormatJPEG: return TEXT(JPEG_LIB_VERSION);
#endif
    case CImageFormatWebP: return webp_version();
    case CImageFormatGIF: return VERSION(GIFLIB_MAJOR, GIFLIB_MINOR, GIFLIB_RELEASE);
    default: return NULL;
    }
}
