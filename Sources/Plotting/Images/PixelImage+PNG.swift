import CZlib
import Foundation

extension PixelImage {
    /// The picture as a PNG file (ISO/IEC 15948): 8 bits a channel, no filter.
    package var png: [UInt8] {
        var header = Self.bigEndian(UInt32(clamping: width)) + Self.bigEndian(UInt32(clamping: height))
        header += [8, isColored ? 2 : 0, 0, 0, 0]
        return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
            + Self.chunk("IHDR", header) + Self.chunk("IDAT", Self.compressed(scanlines)) + Self.chunk("IEND", [])
    }

    /// The picture as an address that needs no file.
    package var dataURI: String { "data:image/png;base64,\(Data(png).base64EncodedString())" }

    /// Rows, each after a byte that says that it is not filtered.
    private var scanlines: [UInt8] {
        let stride = bytes.count / height
        return (0..<height).flatMap { [0] + bytes[$0 * stride..<($0 + 1) * stride] }
    }

    private static func chunk(_ name: String, _ content: [UInt8]) -> [UInt8] {
        let body = Array(name.utf8) + content
        let sum = UInt32(truncatingIfNeeded: crc32(0, body, uInt(body.count)))
        return bigEndian(UInt32(content.count)) + body + bigEndian(sum)
    }

    private static func compressed(_ bytes: [UInt8]) -> [UInt8] {
        var size = compressBound(uLong(bytes.count))
        var result = [UInt8](repeating: 0, count: Int(size))
        // With room for the bound it cannot fail but for want of memory.
        let code = compress2(&result, &size, bytes, uLong(bytes.count), Z_BEST_COMPRESSION)
        precondition(code == Z_OK, "zlib ran out of memory")
        return Array(result.prefix(Int(size)))
    }

    private static func bigEndian(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
    }
}
