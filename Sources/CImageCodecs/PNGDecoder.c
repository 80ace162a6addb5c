#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "Codecs.h"

typedef struct {
    const uint8_t *bytes;
    size_t count;
    size_t position;
    CImageLimits limits;
    size_t allocated;
    png_structp png;
    png_infop info;
    CImage *image;
    CImageStatus status;
    // Whether every pixel has been read: what is wrong after that does not matter.
    bool has_pixels;
    jmp_buf escape;
} Reader;

_Noreturn static void fail(png_structp png, png_const_charp message) {
    Reader *reader = png_get_error_ptr(png);
    if (reader->status == CImageStatusOK) {
        reader->status = CImageStatusDamaged;
        snprintf(reader->image->message, sizeof reader->image->message, "%s", message);
    }
    longjmp(reader->escape, 1);
}

static void ignore(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

static void deliver(png_structp png, png_bytep target, size_t count) {
    Reader *reader = png_get_io_ptr(png);
    if (count > reader->count - reader->position) {
        reader->status = CImageStatusTruncated;
        fail(png, "");
    }
    memcpy(target, reader->bytes + reader->position, count);
    reader->position += count;
}

static png_voidp allocate(png_structp png, png_alloc_size_t size) {
    Reader *reader = png_get_mem_ptr(png);
    if (reader->allocated > reader->limits.bytes || size > reader->limits.bytes - reader->allocated) {
        reader->status = CImageStatusTooLarge;
        snprintf(
            reader->image->message, sizeof reader->image->message, "decoding takes more than the limit of %zu bytes",
            reader->limits.bytes);
        return NULL;
    }
    void *memory = malloc(size);
    // What is freed is not counted back: the sum is a bound, and a picture allocates a few times only.
    if (memory) {
        reader->allocated += size;
    } else {
        reader->status = CImageStatusOutOfMemory;
    }
    return memory;
}

static void release(png_structp png, png_voidp memory) {
    (void)png;
    free(memory);
}

static void prepare(png_structp png) {
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    // Texts and profiles are of no use here, and compressed ones grow: only the orientation is read.
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_AS_DEFAULT, (png_const_bytep) "eXIf", 1);
    png_set_chunk_malloc_max(png, 1 << 20);
}

static void read_pixels(png_structp png, png_infop info, Reader *reader) {
    CImage *image = reader->image;
    png_set_palette_to_rgb(png);
    png_set_expand_gray_1_2_4_to_8(png);
    png_set_strip_16(png);
    png_set_gray_to_rgb(png);
    png_set_strip_alpha(png);
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    size_t row = (size_t)image->width * 3;
    if (png_get_rowbytes(png, info) != row) fail(png, "its rows have an unexpected length");
    image->pixels = calloc(image->height, row);
    if (!image->pixels) {
        reader->status = CImageStatusOutOfMemory;
        fail(png, "");
    }
    for (int pass = 0; pass < passes; pass++) {
        for (uint32_t y = 0; y < image->height; y++) png_read_row(png, image->pixels + y * row, NULL);
    }
    reader->has_pixels = true;
}

static void read_orientation(png_structp png, png_infop info, CImage *image) {
    png_uint_32 count = 0;
    png_bytep block = NULL;
    if (png_get_eXIf_1(png, info, &count, &block) && block) image->orientation = cimage_orientation(block, count);
}

// Every error of libpng ends here. What changes in between is in `reader`, none of it in this function's own variables,
// which longjmp would leave undefined.
static void read(Reader *reader, bool header_only) {
    if (setjmp(reader->escape) != 0) return;
    reader->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, reader, fail, ignore, reader, allocate, release);
    if (reader->png) reader->info = png_create_info_struct(reader->png);
    if (!reader->info) {
        if (reader->status == CImageStatusOK) reader->status = CImageStatusOutOfMemory;
        return;
    }
    png_set_read_fn(reader->png, reader, deliver);
    prepare(reader->png);
    png_read_info(reader->png, reader->info);
    CImage *image = reader->image;
    image->width = png_get_image_width(reader->png, reader->info);
    image->height = png_get_image_height(reader->png, reader->info);
    if (!cimage_fits(image->width, image->height, reader->limits, image)) {
        reader->status = CImageStatusTooLarge;
        return;
    }
    if (header_only) return;
    reader->allocated += (size_t)image->width * image->height * 3;
    read_pixels(reader->png, reader->info, reader);
    // The orientation may stand before the pixels or after them.
    read_orientation(reader->png, reader->info, image);
    png_read_end(reader->png, reader->info);
    read_orientation(reader->png, reader->info, image);
}

CImageStatus cimage_read_png(
    const uint8_t *bytes, size_t count, CImageLimits limits, bool header_only, CImage *image
) {
    Reader reader = {.bytes = bytes, .count = count, .limits = limits, .image = image};
    read(&reader, header_only);
    if (reader.png) png_destroy_read_struct(&reader.png, reader.info ? &reader.info : NULL, NULL);
    return reader.has_pixels ? CImageStatusOK : reader.status;
}
