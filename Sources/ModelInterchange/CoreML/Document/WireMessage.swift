/// A message of a file, whose fields are looked up when they are asked for.
///
/// Nothing is kept but the place of the message, so memory does not depend on what the file says. Looking up a field reads
/// past the others, of which Core ML's messages have few.
struct WireMessage: Sendable {
    let bytes: [UInt8]
    let range: Range<Int>

    init(_ bytes: [UInt8], in range: Range<Int>) {
        self.bytes = bytes
        self.range = range
    }

    /// Calls `body` with each field in order.
    func forEach(_ body: (WireReader.Field) throws(ONNXProblem) -> Void) throws(ONNXProblem) {
        var reader = WireReader(bytes, in: range)
        while let field = try reader.next() { try body(field) }
    }

    /// All fields of a number.
    func fields(_ number: Int) throws(ONNXProblem) -> [WireReader.Field] {
        var found: [WireReader.Field] = []
        var reader = WireReader(bytes, in: range)
        while let field = try reader.next() {
            if field.number == number { found.append(field) }
        }
        return found
    }

    /// The last field of a number, which is the one that counts; nil if there is none.
    func field(_ number: Int) throws(ONNXProblem) -> WireReader.Field? { try fields(number).last }

    /// The numbers of all fields that are there.
    func numbers() throws(ONNXProblem) -> Set<Int> {
        var found: Set<Int> = []
        var reader = WireReader(bytes, in: range)
        while let field = try reader.next() { found.insert(field.number) }
        return found
    }

    func content(_ number: Int) throws(ONNXProblem) -> Range<Int>? {
        try field(number)?.content(Self.name(number))
    }

    func message(_ number: Int) throws(ONNXProblem) -> WireMessage? {
        guard let range = try content(number) else { return nil }
        return WireMessage(bytes, in: range)
    }

    func messages(_ number: Int) throws(ONNXProblem) -> [WireMessage] {
        var found: [WireMessage] = []
        for field in try fields(number) { found.append(WireMessage(bytes, in: try field.content(Self.name(number)))) }
        return found
    }

    /// A string; empty if there is none.
    func text(_ number: Int) throws(ONNXProblem) -> String {
        guard let range = try content(number) else { return "" }
        return try bytes.text(range)
    }

    func texts(_ number: Int) throws(ONNXProblem) -> [String] {
        var found: [String] = []
        for field in try fields(number) { found.append(try bytes.text(field.content(Self.name(number)))) }
        return found
    }

    func integer(_ number: Int) throws(ONNXProblem) -> Int? { try field(number)?.integer(Self.name(number)) }

    /// The numbers of fields that hold one each, or several packed.
    func integers(_ number: Int) throws(ONNXProblem) -> [Int] {
        var found: [Int] = []
        for field in try fields(number) { found += try bytes.integers(of: field, Self.name(number)) }
        return found
    }

    func float(_ number: Int) throws(ONNXProblem) -> Float? { try field(number)?.float(Self.name(number)) }

    func floats(_ number: Int) throws(ONNXProblem) -> [Float] {
        var found: [Float] = []
        for field in try fields(number) { found += try bytes.floats(of: field, Self.name(number)) }
        return found
    }

    func flag(_ number: Int) throws(ONNXProblem) -> Bool { try integer(number) ?? 0 != 0 }

    /// The entries of a map: key and value.
    func entries(_ number: Int) throws(ONNXProblem) -> [(key: String, value: WireMessage)] {
        var found: [(String, WireMessage)] = []
        for entry in try messages(number) {
            guard let value = try entry.message(2) else { continue }
            found.append((try entry.text(1), value))
        }
        return found
    }

    private static func name(_ number: Int) -> String { "field \(number)" }
}
