/// Writes messages of the protobuf wire format.
package struct WireWriter {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    /// Writes a number field.
    package mutating func integer(_ number: Int, _ value: Int) {
        tag(number, type: 0)
        varint(UInt64(bitPattern: Int64(value)))
    }

    /// Writes a 32-bit float field.
    package mutating func float(_ number: Int, _ value: Float) {
        tag(number, type: 5)
        append(value.bitPattern)
    }

    /// Writes a string field.
    package mutating func string(_ number: Int, _ value: String) {
        content(number, Array(value.utf8))
    }

    /// Writes a message field.
    package mutating func message(_ number: Int, _ body: (inout WireWriter) -> Void) {
        var writer = WireWriter()
        body(&writer)
        content(number, writer.bytes)
    }

    /// Writes a field of bytes that are there already.
    package mutating func content(_ number: Int, _ content: [UInt8]) {
        tag(number, type: 2)
        varint(UInt64(content.count))
        bytes.append(contentsOf: content)
    }

    /// Writes several numbers as one packed field.
    package mutating func packed(_ number: Int, _ values: [Int]) {
        var writer = WireWriter()
        for value in values { writer.varint(UInt64(bitPattern: Int64(value))) }
        content(number, writer.bytes)
    }

    /// Writes a number of 7 bits a byte.
    mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// Writes a number's bytes, least significant first.
    package mutating func append(_ value: some FixedWidthInteger) {
        unsafe withUnsafeBytes(of: value.littleEndian) { unsafe bytes.append(contentsOf: $0) }
    }

    private mutating func tag(_ number: Int, type: UInt64) {
        varint(UInt64(number) << 3 | type)
    }
}
