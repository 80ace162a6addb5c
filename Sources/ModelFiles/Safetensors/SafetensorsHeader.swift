import NeuralGraph

/// The JSON header of a safetensors file: where each tensor lies in the bytes that follow.
struct SafetensorsHeader {
    struct Entry: Sendable {
        let name: String
        let scalarType: SafetensorsFile.ScalarType
        let shape: TensorShape
        /// Where the tensor's bytes lie after the header.
        let bytes: Range<Int>
    }

    /// A problem with a header, before its file is known.
    struct Problem: Error {
        let message: String
        init(_ message: String) { self.message = message }
    }

    /// The tensors in the header's order.
    private(set) var entries: [Entry] = []
    /// Where a name's tensor is among them.
    private(set) var places: [String: Int] = [:]
    private(set) var metadata: [String: String] = [:]
    private var hasMetadata = false

    /// The usual minimum length of a tensor's description, in bytes.
    private static let usualEntryLength = 70

    /// Reads a header by the format's grammar, which is a part of JSON: every key must be known.
    init(_ bytes: [UInt8], dataCount: Int) throws(Problem) {
        var scanner = HeaderScanner(bytes)
        guard bytes.first == UInt8(ascii: "{") else {
            throw Problem("the header does not begin with '{'; this is not a safetensors file")
        }
        // Growing tables would be copied many times.
        let expected = bytes.count / Self.usualEntryLength
        entries.reserveCapacity(expected)
        places.reserveCapacity(expected)
        try scanner.object { (name, scanner) throws(Problem) in
            if name == "__metadata__" {
                guard !hasMetadata else { throw Problem("the header has '__metadata__' twice") }
                hasMetadata = true
                metadata = try Self.metadata(&scanner)
            } else {
                guard places.updateValue(entries.count, forKey: name) == nil else {
                    throw Problem("the header has tensor \(quoted(name)) twice")
                }
                entries.append(try Self.entry(name, &scanner))
            }
        }
        try scanner.end()
        try checkCoverage(dataCount: dataCount)
    }

    private static func metadata(_ scanner: inout HeaderScanner) throws(Problem) -> [String: String] {
        var result: [String: String] = [:]
        try scanner.object { (key, scanner) throws(Problem) in
            guard result[key] == nil else { throw Problem("'__metadata__' has the key \(quoted(key)) twice") }
            guard scanner.peek == UInt8(ascii: "\"") else {
                throw Problem("'__metadata__' must map to strings, and \(quoted(key)) does not")
            }
            result[key] = try scanner.string()
        }
        return result
    }

    private static func entry(_ name: String, _ scanner: inout HeaderScanner) throws(Problem) -> Entry {
        // Built for messages only: a header may have a million tensors.
        var tensor: String { "tensor \(quoted(name))" }
        var type: String?
        var shape: [Int]?
        var offsets: [Int]?
        guard scanner.peek == UInt8(ascii: "{") else {
            throw Problem("\(tensor) is not described by an object")
        }
        try scanner.object { (key, scanner) throws(Problem) in
            let isNew: Bool
            switch key {
            case "dtype":
                isNew = type == nil
                type = try scanner.string()
            case "shape":
                isNew = shape == nil
                shape = try scanner.integers({ "the shape of \(tensor)" }, atMost: 32)
            case "data_offsets":
                isNew = offsets == nil
                offsets = try scanner.integers({ "the data_offsets of \(tensor)" }, atMost: 2)
            default: throw Problem("\(tensor) has the unknown key \(quoted(key))")
            }
            if !isNew { throw Problem("\(tensor) has the key '\(key)' twice") }
        }
        guard let type, let shape, let offsets else {
            let missing = type == nil ? "dtype" : shape == nil ? "shape" : "data_offsets"
            throw Problem("\(tensor) has no \(missing)")
        }
        guard let scalarType = SafetensorsFile.ScalarType(rawValue: type) else {
            throw Problem("\(tensor) has the unknown dtype \(quoted(type))")
        }
        guard offsets.count == 2 else {
            throw Problem("\(tensor) must have 2 data_offsets, not \(offsets.count)")
        }
        guard offsets[0] <= offsets[1] else {
            throw Problem("\(tensor) ends at byte \(offsets[1]), before it begins at \(offsets[0])")
        }
        let expected = try byteCount(of: shape, scalarType) { tensor }
        guard offsets[1] - offsets[0] == expected else {
            throw Problem(
                "\(tensor) has \(offsets[1] - offsets[0]) bytes, but \(scalarType.rawValue) of shape "
                    + "\(shape) takes \(expected)")
        }
        return Entry(
            name: name, scalarType: scalarType, shape: TensorShape(shape), bytes: offsets[0]..<offsets[1])
    }

    private static func byteCount(
        of shape: [Int], _ type: SafetensorsFile.ScalarType, _ tensor: () -> String
    ) throws(Problem) -> Int {
        var product = type.byteCount
        for length in shape {
            // Axes of length 0 count as 1 here, so that no product of some of the axes overflows anywhere.
            let (next, overflow) = product.multipliedReportingOverflow(by: max(1, length))
            guard !overflow else { throw Problem("\(tensor()) has the shape \(shape), which no memory holds") }
            product = next
        }
        return shape.contains(0) ? 0 : product
    }

    /// The format wants every byte to belong to exactly one tensor: a file that leaves some out could hide others.
    private func checkCoverage(dataCount: Int) throws(Problem) {
        // Most files are in order. Where one is not, only numbers are sorted: with names and shapes it would take seconds.
        var order = entries.indices.map { (entries[$0].bytes.lowerBound, entries[$0].bytes.upperBound, $0) }
        if !zip(order, order.dropFirst()).allSatisfy({ $0 <= $1 }) { order.sort(by: <) }
        var end = 0
        for (lower, upper, index) in order {
            var tensor: String { "tensor \(quoted(entries[index].name))" }
            guard upper <= dataCount else {
                throw Problem(
                    "\(tensor) ends at byte \(upper) of the data, but the file has \(dataCount); it is cut off or not what "
                        + "its header says")
            }
            guard lower >= end else {
                throw Problem("\(tensor) overlaps another tensor at byte \(lower) of the data")
            }
            guard lower == end else { throw Problem("bytes \(end) to \(lower) of the data belong to no tensor") }
            end = upper
        }
        guard end == dataCount else {
            throw Problem("bytes \(end) to \(dataCount) of the data belong to no tensor")
        }
    }
}
