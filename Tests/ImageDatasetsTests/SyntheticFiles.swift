import CZlib
import Foundation
import ImageDatasets
import NeuralGraph
import TestSupport

extension TemporaryFolder {
    @discardableResult
    func write(_ bytes: [UInt8], to name: String) throws -> URL {
        let file = url.appendingPathComponent(name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
        return file
    }
}

/// An IDX file's header: the magic number and the axes' lengths, all big-endian.
func idxHeader(magic: UInt32, _ sizes: [UInt32]) -> [UInt8] {
    ([magic] + sizes).flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * $0)) } }
}

/// An image file `[count, height, width]` whose pixels count up.
func idxImages(count: Int, height: Int = 2, width: Int = 3) -> [UInt8] {
    idxHeader(magic: 0x803, [UInt32(count), UInt32(height), UInt32(width)])
        + (0..<count * height * width).map { UInt8(truncatingIfNeeded: $0) }
}

/// A label file.
func idxLabels(_ labels: [UInt8]) -> [UInt8] { idxHeader(magic: 0x801, [UInt32(labels.count)]) + labels }

/// Bytes packed by zlib as one gzip member.
func gzip(_ bytes: [UInt8]) -> [UInt8] {
    var stream = z_stream()
    deflateInit2_(
        &stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
        Int32(MemoryLayout<z_stream>.size))
    var input = bytes
    var output = [UInt8](repeating: 0, count: Int(deflateBound(&stream, uLong(bytes.count))))
    let capacity = output.count
    let used = input.withUnsafeMutableBufferPointer { source in
        output.withUnsafeMutableBufferPointer { target in
            stream.next_in = source.baseAddress
            stream.avail_in = UInt32(source.count)
            stream.next_out = target.baseAddress
            stream.avail_out = UInt32(capacity)
            deflate(&stream, Z_FINISH)
            return capacity - Int(stream.avail_out)
        }
    }
    deflateEnd(&stream)
    return Array(output[..<used])
}

/// CIFAR records whose red, green and blue planes hold `base`, `base + 1` and `base + 2`, base = 10 * position,
/// except for the first pixel of the second row, which is 255 in green.
func cifarRecords(labels: [[UInt8]]) -> [UInt8] {
    labels.enumerated().flatMap { position, labels in
        var planes = (0..<3).flatMap { [UInt8](repeating: UInt8(10 * position + $0), count: 1024) }
        planes[1024 + 32] = 255
        return labels + planes
    }
}

/// Images in memory: image i's pixels are all i, its label is `i % classes`.
struct CountingImages: ImageDataset {
    var name = "counting"
    var count: Int
    var imageShape: TensorShape = [2, 2, 1]
    var classes = 3
    var normalization = Normalization(mean: [0], standardDeviation: [1])

    var classNames: [String] { (0..<classes).map { "class \($0)" } }
    func label(at index: Int) -> Int { index % classes }
    func readPixels(at index: Int, into pixels: inout MutableSpan<UInt8>) {
        for position in pixels.indices { pixels[position] = UInt8(truncatingIfNeeded: index) }
    }
}

/// What a call throws, or nil.
func failure(of body: () throws -> Void) -> (any Error)? {
    do {
        try body()
        return nil
    } catch {
        return error
    }
}

/// The data set error that a call throws, or nil; its message must be one line.
func datasetError(of body: () throws -> Void) -> DatasetError? {
    let error = failure(of: body) as? DatasetError
    if let error, error.description.contains("\n") || error.description.isEmpty { return nil }
    return error
}
