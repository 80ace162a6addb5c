#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "Codecs.h"

// A progressive picture of a few bytes can ask for any number of passes over all of its pixels.
enum { most_scans = 500 };

typedef struct {
    struct jpeg_decompress_struct decoder;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    CImage *image;
    CImageLimits limits;
    CImageStatus status;
    uint8_t *row;
    jmp_buf escape;
} Reader;

static Reader *reader_of(j_common_ptr decoder) { return decoder->client_data; }

_Noreturn static void fail(j_common_ptr decoder) {
    Reader *reader = reader_of(decoder);
    if (reader->status == CImageStatusOK) {
        char message[JMSG_LENGTH_MAX];
        decoder->err->format_message(decoder, message);
        int code = decoder->err->msg_code;
        reader->status = code == JERR_OUT_OF_MEMORY ? CImageStatusOutOfMemory : CImageStatusDamaged;
        if (code == JERR_NO_BACKING_STORE) {
            reader->status = CImageStatusTooLarge;
            snprintf(
                message, sizeof message, "decoding takes more than the limit of %zu bytes", reader->limits.bytes);
        }
        snprintf(reader->image->message, sizeof reader->image->message, "%s", message);
    }
    longjmp(reader->escape, 1);
}

_Noreturn static void fail_with(Reader *reader, CImageStatus status, const char *message) {
    reader->status = status;
    snprintf(reader->image->message, sizeof reader->image->message, "%s", message);
    fail((j_common_ptr)&reader->decoder);
}

static void ignore_message(j_common_ptr decoder) { (void)decoder; }

static void ignore_warning(j_common_ptr decoder, int level) {
    if (level < 0) decoder->err->num_warnings++;
}

static void ignore_source(j_decompress_ptr decoder) { (void)decoder; }

// All bytes are there from the start: to need more is to be cut short. libjpeg's own source makes up an end instead.
static boolean refuse_more(j_decompress_ptr decoder) {
    fail_with(reader_of((j_common_ptr)decoder), CImageStatusTruncated, "");
}

static void skip(j_decompress_ptr decoder, long count) {
    if (count <= 0) return;
    if ((size_t)count > decoder->src->bytes_in_buffer) refuse_more(decoder);
    decoder->src->next_input_byte += count;
    decoder->src->bytes_in_buffer -= (size_t)count;
}

static void count_scans(j_common_ptr decoder) {
    if (((j_decompress_ptr)decoder)->input_scan_number > most_scans) {
        fail_with(reader_of(decoder), CImageStatusTooLarge, "it has more than 500 scans");
    }
}

static void start(Reader *reader, const uint8_t *bytes, size_t count) {
    j_decompress_ptr decoder = &reader->decoder;
    decoder->client_data = reader;
    jpeg_create_decompress(decoder);
    // jpeg_create_decompress keeps client_data and err, and clears the rest.
    reader->source = (struct jpeg_source_mgr){
        .next_input_byte = bytes, .bytes_in_buffer = count, .init_source = ignore_source,
        .fill_input_buffer = refuse_more, .skip_input_data = skip,
        .resync_to_restart = jpeg_resync_to_restart, .term_source = ignore_source};
    decoder->src = &reader->source;
    reader->progress.progress_monitor = count_scans;
    decoder->progress = &reader->progress;
    jpeg_save_markers(decoder, JPEG_APP0 + 1, 0xffff);
}

static void read_orientation(j_decompress_ptr decoder, CImage *image) {
    for (jpeg_saved_marker_ptr marker = decoder->marker_list; marker; marker = marker->next) {
        if (marker->marker != JPEG_APP0 + 1 || marker->data_length < 6) continue;
        if (memcmp(marker->data, "Exif\0", 6) != 0) continue;
        image->orientation = cimage_orientation(marker->data + 6, marker->data_length - 6);
        return;
    }
}

// Inverted CMYK, as Adobe writes it and Pillow takes it: every value is 255 less the ink.
static void write_row_from_cmyk(const uint8_t *row, uint32_t width, uint8_t *target) {
    for (uint32_t x = 0; x < width; x++) {
        unsigned light = row[4 * x + 3];
        for (int channel = 0; channel < 3; channel++) {
            unsigned product = (255u - row[4 * x + channel]) * light + 128;
            unsigned dimmed = ((product >> 8) + product) >> 8;
            target[3 * x + channel] = (uint8_t)(light - dimmed);
        }
    }
}

static void read_pixels(Reader *reader) {
    j_decompress_ptr decoder = &reader->decoder;
    CImage *image = reader->image;
    size_t row = (size_t)image->width * 3;
    bool is_cmyk = decoder->jpeg_color_space == JCS_CMYK || decoder->jpeg_color_space == JCS_YCCK;
    if (decoder->jpeg_color_space == JCS_UNKNOWN) {
        fail_with(reader, CImageStatusDamaged, "its colors are neither gray, RGB nor CMYK");
    }
    decoder->out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
    size_t left = reader->limits.bytes - row * image->height;
    decoder->mem->max_memory_to_use = left > 0x7fffffff ? 0x7fffffff : left < 1 ? 1 : (long)left;
    image->pixels = calloc(image->height, row);
    if (is_cmyk) reader->row = malloc((size_t)image->width * 4);
    if (!image->pixels || (is_cmyk && !reader->row)) fail_with(reader, CImageStatusOutOfMemory, "");
    jpeg_start_decompress(decoder);
    if (decoder->output_width != image->width || decoder->output_height != image->height ||
        decoder->output_components != (is_cmyk ? 4 : 3)) {
        fail_with(reader, CImageStatusDamaged, "its rows have an unexpected length");
    }
    while (decoder->output_scanline < decoder->output_height) {
        uint8_t *target = image->pixels + decoder->output_scanline * row;
        JSAMPROW rows[1] = {is_cmyk ? reader->row : target};
        jpeg_read_scanlines(decoder, rows, 1);
        if (is_cmyk) write_row_from_cmyk(reader->row, image->width, target);
    }
    jpeg_finish_decompress(decoder);
}

// Every error of libjpeg ends here. What changes in between is in `reader`, none of it in this function's own variables,
// which longjmp would leave undefined.
static void read(Reader *reader, const uint8_t *bytes, size_t count, bool header_only) {
    if (setjmp(reader->escape) != 0) return;
    start(reader, bytes, count);
    jpeg_read_header(&reader->decoder, TRUE);
    CImage *image = reader->image;
    image->width = reader->decoder.image_width;
    image->height = reader->decoder.image_height;
    read_orientation(&reader->decoder, image);
    if (!cimage_fits(image->width, image->height, reader->limits, image)) {
        reader->status = CImageStatusTooLarge;
        return;
    }
    if (!header_only) read_pixels(reader);
}

CImageStatus cimage_read_jpeg(
    const uint8_t *bytes, size_t count, CImageLimits limits, bool header_only, CImage *image
) {
    Reader reader;
    memset(&reader, 0, sizeof reader);
    reader.image = image;
    reader.limits = limits;
    reader.decoder.err = jpeg_std_error(&reader.errors);
    reader.errors.error_exit = fail;
    reader.errors.output_message = ignore_message;
    reader.errors.emit_message = ignore_warning;
    read(&reader, bytes, count, header_only);
    jpeg_destroy_decompress(&reader.decoder);
    free(reader.row);
    return reader.status;
}
