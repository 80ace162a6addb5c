import Foundation

/// Reads a file from front to back, unpacking gzip on the way if the file's first bytes say so.
final class ByteStream {
    /// Deflate packs at most 258 bytes into two bits, so no file unpacks to more than 1032 times its size.
    private static let largestGzipRatio = 1032

    let path: String
    /// Bytes read so far, unpacked.
    private(set) var position = 0

    private let file: InputFile
    private let gzip: GzipStream?

    /// - Parameters:
    ///   - allowsGzip: whether a gzip file is unpacked, or read like any other.
    ///   - remedy: how a user gets the file if it is not there.
    init(_ url: URL, allowsGzip: Bool = true, remedy: String) throws(DatasetError) {
        file = try InputFile(url, remedy: remedy)
        path = file.path
        gzip = allowsGzip && file.isGzip ? try GzipStream(file) : nil
        if file.size == 0 { throw .empty(name: path) }
    }

    /// The size in bytes of a file that is not packed; nil if it is.
    var plainSize: Int? { gzip == nil ? file.size : nil }

    /// Refuses a total size that the file cannot hold, before anything that large is allocated.
    func checkPromise(of total: Int) throws(DatasetError) {
        if let size = plainSize {
            if size < total { throw .truncated(path: path, expected: total, found: size) }
            if size > total { throw .trailingBytes(path: path, expected: total) }
        } else if total / Self.largestGzipRatio > file.size {
            throw .unreasonableSize(
                path: path,
                reason: "its header promises \(total) bytes, more than \(file.size) bytes of gzip can hold")
        }
    }

    /// Fills the whole of `target`.
    /// - Parameter total: the size that the file should have, for the message.
    func fill(_ target: UnsafeMutableRawBufferPointer, total: Int) throws(DatasetError) {
        let received = try read(into: target)
        guard received == target.count else {
            throw .truncated(path: path, expected: total, found: position)
        }
    }

    /// The next `count` bytes, all of them.
    func bytes(_ count: Int, total: Int) throws(DatasetError) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: count)
        try result.withUnsafeMutableBufferPointer { (buffer) throws(DatasetError) in
            try fill(UnsafeMutableRawBufferPointer(buffer), total: total)
        }
        return result
    }

    /// Makes sure that nothing follows. For a gzip file this is also what checks the last checksum.
    func expectEnd() throws(DatasetError) {
        let expected = position
        var extra: UInt8 = 0
        let received = try withUnsafeMutableBytes(of: &extra) { (buffer) throws(DatasetError) in
            try read(into: buffer)
        }
        if received > 0 { throw .trailingBytes(path: path, expected: expected) }
    }

    private func read(into target: UnsafeMutableRawBufferPointer) throws(DatasetError) -> Int {
        let received = if let gzip { try gzip.read(into: target) } else { try file.read(into: target) }
        position += received
        return received
    }
}

/// The product of sizes that come from a file.
/// - Throws: ``DatasetError/unreasonableSize(path:reason:)`` if it overflows.
func checkedProduct(_ factors: [Int], path: String) throws(DatasetError) -> Int {
    var product = 1
    for factor in factors {
        let (value, overflow) = product.multipliedReportingOverflow(by: factor)
        if overflow || value < 0 {
            let sizes = factors.map(String.init).joined(separator: " x ")
            throw .unreasonableSize(path: path, reason: "its sizes \(sizes) are more than memory can address")
        }
        product = value
    }
    return product
}
