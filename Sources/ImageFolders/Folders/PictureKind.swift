import CImageCodecs
package import Foundation

/// What a file of a folder is to a data set of pictures.
enum PictureKind: Equatable {
    /// A picture, or a file with a picture's name, which is an error if it is not one.
    case picture
    /// A picture of a format that is not read.
    case notRead(format: String)
    /// No picture.
    case other

    /// The formats that are read, in a message.
    static let readFormats = "PNG, JPEG, WebP, GIF or BMP"

    /// The endings of names of formats that are read.
    private static let readEndings: Set<String> = [
        "jpg", "jpeg", "jpe", "jfif", "png", "apng", "webp", "gif", "bmp", "dib",
    ]

    /// The formats of pictures that are not read, by the endings of names.
    private static let otherFormats: [String: String] = [
        "tif": "TIFF", "tiff": "TIFF", "heic": "HEIC", "heif": "HEIC", "hif": "HEIC", "avif": "AVIF", "jxl": "JPEG XL",
        "jp2": "JPEG 2000", "j2k": "JPEG 2000", "jpf": "JPEG 2000", "jpx": "JPEG 2000", "j2c": "JPEG 2000",
        "ico": "ICO",
        "cur": "ICO", "icns": "ICNS", "svg": "SVG", "svgz": "SVG", "eps": "EPS", "ppm": "Netpbm", "pgm": "Netpbm",
        "pbm": "Netpbm", "pnm": "Netpbm", "pam": "Netpbm", "pfm": "Netpbm", "psd": "PSD", "tga": "TGA", "pcx": "PCX",
        "dds": "DDS", "exr": "OpenEXR", "hdr": "Radiance HDR", "qoi": "QOI", "xcf": "XCF", "dng": "camera raw",
        "cr2": "camera raw", "cr3": "camera raw", "nef": "camera raw", "arw": "camera raw", "orf": "camera raw",
        "rw2": "camera raw", "raf": "camera raw", "pef": "camera raw", "srw": "camera raw",
    ]

    /// Determines a file's kind by its first bytes, then by its name.
    init(of file: FolderListing.Entry) {
        let parts = file.name.split(separator: ".")
        let ending = parts.count > 1 ? parts[parts.count - 1].lowercased() : ""
        if Self.readEndings.contains(ending) || Self.beginsAsPicture(file.path) {
            self = .picture
        } else if let format = Self.otherFormats[ending] {
            self = .notRead(format: format)
        } else {
            self = .other
        }
    }

    private static func beginsAsPicture(_ path: String) -> Bool {
        // Not blocking: opening a pipe would wait for its writer for ever.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 18)
        let count = unsafe pread(descriptor, &bytes, bytes.count, 0)
        return unsafe count > 0 && cimage_format(bytes, count) != CImageFormatNone
    }
}

/// Pictures of a format that is not read.
package struct UnreadPictures: Sendable, Equatable {
    /// The format, such as `TIFF`, by the files' names.
    package let format: String
    /// How many files there are.
    package internal(set) var count: Int
    /// The first of them, in the order in which folders are listed.
    package let first: URL

    /// The pictures in words.
    var text: String { "\(count) \(format) \(count == 1 ? "picture" : "pictures")" }
}
