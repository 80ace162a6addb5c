// What the decoders and their callers share.
#pragma once

#include <stdbool.h>

#include "CImageCodecs.h"

/// Decodes a PNG picture, or reads its header alone.
CImageStatus cimage_read_png(const uint8_t *bytes, size_t count, CImageLimits limits, bool header_only, CImage *image);

/// Decodes a JPEG picture, or reads its header alone.
CImageStatus cimage_read_jpeg(const uint8_t *bytes, size_t count, CImageLimits limits, bool header_only, CImage *image);

/// Decodes the first picture of a WebP file, or reads its header alone.
CImageStatus cimage_read_webp(const uint8_t *bytes, size_t count, CImageLimits limits, bool header_only, CImage *image);

/// Decodes the first picture of a GIF file, or reads its header alone.
CImageStatus cimage_read_gif(const uint8_t *bytes, size_t count, CImageLimits limits, bool header_only, CImage *image);

/// Decodes a BMP picture, or reads its header alone.
CImageStatus cimage_read_bmp(const uint8_t *bytes, size_t count, CImageLimits limits, bool header_only, CImage *image);

/// Whether the bytes begin as BMP.
bool cimage_is_bmp(const uint8_t *bytes, size_t count);

/// Checks the size against the limits, and writes the message if it is beyond them.
bool cimage_fits(uint64_t width, uint64_t height, CImageLimits limits, CImage *image);

/// The orientation in an EXIF block, which begins with the TIFF header; 1 if there is none.
int cimage_orientation(const uint8_t *block, size_t count);
