import ModelFiles

/// The storage format of an ML program's weights: a header of 64 bytes, then blobs, each with a record of 64 bytes in front
/// of it, everything at multiples of 64 bytes.
///
/// The header has the number of blobs and the version (2), 32 bits each. A record has the mark `0xDEADBEEF` and the element
/// type, 32 bits each, then the number of bytes and where they begin, 64 bits each.
enum WeightFile {
    static let alignment = 64
    static let version: UInt32 = 2
    static let mark: UInt32 = 0xDEAD_BEEF

    /// Where a blob's numbers lie.
    /// - Parameters:
    ///   - file: the weight file.
    ///   - record: where the blob's record lies.
    ///   - byteCount: how many bytes its tensor needs.
    ///   - type: the number of its element type.
    ///   - place: the tensor for messages.
    static func find(
        in file: RandomAccessFile, record: Int, byteCount: Int, type: Int, of place: String
    ) throws -> Int {
        guard record >= alignment, record % alignment == 0, file.size >= alignment, record <= file.size - alignment
        else {
            throw ONNXProblem(
                "\(place) has its record at byte \(record) of the weight file, which has \(file.size) bytes and records at "
                    + "multiples of \(alignment); the package is damaged")
        }
        let header = words(try file.bytes(0..<8))
        guard header == [header.first ?? 0, version] else {
            throw ONNXProblem(
                "the weight file has version \(header.last ?? 0), and \(version) is read; convert the model by coremltools 5 "
                    + "or newer")
        }
        let bytes = try file.bytes(record..<(record + alignment))
        let words = words(bytes)
        guard words[0] == mark else {
            throw ONNXProblem(
                "\(place) has no blob record at byte \(record) of the weight file: its mark is missing; the package is damaged"
            )
        }
        guard words[1] == UInt32(type) else {
            throw ONNXProblem(
                "\(place) is declared with another element type than its blob has (\(words[1]), not \(type)); the package is "
                    + "damaged, or its weights are compressed, which is not read")
        }
        let size = UInt64(words[2]) | UInt64(words[3]) << 32
        let offset = UInt64(words[4]) | UInt64(words[5]) << 32
        guard size == UInt64(byteCount) else {
            throw ONNXProblem("\(place) takes \(byteCount) bytes, but its blob has \(size); the package is damaged")
        }
        guard offset >= UInt64(record + alignment), offset <= UInt64(file.size), size <= UInt64(file.size) - offset
        else {
            throw ONNXProblem(
                "\(place) lies at byte \(offset) of the weight file and takes \(size), but that file has \(file.size); it is "
                    + "cut off or damaged")
        }
        return Int(offset)
    }

    /// Little-endian words of 32 bits.
    private static func words(_ bytes: [UInt8]) -> [UInt32] {
        stride(from: 0, to: bytes.count - 3, by: 4).map { start in
            (0..<4).reduce(0) { $0 | UInt32(bytes[start + $1]) << UInt32(8 * $1) }
        }
    }

    /// Writes blobs one after the other.
    struct Writer {
        private(set) var bytes = [UInt8](repeating: 0, count: WeightFile.alignment)
        private var count: UInt32 = 0

        /// Appends a blob.
        /// - Returns: where its record lies.
        mutating func append(_ elements: [Float]) -> Int {
            align()
            let record = bytes.count
            var writer = WireWriter()
            writer.append(WeightFile.mark)
            writer.append(UInt32(2))
            writer.append(UInt64(4 * elements.count))
            writer.append(UInt64(record + WeightFile.alignment))
            bytes += writer.bytes
            align()
            var numbers = WireWriter()
            for element in elements { numbers.append(element.bitPattern) }
            bytes += numbers.bytes
            count += 1
            return record
        }

        /// The whole file.
        func finished() -> [UInt8] {
            var header = WireWriter()
            header.append(count)
            header.append(WeightFile.version)
            return header.bytes + bytes.dropFirst(header.bytes.count)
        }

        private mutating func align() {
            bytes += [UInt8](
                repeating: 0, count: (WeightFile.alignment - bytes.count % WeightFile.alignment) % WeightFile.alignment)
        }
    }
}
