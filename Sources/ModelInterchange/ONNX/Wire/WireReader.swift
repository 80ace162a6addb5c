/// Reads one message of the protobuf wire format (https://protobuf.dev/programming-guides/encoding) field by field. It
/// keeps nothing but a place in the bytes, so that its memory does not depend on what they say.
struct WireReader {
    /// One field of a message.
    struct Field {
        let number: Int
        let value: Value
        /// Where the field lies, its tag included.
        let bytes: Range<Int>
    }

    enum Value {
        case varint(UInt64)
        case fixed64(UInt64)
        case fixed32(UInt32)
        /// A string, message or packed list by where its content lies.
        case content(Range<Int>)
    }

    private let bytes: [UInt8]
    private(set) var position: Int
    private let end: Int

    /// Starts reading the message that lies in a part of the bytes.
    init(_ bytes: [UInt8], in range: Range<Int>) {
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    /// The next field, nil at the end of the message.
    mutating func next() throws(ONNXProblem) -> Field? {
        guard position < end else { return nil }
        let start = position
        let tag = try varint()
        let number = tag >> 3
        guard number > 0, number < 1 << 29 else {
            throw ONNXProblem("byte \(start) begins a field numbered \(number), which no message has; \(Self.remedy)")
        }
        let value: Value
        switch tag & 7 {
        case 0: value = .varint(try varint())
        case 1: value = .fixed64(try fixed(8))
        case 2: value = .content(try content(of: Int(number), from: start))
        case 5: value = .fixed32(UInt32(truncatingIfNeeded: try fixed(4)))
        case let type:
            throw ONNXProblem(
                "byte \(start) begins a field of wire type \(type), which models do not use; \(Self.remedy)")
        }
        return Field(number: Int(number), value: value, bytes: start..<position)
    }

    /// A number of 7 bits a byte, least significant first.
    mutating func varint() throws(ONNXProblem) -> UInt64 {
        let start = position
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 64, by: 7) {
            guard position < end else { throw Self.cutOff(at: start) }
            let byte = bytes[position]
            position += 1
            // The tenth byte has room for one bit.
            guard shift < 63 || byte < 2 else {
                throw ONNXProblem("the number at byte \(start) does not fit 64 bits; \(Self.remedy)")
            }
            value |= UInt64(byte & 0x7f) << UInt64(shift)
            if byte < 0x80 { return value }
        }
        throw ONNXProblem("the number at byte \(start) does not end; \(Self.remedy)")
    }

    /// A little-endian number of 4 or 8 bytes.
    mutating func fixed(_ count: Int) throws(ONNXProblem) -> UInt64 {
        guard count <= end - position else { throw Self.cutOff(at: position) }
        var value: UInt64 = 0
        for index in 0..<count { value |= UInt64(bytes[position + index]) << UInt64(8 * index) }
        position += count
        return value
    }

    private mutating func content(of number: Int, from start: Int) throws(ONNXProblem) -> Range<Int> {
        let length = try varint()
        guard length <= UInt64(end - position) else {
            throw ONNXProblem(
                "field \(number) at byte \(start) is given as \(length) bytes long, but only \(end - position) are left; "
                    + Self.remedy)
        }
        defer { position += Int(length) }
        return position..<(position + Int(length))
    }

    private static let remedy = "the file is damaged or not a model"

    private static func cutOff(at byte: Int) -> ONNXProblem {
        ONNXProblem("the value at byte \(byte) goes on beyond its message; \(remedy)")
    }
}

extension WireReader.Field {
    /// The field as a message or string, by where its content lies.
    func content(_ name: String) throws(ONNXProblem) -> Range<Int> {
        guard case .content(let range) = value else { throw unexpected(name) }
        return range
    }

    /// The field as a signed number.
    func integer(_ name: String) throws(ONNXProblem) -> Int {
        guard case .varint(let bits) = value else { throw unexpected(name) }
        return Int(Int64(bitPattern: bits))
    }

    /// The field as a 32-bit float.
    func float(_ name: String) throws(ONNXProblem) -> Float {
        guard case .fixed32(let bits) = value else { throw unexpected(name) }
        return Float(bitPattern: bits)
    }

    private func unexpected(_ name: String) -> ONNXProblem {
        ONNXProblem("\(name) at byte \(bytes.lowerBound) is stored as something else; the file is damaged")
    }
}
