// Feeds bytes to the picture decoders. Built by `run`, once for each format.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "CImageCodecs.h"

static const uint8_t png_signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

static uint32_t read_number(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

// Makes every chunk's check sum right: libpng would throw nearly all inputs away before it looks at them.
static void repair_check_sums(uint8_t *bytes, size_t count) {
    size_t place = sizeof png_signature;
    while (place < count && count - place >= 12) {
        size_t length = read_number(bytes + place);
        if (length > count - place - 12) return;
        uint32_t sum = (uint32_t)crc32(0, bytes + place + 4, (uInt)(length + 4));
        for (int index = 0; index < 4; index++) bytes[place + 8 + length + index] = (uint8_t)(sum >> (24 - 8 * index));
        place += length + 12;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count) {
    uint8_t *bytes = malloc(count > 0 ? count : 1);
    if (!bytes) return 0;
    memcpy(bytes, data, count);
#ifdef FUZZ_PNG
    if (count >= sizeof png_signature) memcpy(bytes, png_signature, sizeof png_signature);
    // The last bit of the input decides, so that wrong sums are met as well.
    if (count > 0 && bytes[count - 1] & 1) repair_check_sums(bytes, count);
#elif defined FUZZ_JPEG
    static const uint8_t start[3] = {0xff, 0xd8, 0xff};
    if (count >= sizeof start) memcpy(bytes, start, sizeof start);
#elif defined FUZZ_WEBP
    // The length is made right, unless the last bit says not to: files that are cut short are not decoded.
    if (count >= 12) {
        memcpy(bytes, "RIFF", 4);
        memcpy(bytes + 8, "WEBP", 4);
        for (int index = 0; index < 4 && bytes[count - 1] & 1; index++) bytes[4 + index] = (uint8_t)((count - 8) >> (8 * index));
    }
#elif defined FUZZ_GIF
    if (count >= 6) memcpy(bytes, "GIF89a", 6);
#else
    if (count >= 2) memcpy(bytes, "BM", 2);
#endif
    CImageLimits limits = {.pixels = 1 << 18, .side = 1 << 17, .bytes = 1 << 23};
    CImage header, image;
    CImageStatus header_status = cimage_read_header(bytes, count, limits, &header);
    CImageStatus status = cimage_decode(bytes, count, limits, &image);
    if (header.pixels) abort();
    if (status == CImageStatusOK) {
        // A picture whose header was refused must not be decoded, and what is decoded must be as large as it says.
        if (header_status != CImageStatusOK || header.width != image.width || header.height != image.height) abort();
        if (image.orientation < 1 || image.orientation > 8 || !image.pixels) abort();
        size_t size = (size_t)image.width * image.height * 3;
        if (size == 0 || size > limits.bytes) abort();
        volatile uint8_t sum = 0;
        for (size_t index = 0; index < size; index++) sum ^= image.pixels[index];
    }
    if (!memchr(image.message, 0, sizeof image.message)) abort();
    cimage_free(&image);
    free(bytes);
    return 0;
}
