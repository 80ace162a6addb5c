#include <gif_lib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "Codecs.h"

typedef struct {
    const uint8_t *bytes;
    size_t count;
    size_t position;
    // Whether more bytes were asked for than there are.
    bool has_ended;
    // The color that is seen through; -1 if there is none.
    int transparent;
    CImage *image;
} Reader;

static int deliver(GifFileType *gif, GifByteType *target, int count) {
    Reader *reader = gif->UserData;
    size_t left = reader->count - reader->position;
    if (count < 0) return 0;
    if ((size_t)count > left) {
        reader->has_ended = true;
        count = (int)left;
    }
    memcpy(target, reader->bytes + reader->position, (size_t)count);
    reader->position += (size_t)count;
    return count;
}

static CImageStatus failure(Reader *reader, int code) {
    if (reader->has_ended) return CImageStatusTruncated;
    if (code == D_GIF_ERR_NOT_ENOUGH_MEM) return CImageStatusOutOfMemory;
    const char *message = GifErrorString(code);
    snprintf(
        reader->image->message, sizeof reader->image->message, "%s", message ? message : "it is not as GIF should be");
    return CImageStatusDamaged;
}

static CImageStatus fail_with(Reader *reader, const char *message) {
    snprintf(reader->image->message, sizeof reader->image->message, "%s", message);
    return CImageStatusDamaged;
}

// An extension in blocks, each of which begins with its length.
static int read_extension(GifFileType *gif, Reader *reader) {
    enum { has_transparency = 1, length = 0, flags = 1, color = 4 };
    int code = 0;
    GifByteType *block = NULL;
    if (DGifGetExtension(gif, &code, &block) == GIF_ERROR) return GIF_ERROR;
    if (code == GRAPHICS_EXT_FUNC_CODE && block && block[length] >= 4) {
        reader->transparent = block[flags] & has_transparency ? block[color] : -1;
    }
    while (block) {
        if (DGifGetExtensionNext(gif, &block) == GIF_ERROR) return GIF_ERROR;
    }
    return GIF_OK;
}

// Goes on to the first of the pictures, the only one that is read.
static CImageStatus find_picture(GifFileType *gif, Reader *reader) {
    for (;;) {
        GifRecordType type = UNDEFINED_RECORD_TYPE;
        if (DGifGetRecordType(gif, &type) == GIF_ERROR) return failure(reader, gif->Error);
        if (type == TERMINATE_RECORD_TYPE) return fail_with(reader, "it has no picture");
        if (type == IMAGE_DESC_RECORD_TYPE) {
            return DGifGetImageDesc(gif) == GIF_ERROR ? failure(reader, gif->Error) : CImageStatusOK;
        }
        if (type == EXTENSION_RECORD_TYPE && read_extension(gif, reader) == GIF_ERROR) {
            return failure(reader, gif->Error);
        }
    }
}

static void write_color(const ColorMapObject *map, int index, uint8_t *pixel) {
    if (!map) {
        memset(pixel, index, 3);
    } else if (index >= 0 && index < map->ColorCount) {
        GifColorType color = map->Colors[index];
        pixel[0] = color.Red;
        pixel[1] = color.Green;
        pixel[2] = color.Blue;
    } else {
        memset(pixel, 0, 3);
    }
}

static void fill(const ColorMapObject *map, int index, CImage *image) {
    uint8_t pixel[3];
    write_color(map, index, pixel);
    size_t count = (size_t)image->width * image->height;
    for (size_t place = 0; place < count; place++) memcpy(image->pixels + 3 * place, pixel, 3);
}

static CImageStatus read_pixels(GifFileType *gif, Reader *reader) {
    static const int starts[4] = {0, 4, 2, 1}, steps[4] = {8, 8, 4, 2};
    CImage *image = reader->image;
    const GifImageDesc frame = gif->Image;
    const ColorMapObject *map = frame.ColorMap ? frame.ColorMap : gif->SColorMap;
    image->pixels = calloc(image->height, (size_t)image->width * 3);
    uint8_t *row = malloc(frame.Width > 0 ? (size_t)frame.Width : 1);
    CImageStatus status = image->pixels && row ? CImageStatusOK : CImageStatusOutOfMemory;
    if (status == CImageStatusOK) fill(map, reader->transparent < 0 ? 0 : reader->transparent, image);
    for (int pass = 0; pass < (frame.Interlace ? 4 : 1) && frame.Width > 0; pass++) {
        int step = frame.Interlace ? steps[pass] : 1;
        for (int y = frame.Interlace ? starts[pass] : 0; y < frame.Height && status == CImageStatusOK; y += step) {
            if (DGifGetLine(gif, row, frame.Width) == GIF_ERROR) {
                status = failure(reader, gif->Error);
                break;
            }
            uint8_t *target = image->pixels + ((size_t)(frame.Top + y) * image->width + (size_t)frame.Left) * 3;
            for (int x = 0; x < frame.Width; x++) write_color(map, row[x], target + 3 * (size_t)x);
        }
    }
    free(row);
    return status;
}

// The canvas, which grows with a picture that reaches beyond it.
static CImageStatus read(GifFileType *gif, Reader *reader, CImageLimits limits, bool header_only) {
    CImageStatus status = find_picture(gif, reader);
    if (status != CImageStatusOK) return status;
    CImage *image = reader->image;
    // All of these come from 16 bits.
    const GifImageDesc frame = gif->Image;
    if (frame.Left < 0 || frame.Top < 0 || frame.Width < 0 || frame.Height < 0 || gif->SWidth < 0 || gif->SHeight < 0) {
        return fail_with(reader, "it has a size below 0");
    }
    int right = frame.Left + frame.Width, bottom = frame.Top + frame.Height;
    image->width = (uint32_t)(right > gif->SWidth ? right : gif->SWidth);
    image->height = (uint32_t)(bottom > gif->SHeight ? bottom : gif->SHeight);
    if (image->width == 0 || image->height == 0) return fail_with(reader, "it has no pixels");
    if (!cimage_fits(image->width, image->height, limits, image)) return CImageStatusTooLarge;
    return header_only ? CImageStatusOK : read_pixels(gif, reader);
}

CImageStatus cimage_read_gif(
    const uint8_t *bytes, size_t count, CImageLimits limits, bool header_only, CImage *image
) {
    Reader reader = {.bytes = bytes, .count = count, .transparent = -1, .image = image};
    int code = 0;
    GifFileType *gif = DGifOpen(&reader, deliver, &code);
    if (!gif) return failure(&reader, code);
    CImageStatus status = read(gif, &reader, limits, header_only);
    DGifCloseFile(gif, &code);
    return status;
}
