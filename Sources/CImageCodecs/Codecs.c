#include "Codecs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

CImageFormat cimage_format(const uint8_t *bytes, size_t count) {
    static const uint8_t png[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    if (count >= sizeof png && memcmp(bytes, png, sizeof png) == 0) return CImageFormatPNG;
    if (count >= 3 && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff) return CImageFormatJPEG;
    if (count >= 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0) return CImageFormatWebP;
    if (count >= 6 && (memcmp(bytes, "GIF87a", 6) == 0 || memcmp(bytes, "GIF89a", 6) == 0)) return CImageFormatGIF;
    if (cimage_is_bmp(bytes, count)) return CImageFormatBMP;
    return CImageFormatNone;
}

static CImageStatus read(
    const uint8_t *bytes, size_t count, CImageLimits limits, bool header_only, CImage *image
) {
    memset(image, 0, sizeof *image);
    image->orientation = 1;
    image->format = cimage_format(bytes, count);
    switch (image->format) {
    case CImageFormatPNG: return cimage_read_png(bytes, count, limits, header_only, image);
    case CImageFormatJPEG: return cimage_read_jpeg(bytes, count, limits, header_only, image);
    case CImageFormatWebP: return cimage_read_webp(bytes, count, limits, header_only, image);
    case CImageFormatGIF: return cimage_read_gif(bytes, count, limits, header_only, image);
    case CImageFormatBMP: return cimage_read_bmp(bytes, count, limits, header_only, image);
    case CImageFormatNone: break;
    }
    return CImageStatusNotAPicture;
}

CImageStatus cimage_read_header(const uint8_t *bytes, size_t count, CImageLimits limits, CImage *image) {
    return read(bytes, count, limits, true, image);
}

CImageStatus cimage_decode(const uint8_t *bytes, size_t count, CImageLimits limits, CImage *image) {
    return read(bytes, count, limits, false, image);
}

void cimage_free(CImage *image) {
    free(image->pixels);
    image->pixels = NULL;
}

bool cimage_fits(uint64_t width, uint64_t height, CImageLimits limits, CImage *image) {
    // Neither side is beyond 32 bits, so the products cannot overflow but for the factor 3.
    uint64_t pixels = width * height;
    if (pixels > limits.pixels) {
        snprintf(
            image->message, sizeof image->message, "it claims %" PRIu64 " x %" PRIu64 " pixels, more than the limit of %zu",
            width, height, limits.pixels);
        return false;
    }
    if (width > limits.side || height > limits.side) {
        snprintf(
            image->message, sizeof image->message, "it claims %" PRIu64 " x %" PRIu64 " pixels; the limit of a side is %zu",
            width, height, limits.side);
        return false;
    }
    if (pixels > limits.bytes / 3) {
        snprintf(
            image->message, sizeof image->message, "%" PRIu64 " x %" PRIu64 " pixels take more than the limit of %zu bytes",
            width, height, limits.bytes);
        return false;
    }
    return true;
}

static uint32_t number(const uint8_t *bytes, int length, bool is_little_endian) {
    uint32_t value = 0;
    for (int index = 0; index < length; index++) {
        value = value << 8 | bytes[is_little_endian ? length - 1 - index : index];
    }
    return value;
}

int cimage_orientation(const uint8_t *block, size_t count) {
    enum { tag_orientation = 0x0112, type_short = 3, entry_size = 12 };
    if (count < 8) return 1;
    bool is_little_endian = memcmp(block, "II*", 4) == 0;
    if (!is_little_endian && memcmp(block, "MM\0*", 4) != 0) return 1;
    size_t directory = number(block + 4, 4, is_little_endian);
    if (directory > count - 2) return 1;
    size_t entries = number(block + directory, 2, is_little_endian);
    for (size_t index = 0; index < entries; index++) {
        size_t place = directory + 2 + index * entry_size;
        if (place > count || count - place < entry_size) return 1;
        const uint8_t *entry = block + place;
        if (number(entry, 2, is_little_endian) != tag_orientation) continue;
        uint32_t type = number(entry + 2, 2, is_little_endian);
        uint32_t value = number(entry + 8, 2, is_little_endian);
        return type == type_short && value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}
