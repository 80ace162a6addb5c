import Foundation
import NeuralGraph

/// Reads a file from front to back, unpacking gzip on the way if the file's first bytes say so.
final class ByteStream {
    /// The largest ratio of a gzip file's unpacked size to its own.
    ///
    /// Images pack to about a fifth. Deflate itself allows 1032, so a file of a few megabytes could fill any memory.
    private static let largestGzipRatio = 100
    /// What any gzip file may unpack to, however small it is: labels in their order pack well.
    private static let smallSize = 1 << 26

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
        } else if total > Self.smallSize, total / Self.largestGzipRatio > file.size {
            throw .unreasonableSize(
                path: path,
                reason:
                    "its header promises \(total) bytes, more than \(Self.largestGzipRatio) times its \(file.size) bytes of "
                    + "gzip; if that is right, unpack it with gunzip")
        }
        try checkMemory(for: total, path: path)
    }

    /// Fills the whole of `target`.
    /// - Parameter total: the size that the file should have, for the message.
    func fill(_ target: UnsafeMutableRawBufferPointer, total: Int) throws(DatasetError) {
        let received = try unsafe read(into: target)
        guard received == target.count else {
            throw .truncated(path: path, expected: total, found: position)
        }
    }

    /// The next `count` bytes, all of them.
    func bytes(_ count: Int, total: Int) throws(DatasetError) -> [UInt8] {
        var failure: DatasetError?
        // Not set to zero first: memory is taken as bytes arrive, and a file may end long before what it promises.
        let result = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
            do throws(DatasetError) {
                try unsafe fill(UnsafeMutableRawBufferPointer(buffer), total: total)
                initializedCount = count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return result
    }

    /// Checks that nothing follows; this also verifies the last checksum of a gzip file.
    func expectEnd() throws(DatasetError) {
        let expected = position
        var extra: UInt8 = 0
        let received = try unsafe withUnsafeMutableBytes(of: &extra) { (buffer) throws(DatasetError) in
            try unsafe read(into: buffer)
        }
        if received > 0 { throw .trailingBytes(path: path, expected: expected) }
    }

    private func read(into target: UnsafeMutableRawBufferPointer) throws(DatasetError) -> Int {
        let received = if let gzip { try unsafe gzip.read(into: target) } else { try unsafe file.read(into: target) }
        position += received
        return received
    }
}

/// Checks that bytes fit into the memory that this program may use before they are allocated.
func checkMemory(for byteCount: Int, path: String) throws(DatasetError) {
    let memory = MemoryLimit.byteCount
    guard byteCount >= 0, byteCount <= memory else {
        throw .unreasonableSize(
            path: path,
            reason: "it takes \(byteCount) bytes of memory, more than the \(memory) that this program may use")
    }
}

/// The product of sizes that come from a file.
/// - Throws: ``DatasetError`` if it overflows.
package func checkedProduct(_ factors: [Int], path: String) throws(DatasetError) -> Int {
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
