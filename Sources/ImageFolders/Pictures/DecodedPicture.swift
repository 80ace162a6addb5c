import CImageCodecs
import Foundation
import ImageDatasets

/// A decoded picture in memory that libpng's or libjpeg's caller has allocated.
@safe package struct DecodedPicture: ~Copyable {
    private var image: CImage

    /// Decodes a file's bytes.
    /// - Parameter path: what messages call the file.
    package init(_ bytes: [UInt8], path: String, limits: PictureLimits) throws(PictureError) {
        unsafe image = unsafe CImage()
        let status = unsafe bytes.withUnsafeBufferPointer {
            unsafe cimage_decode($0.baseAddress, $0.count, CImageLimits(limits), &image)
        }
        if let error = unsafe PictureError(status, image, byteCount: bytes.count, path: path) {
            unsafe cimage_free(&image)
            throw error
        }
    }

    deinit {
        var image = unsafe image
        unsafe cimage_free(&image)
    }

    /// Lends the pixels, turned upright as the file's orientation says.
    package func withUprightPixels<Result>(_ body: (PixelView) -> Result) -> Result {
        // The pixels are there: decoding without them is an error.
        let pixels = unsafe UnsafeBufferPointer(
            start: image.pixels, count: Int(image.width) * Int(image.height) * PixelView.channels)
        return unsafe body(
            PixelView(
                pixels, width: Int(image.width), height: Int(image.height), orientation: Int(image.orientation)))
    }

    /// Reads a file and decodes it.
    package static func read(_ path: String, limits: PictureLimits) throws(PictureError) -> DecodedPicture {
        try DecodedPicture(try fileBytes(path, limits: limits), path: path, limits: limits)
    }

    /// Checks a file as far as its header goes, mostly without reading all of it.
    package static func check(_ path: String, limits: PictureLimits) throws(PictureError) {
        // Behind a profile or a preview, the header may lie further back.
        let lengths = [1 << 16, Int.max]
        for length in lengths {
            let bytes = try fileBytes(path, limits: limits, atMost: length)
            var image = unsafe CImage()
            let status = unsafe bytes.withUnsafeBufferPointer {
                unsafe cimage_read_header($0.baseAddress, $0.count, CImageLimits(limits), &image)
            }
            if status == CImageStatusTruncated, bytes.count == length { continue }
            if let error = unsafe PictureError(status, image, byteCount: bytes.count, path: path) { throw error }
            return
        }
    }

    private static func fileBytes(
        _ path: String, limits: PictureLimits, atMost length: Int = .max
    ) throws(PictureError) -> [UInt8] {
        do throws(DatasetError) {
            let file = try InputFile(URL(fileURLWithPath: path), remedy: "")
            guard file.size <= limits.fileBytes else {
                throw DatasetError.unreasonableSize(
                    path: path, reason: "\(file.size) bytes are more than the limit of \(limits.fileBytes)")
            }
            var failure: DatasetError?
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: min(file.size, length)) { buffer, count in
                do throws(DatasetError) {
                    count = try unsafe file.read(into: UnsafeMutableRawBufferPointer(buffer))
                } catch {
                    failure = error
                }
            }
            if let failure { throw failure }
            return bytes
        } catch {
            throw PictureError(error, path: path)
        }
    }
}

extension CImageLimits {
    fileprivate init(_ limits: PictureLimits) {
        self.init(
            pixels: max(0, limits.pixels), side: PictureLimits.side, bytes: max(0, limits.bytes))
    }
}

extension PictureError {
    /// nil if all went well.
    fileprivate init?(_ status: CImageStatus, _ image: CImage, byteCount: Int, path: String) {
        let reason = unsafe withUnsafeBytes(of: image.message) {
            unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        switch status {
        case CImageStatusOK: return nil
        case CImageStatusNotAPicture: self = byteCount == 0 ? .empty(path: path) : .notAPicture(path: path)
        case CImageStatusTruncated: self = .truncated(path: path)
        case CImageStatusTooLarge: self = .tooLarge(path: path, reason: reason)
        case CImageStatusOutOfMemory: self = .outOfMemory(path: path)
        default: self = .damaged(path: path, reason: reason)
        }
    }

    fileprivate init(_ error: DatasetError, path: String) {
        let reason = error.reason ?? "\(error)"
        self =
            error.code == .unreasonableSize
            ? .tooLarge(path: path, reason: reason) : .unreadable(path: path, reason: reason)
    }
}

/// The libraries that decode pictures.
package enum PictureLibraries {
    /// Their names and versions, such as `libpng` and `1.6.43`.
    package static var versions: [(name: String, version: String)] {
        [
            ("libpng", CImageFormatPNG), ("libjpeg-turbo", CImageFormatJPEG), ("libwebp", CImageFormatWebP),
            ("giflib", CImageFormatGIF),
        ].map { unsafe ($0, cimage_library_version($1).map { unsafe String(cString: $0) } ?? "unknown") }
    }
}
