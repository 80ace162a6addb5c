import Foundation
import NeuralGraph

/// The reader of the binary version of CIFAR-10 and CIFAR-100: records of a few label bytes followed by 32x32 red,
/// 32x32 green and 32x32 blue bytes.
struct CIFARFiles {
    /// `[height, width, channels]` of every image.
    static let shape: TensorShape = [32, 32, 3]
    private static let largestNameFile = 1 << 16
    /// The most records of a file; CIFAR's own have 50,000 or fewer.
    private static let largestCount = 1_000_000

    /// The folder that holds the files: the one given, or its subfolder that the archive makes.
    let directory: URL
    private let remedy: String

    init(directory: URL, subfolder: String, archive: String) throws(DatasetError) {
        remedy = "unpack \(archive) from https://www.cs.toronto.edu/~kriz/cifar.html and give its folder"
        try checkDirectory(directory, remedy: remedy)
        let inner = directory.appendingPathComponent(subfolder, isDirectory: true)
        var isDirectory: ObjCBool = false
        let hasInner = unsafe FileManager.default.fileExists(atPath: inner.path, isDirectory: &isDirectory)
        self.directory = hasInner && isDirectory.boolValue ? inner : directory
    }

    /// Which of these files are there.
    func present(_ names: [String]) -> [URL] {
        names.map { directory.appendingPathComponent($0) }.filter { FileManager.default.fileExists(atPath: $0.path) }
    }

    /// Reads record files, one after the other.
    /// - Parameters:
    ///   - labelBytes: how many label bytes a record begins with.
    ///   - labelByte: which of them is the label.
    func images(
        _ files: [String], labelBytes: Int, labelByte: Int, classes: Int
    ) throws(DatasetError) -> PackedImages {
        var pixels: [UInt8] = []
        var labels: [UInt8] = []
        for file in files {
            let url = directory.appendingPathComponent(file)
            let stream = try ByteStream(url, allowsGzip: false, remedy: remedy)
            let record = labelBytes + Self.shape.count
            let size = stream.plainSize ?? 0
            let count = size / record
            guard count > 0, size % record == 0 else {
                throw .truncated(path: url.path, expected: (count + 1) * record, found: size)
            }
            guard count <= Self.largestCount else {
                throw .unreasonableSize(
                    path: url.path,
                    reason: "\(size) bytes are \(count) records, more than the limit of \(Self.largestCount)")
            }
            // Once as they are in the file, and once as pixels.
            try checkMemory(for: pixels.count + 2 * size, path: url.path)
            let bytes = try stream.bytes(size, total: size)
            try stream.expectEnd()
            pixels.reserveCapacity(count * files.count * Self.shape.count)
            for index in 0..<count {
                let label = bytes[index * record + labelByte]
                guard label < classes else {
                    throw .labelOutOfRange(path: url.path, index: index, label: Int(label), classes: classes)
                }
                labels.append(label)
            }
            Self.appendInterleaved(bytes, record: record, skipping: labelBytes, to: &pixels)
        }
        return PackedImages(shape: Self.shape, pixels: pixels, labels: labels)
    }

    /// The lines of a file of class names; nil if there is no such file.
    func classNames(in file: String, count: Int) throws(DatasetError) -> [String]? {
        let url = directory.appendingPathComponent(file)
        guard FileManager.default.fileExists(atPath: url.path) else { return nil }
        let stream = try ByteStream(url, allowsGzip: false, remedy: remedy)
        let size = stream.plainSize ?? 0
        guard size <= Self.largestNameFile else {
            throw .unreasonableSize(path: url.path, reason: "\(size) bytes are too many for a list of names")
        }
        let text = String(decoding: try stream.bytes(size, total: size), as: UTF8.self)
        let names = text.split(whereSeparator: \.isNewline)
            .map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty }
        guard names.count == count else {
            throw .classNameCount(path: url.path, found: names.count, expected: count)
        }
        return names
    }

    /// Planes `[C, H, W]` to pixels `[H, W, C]`, record by record.
    private static func appendInterleaved(
        _ bytes: [UInt8], record: Int, skipping labelBytes: Int, to pixels: inout [UInt8]
    ) {
        let plane = shape.positions
        let count = bytes.count / record
        let start = pixels.count
        pixels.append(contentsOf: repeatElement(0, count: count * shape.count))
        unsafe pixels.withUnsafeMutableBufferPointer { target in
            unsafe bytes.withUnsafeBufferPointer { source in
                for index in 0..<count {
                    let from = index * record + labelBytes
                    let to = start + index * shape.count
                    for position in 0..<plane {
                        unsafe target[to + 3 * position] = unsafe source[from + position]
                        unsafe target[to + 3 * position + 1] = unsafe source[from + plane + position]
                        unsafe target[to + 3 * position + 2] = unsafe source[from + 2 * plane + position]
                    }
                }
            }
        }
    }
}
