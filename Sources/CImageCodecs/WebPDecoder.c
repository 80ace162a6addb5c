#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <webp/decode.h>

#include "Codecs.h"

// What libwebp allocates for each pixel besides the result: colors and alpha before they are put together.
enum { working_bytes = 5 };

static size_t number(const uint8_t *bytes) {
    return bytes[0] | (size_t)bytes[1] << 8 | (size_t)bytes[2] << 16 | (size_t)bytes[3] << 24;
}

// EXIF has a chunk of its own, mostly behind the pixels.
static int find_orientation(const uint8_t *bytes, size_t count) {
    size_t place = 12;
    while (place <= count && count - place >= 8) {
        const uint8_t *content = bytes + place + 8;
        size_t length = number(bytes + place + 4);
        if (length > count - place - 8) return 1;
        if (memcmp(bytes + place, "EXIF", 4) == 0) {
            size_t skipped = length >= 6 && memcmp(content, "Exif\0", 6) == 0 ? 6 : 0;
            return cimage_orientation(content + skipped, length - skipped);
        }
        place += 8 + length + (length & 1);
    }
    return 1;
}

static CImageStatus failure(VP8StatusCode code, CImage *image) {
    const char *message = "its pixels are not WebP's";
    switch (code) {
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED: return CImageStatusTruncated;
    case VP8_STATUS_OUT_OF_MEMORY: return CImageStatusOutOfMemory;
    case VP8_STATUS_UNSUPPORTED_FEATURE: message = "libwebp does not decode what it has"; break;
    default: break;
    }
    snprintf(image->message, sizeof image->message, "%s", message);
    return CImageStatusDamaged;
}

static CImageStatus read_pixels(const uint8_t *bytes, size_t count, WebPDecoderConfig *config, CImage *image) {
    // Of a file that is cut short, libwebp may say that it is damaged.
    if (number(bytes + 4) > count - 8) return CImageStatusTruncated;
    size_t row = (size_t)image->width * 3;
    image->pixels = calloc(image->height, row);
    if (!image->pixels) return CImageStatusOutOfMemory;
    config->output.colorspace = MODE_RGB;
    config->output.is_external_memory = 1;
    config->output.u.RGBA = (WebPRGBABuffer){
        .rgba = image->pixels, .stride = (int)row, .size = row * image->height};
    VP8StatusCode code = WebPDecode(bytes, count, config);
    WebPFreeDecBuffer(&config->output);
    return code == VP8_STATUS_OK ? CImageStatusOK : failure(code, image);
}

CImageStatus cimage_read_webp(
    const uint8_t *bytes, size_t count, CImageLimits limits, bool header_only, CImage *image
) {
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config)) return CImageStatusOutOfMemory;
    VP8StatusCode code = WebPGetFeatures(bytes, count, &config.input);
    if (code != VP8_STATUS_OK) return failure(code, image);
    if (config.input.has_animation) {
        snprintf(image->message, sizeof image->message, "it is animated, and WebP is read without animation");
        return CImageStatusDamaged;
    }
    // Neither is beyond 2^24.
    image->width = (uint32_t)config.input.width;
    image->height = (uint32_t)config.input.height;
    image->orientation = find_orientation(bytes, count);
    if (!cimage_fits(image->width, image->height, limits, image)) return CImageStatusTooLarge;
    if ((uint64_t)image->width * image->height > limits.bytes / (3 + working_bytes)) {
        snprintf(
            image->message, sizeof image->message, "decoding takes more than the limit of %zu bytes", limits.bytes);
        return CImageStatusTooLarge;
    }
    return header_only ? CImageStatusOK : read_pixels(bytes, count, &config, image);
}
