import CZlib

/// Unpacks a gzip file piece by piece through zlib, checksums included.
///
/// It writes only where it is told to, so that a small file that unpacks to gigabytes costs no memory: the caller
/// asks for what the header promises and no more.
@safe final class GzipStream {
    private static let inputCapacity = 1 << 16

    private let file: InputFile
    private let input: UnsafeMutableRawBufferPointer
    // zlib keeps a pointer back to its stream, which therefore must not move.
    private let stream: UnsafeMutablePointer<z_stream>
    private var isBetweenMembers = false

    init(_ file: InputFile) throws(DatasetError) {
        self.file = file
        unsafe input = .allocate(byteCount: Self.inputCapacity, alignment: 16)
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        // 15 bits are the largest window; 16 more ask for gzip's header and trailer.
        let code = unsafe inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard code == Z_OK else { throw .unreadable(path: file.path, reason: "zlib does not start: \(code)") }
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
        unsafe input.deallocate()
    }

    /// Unpacks the next bytes: fewer than asked for only at the end.
    /// - Throws: ``DatasetError``, also if the file ends too early.
    func read(into target: UnsafeMutableRawBufferPointer) throws(DatasetError) -> Int {
        var total = 0
        while total < target.count, let base = target.baseAddress {
            if unsafe stream.pointee.avail_in == 0 { try refill() }
            if isBetweenMembers {
                if unsafe stream.pointee.avail_in == 0 { break }
                unsafe inflateReset(stream)
                isBetweenMembers = false
            }
            let room = min(target.count - total, 1 << 30)
            unsafe stream.pointee.next_out = unsafe (base + total).assumingMemoryBound(to: Bytef.self)
            unsafe stream.pointee.avail_out = UInt32(room)
            let code = unsafe inflate(stream, Z_NO_FLUSH)
            unsafe total += room - Int(stream.pointee.avail_out)
            try check(code)
        }
        return total
    }

    private func refill() throws(DatasetError) {
        let received = try unsafe file.read(into: input)
        unsafe stream.pointee.next_in = unsafe input.baseAddress?.assumingMemoryBound(to: Bytef.self)
        unsafe stream.pointee.avail_in = UInt32(received)
    }

    private func check(_ code: Int32) throws(DatasetError) {
        switch code {
        case Z_OK: return
        case Z_STREAM_END: isBetweenMembers = true
        // No progress although there was room and input had been asked for: the file is over.
        case Z_BUF_ERROR: throw .corruptGzip(path: file.path, reason: "it ends too early")
        default:
            let message = unsafe stream.pointee.msg.map { unsafe String(cString: $0) }
            throw .corruptGzip(path: file.path, reason: message ?? "zlib error \(code)")
        }
    }
}

/// The zlib that is loaded.
package enum ZlibLibrary {
    /// Its version, such as `1.3.1`.
    package static var version: String { unsafe zlibVersion().map { unsafe String(cString: $0) } ?? "unknown" }
}
