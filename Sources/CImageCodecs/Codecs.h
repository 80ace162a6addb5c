// What the two decoders and their callers share.
#pragma once

#include <stdbool.h>

#include "CImageCodecs.h"

/// Decodes a PNG picture, or reads its header alone.
CImageStatus cimage_read_png(const uint8_t *bytes, size_t count, CImageLimits limits, bool header_only, CImage *image);

/// Decodes a JPEG picture, or reads its header alone.
CImageStatus cimage_read_jpeg(const uint8_t *bytes, size_t count, CImageLimits limits, bool header_only, CImage *image);

/// Checks the size against the limits, and writes the message if it is beyond them.
bool cimage_fits(uint64_t width, uint64_t height, CImageLimits limits, CImage *image);

/// The orientation in an EXIF block, which begins with the TIFF header; 1 if there is none.
int cimage_orientation(const uint8_t *block, size_t count);
