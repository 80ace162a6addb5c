import Foundation
import NeuralGraph

/// The reader of the IDX format, for elements of one byte.
///
/// A file is a big-endian magic number `0x00 0x00 type rank`, a 32-bit length for each axis, and the elements in
/// row-major order. Source: LeCun, Cortes and Burges, "The MNIST database".
enum IDXFile {
    private static let labelMagic: UInt32 = 0x0000_0801
    private static let imageMagic: UInt32 = 0x0000_0803
    private static let colorMagic: UInt32 = 0x0000_0804
    private static let largestSide = 1 << 16
    private static let largestChannels = 16

    private static let remedy = "check the path, or fetch the data set"

    /// Reads images `[count, height, width]` or `[count, height, width, channels]`.
    /// - Parameter check: takes the number of images that the header promises, before any of them is read.
    static func images(
        at url: URL, check: (_ count: Int) throws(DatasetError) -> Void
    ) throws(DatasetError) -> (shape: TensorShape, pixels: [UInt8]) {
        let stream = try ByteStream(url, remedy: remedy)
        let sizes = try header(of: stream, accepting: [imageMagic, colorMagic])
        let shape = try imageShape(sizes, path: stream.path)
        return (shape, try payload(of: stream, sizes: sizes, check: check))
    }

    /// Reads labels `[count]`.
    static func labels(at url: URL) throws(DatasetError) -> [UInt8] {
        let stream = try ByteStream(url, remedy: remedy)
        let sizes = try header(of: stream, accepting: [labelMagic])
        return try payload(of: stream, sizes: sizes)
    }

    private static func header(
        of stream: ByteStream, accepting magics: [UInt32]
    ) throws(DatasetError) -> [Int] {
        let magic = try word(of: stream, total: 4 + 4 * Int(magics[0] & 0xff))
        guard magics.contains(magic) else {
            throw .wrongMagic(
                path: stream.path, found: magic, expected: magics[0], remedy: explanation(of: magic))
        }
        let rank = Int(magic & 0xff)
        var sizes: [Int] = []
        for _ in 0..<rank { sizes.append(Int(try word(of: stream, total: 4 + 4 * rank))) }
        if sizes[0] == 0 { throw .empty(name: stream.path) }
        return sizes
    }

    private static func explanation(of magic: UInt32) -> String {
        switch magic {
        case labelMagic: "this is a label file: give the image file here"
        case imageMagic, colorMagic: "this is an image file: give the label file here"
        case let magic where magic >> 16 == 0 && (8...14).contains(magic >> 8):
            "this IDX file has another element type or rank: give bytes, one axis for labels and three for images"
        default: "give an IDX file"
        }
    }

    private static func imageShape(_ sizes: [Int], path: String) throws(DatasetError) -> TensorShape {
        let channels = sizes.count == 4 ? sizes[3] : 1
        guard (1...largestSide).contains(sizes[1]), (1...largestSide).contains(sizes[2]),
            (1...largestChannels).contains(channels)
        else {
            throw .unreasonableSize(
                path: path, reason: "its images are said to be \(sizes[1])x\(sizes[2])x\(channels) in size")
        }
        return [sizes[1], sizes[2], channels]
    }

    private static func payload(
        of stream: ByteStream, sizes: [Int], check: (_ count: Int) throws(DatasetError) -> Void = { _ in }
    ) throws(DatasetError) -> [UInt8] {
        let size = try checkedProduct(sizes, path: stream.path)
        let (total, overflow) = size.addingReportingOverflow(stream.position)
        if overflow { throw .unreasonableSize(path: stream.path, reason: "its size \(size) is out of reach") }
        try stream.checkPromise(of: total)
        try check(sizes[0])
        let bytes = try stream.bytes(size, total: total)
        try stream.expectEnd()
        return bytes
    }

    private static func word(of stream: ByteStream, total: Int) throws(DatasetError) -> UInt32 {
        try stream.bytes(4, total: total).reduce(0) { $0 << 8 | UInt32($1) }
    }
}
