// Pictures in memory, decoded within limits that the caller gives: PNG by libpng, JPEG by libjpeg-turbo, WebP by libwebp, GIF
// by giflib, and BMP here.
//
// libpng and libjpeg report errors by longjmp; none leaves these functions. They keep no state and may be called on several
// threads at the same time.
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef enum {
    CImageStatusOK,
    /// The bytes begin as none of the formats.
    CImageStatusNotAPicture,
    /// The bytes end before the picture does.
    CImageStatusTruncated,
    /// The library refuses the bytes; `message` says why.
    CImageStatusDamaged,
    /// The picture is beyond a limit; `message` says which.
    CImageStatusTooLarge,
    /// The system has no memory to give.
    CImageStatusOutOfMemory,
} CImageStatus;

typedef enum {
    CImageFormatNone,
    CImageFormatPNG,
    CImageFormatJPEG,
    CImageFormatWebP,
    CImageFormatGIF,
    CImageFormatBMP,
} CImageFormat;

typedef struct {
    /// The most pixels of a picture.
    size_t pixels;
    /// The most pixels of a row or a column.
    size_t side;
    /// The most bytes that decoding may take, the picture's own among them.
    size_t bytes;
} CImageLimits;

typedef struct {
    CImageFormat format;
    uint32_t width;
    uint32_t height;
    /// EXIF's orientation, 1 to 8; 1, the upright one, if the file does not say.
    int orientation;
    /// `[height, width, 3]`: red, green, blue, as stored, before the orientation. Null unless decoded.
    uint8_t *pixels;
    char message[200];
} CImage;

/// The format by the first bytes, of which 18 are enough.
CImageFormat cimage_format(const uint8_t *bytes, size_t count);

/// Reads the picture's size; `image->pixels` stays null, and the orientation may not be known yet.
CImageStatus cimage_read_header(const uint8_t *bytes, size_t count, CImageLimits limits, CImage *image);

/// Decodes the picture, of a GIF file the first. Gray becomes color, alpha is dropped, of 16 bits the upper eight are kept, and CMYK is taken as
/// Adobe stores it, inverted. `image` has to be freed, whatever the status.
CImageStatus cimage_decode(const uint8_t *bytes, size_t count, CImageLimits limits, CImage *image);

/// The version of the format's library, such as "1.6.43", that is loaded or, where it does not say, that was compiled against; null
/// for a format without a library.
const char *cimage_library_version(CImageFormat format);

/// Frees what decoding has allocated.
void cimage_free(CImage *image);
