#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "Codecs.h"

// BMP as Windows has written it: a file header of 14 bytes, a header that begins with its own length, colors, rows.
enum { file_header = 14, core_header = 12, info_header = 40 };

typedef enum { CompressionNone = 0, CompressionFields = 3, CompressionAlphaFields = 6 } Compression;

typedef struct {
    const uint8_t *bytes;
    size_t count;
    CImage *image;
    size_t header;
    uint32_t bits;
    Compression compression;
    bool is_top_down;
    uint32_t masks[3];
    // [colors, 4]: blue, green, red.
    uint8_t palette[256 * 4];
} Reader;

static uint32_t number(const uint8_t *bytes, int length) {
    uint32_t value = 0;
    for (int index = length - 1; index >= 0; index--) value = value << 8 | bytes[index];
    return value;
}

static CImageStatus fail_with(Reader *reader, const char *message) {
    snprintf(reader->image->message, sizeof reader->image->message, "%s", message);
    return CImageStatusDamaged;
}

static CImageStatus read_header(Reader *reader) {
    const uint8_t *header = reader->bytes + file_header;
    bool is_core = reader->header == core_header;
    if (reader->count - file_header < reader->header) return CImageStatusTruncated;
    int64_t width = is_core ? (int64_t)number(header + 4, 2) : (int32_t)number(header + 4, 4);
    int64_t height = is_core ? (int64_t)number(header + 6, 2) : (int32_t)number(header + 8, 4);
    reader->is_top_down = height < 0;
    if (height < 0) height = -height;
    if (width <= 0 || height == 0) return fail_with(reader, "it has no pixels");
    reader->image->width = (uint32_t)width;
    reader->image->height = (uint32_t)height;
    reader->bits = number(header + (is_core ? 10 : 14), 2);
    uint32_t compression = is_core ? 0 : number(header + 16, 4);
    if (compression == 1 || compression == 2) {
        return fail_with(reader, "its rows are run-length encoded, and such are not read");
    }
    bool has_fields = compression == CompressionFields || compression == CompressionAlphaFields;
    // OS/2 has another meaning for the number.
    bool is_os2 = reader->header == 64;
    if (compression != CompressionNone && (is_os2 || !has_fields || (reader->bits != 16 && reader->bits != 32))) {
        return fail_with(reader, "it is compressed in a way that is not read");
    }
    reader->compression = (Compression)compression;
    return CImageStatusOK;
}

// Where red, green and blue are in a pixel of 16 or 32 bits.
static CImageStatus read_masks(Reader *reader, size_t *end) {
    static const uint32_t standard16[3] = {0x7c00, 0x3e0, 0x1f}, standard32[3] = {0xff0000, 0xff00, 0xff};
    memcpy(reader->masks, reader->bits == 16 ? standard16 : standard32, sizeof reader->masks);
    if (reader->compression == CompressionNone) return CImageStatusOK;
    size_t place = file_header + info_header;
    if (reader->header == info_header) *end = place + (reader->compression == CompressionFields ? 12 : 16);
    if (reader->count < place + 12) return CImageStatusTruncated;
    for (int channel = 0; channel < 3; channel++) {
        uint32_t mask = number(reader->bytes + place + 4 * channel, 4);
        // The ones have to lie side by side.
        uint32_t low = mask & (~mask + 1);
        if (mask == 0 || ((mask / low + 1) & (mask / low)) != 0) return fail_with(reader, "its colors' masks have gaps");
        reader->masks[channel] = mask;
    }
    return CImageStatusOK;
}

static CImageStatus read_palette(Reader *reader, size_t place) {
    bool is_core = reader->header == core_header;
    size_t entry = is_core ? 3 : 4, colors = (size_t)1 << reader->bits;
    uint32_t used = is_core ? 0 : number(reader->bytes + file_header + 32, 4);
    if (used > 0 && used < colors) colors = used;
    if (reader->count < place || (reader->count - place) / entry < colors) return CImageStatusTruncated;
    for (size_t index = 0; index < colors; index++) {
        memcpy(reader->palette + 4 * index, reader->bytes + place + entry * index, 3);
    }
    return CImageStatusOK;
}

static uint8_t scaled(uint32_t pixel, uint32_t mask) {
    uint32_t low = mask & (~mask + 1);
    uint64_t largest = mask / low;
    return (uint8_t)((pixel & mask) / low * (uint64_t)255 / largest);
}

static void write_pixel(const Reader *reader, const uint8_t *row, size_t x, uint8_t *target) {
    if (reader->bits <= 8) {
        size_t place = x * reader->bits;
        unsigned shift = 8 - reader->bits - (unsigned)(place % 8);
        unsigned index = (unsigned)row[place / 8] >> shift & ((1u << reader->bits) - 1);
        for (int channel = 0; channel < 3; channel++) target[channel] = reader->palette[4 * index + 2 - (unsigned)channel];
    } else if (reader->bits == 24) {
        for (int channel = 0; channel < 3; channel++) target[channel] = row[3 * x + 2 - (size_t)channel];
    } else {
        size_t size = reader->bits / 8;
        uint32_t pixel = number(row + x * size, (int)size);
        for (int channel = 0; channel < 3; channel++) target[channel] = scaled(pixel, reader->masks[channel]);
    }
}

static CImageStatus read_pixels(Reader *reader) {
    CImage *image = reader->image;
    // Rows are filled up to whole fours of bytes.
    uint64_t row = ((uint64_t)image->width * reader->bits + 31) / 32 * 4;
    uint64_t start = number(reader->bytes + 10, 4);
    if (start > reader->count || reader->count - start < row * image->height) return CImageStatusTruncated;
    image->pixels = calloc(image->height, (size_t)image->width * 3);
    if (!image->pixels) return CImageStatusOutOfMemory;
    for (uint32_t y = 0; y < image->height; y++) {
        const uint8_t *source = reader->bytes + start + row * (reader->is_top_down ? y : image->height - 1 - y);
        uint8_t *target = image->pixels + (size_t)y * image->width * 3;
        for (size_t x = 0; x < image->width; x++) write_pixel(reader, source, x, target + 3 * x);
    }
    return CImageStatusOK;
}

bool cimage_is_bmp(const uint8_t *bytes, size_t count) {
    static const uint32_t lengths[] = {core_header, info_header, 52, 56, 64, 108, 124};
    // Two letters are soon found in texts too.
    if (count < file_header + 4 || bytes[0] != 'B' || bytes[1] != 'M') return false;
    for (size_t index = 0; index < sizeof lengths / sizeof *lengths; index++) {
        if (number(bytes + file_header, 4) == lengths[index]) return true;
    }
    return false;
}

CImageStatus cimage_read_bmp(
    const uint8_t *bytes, size_t count, CImageLimits limits, bool header_only, CImage *image
) {
    Reader reader = {.bytes = bytes, .count = count, .image = image, .header = number(bytes + file_header, 4)};
    CImageStatus status = read_header(&reader);
    if (status != CImageStatusOK) return status;
    bool has_palette = reader.bits == 1 || reader.bits == 4 || reader.bits == 8;
    if (!has_palette && reader.bits != 16 && reader.bits != 24 && reader.bits != 32) {
        return fail_with(&reader, "it has a number of bits for each pixel that BMP does not have");
    }
    if (!cimage_fits(image->width, image->height, limits, image)) return CImageStatusTooLarge;
    if (header_only) return CImageStatusOK;
    size_t end = file_header + reader.header;
    status = read_masks(&reader, &end);
    if (status == CImageStatusOK && has_palette) status = read_palette(&reader, end);
    return status == CImageStatusOK ? read_pixels(&reader) : status;
}
