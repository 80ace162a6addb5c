/// Reads the part of JSON (RFC 8259) that a safetensors header uses: objects, strings, lists of integers. It
/// does not recurse, so that no input exhausts the stack.
struct HeaderScanner {
    typealias Problem = SafetensorsHeader.Problem

    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The next byte that is not a space, if there is one.
    var peek: UInt8? {
        mutating get {
            while position < bytes.count {
                let byte = bytes[position]
                guard byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d else { return byte }
                position += 1
            }
            return nil
        }
    }

    /// Checks that nothing but spaces follows.
    mutating func end() throws(Problem) {
        if peek != nil { throw syntaxError("the end") }
    }

    /// Reads an object; `member` reads the value of each key.
    mutating func object(
        _ member: (_ key: String, _ scanner: inout HeaderScanner) throws(Problem) -> Void
    ) throws(Problem) {
        try expect("{")
        if accept("}") { return }
        repeat {
            let key = try string()
            try expect(":")
            try member(key, &self)
        } while accept(",")
        try expect("}")
    }

    /// Reads a list of integers that are 0 or more.
    /// - Parameter place: what the list is called in messages; a header has a million of them, and few messages.
    mutating func integers(_ place: () -> String, atMost limit: Int) throws(Problem) -> [Int] {
        guard peek == UInt8(ascii: "[") else { throw Problem("\(place()) is not a list of integers") }
        try expect("[")
        var result: [Int] = []
        if accept("]") { return result }
        repeat {
            guard result.count < limit else { throw Problem("\(place()) has more than \(limit) numbers") }
            result.append(try integer(place))
        } while accept(",")
        try expect("]")
        return result
    }

    /// Reads a string.
    mutating func string() throws(Problem) -> String {
        guard peek == UInt8(ascii: "\"") else { throw syntaxError("a string") }
        position += 1
        // Most strings have no escapes and are taken from where they lie.
        let start = position
        var allBits: UInt8 = 0
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                position += 1
                let content = bytes[start..<position - 1]
                return allBits < 0x80 ? String(decoding: content, as: UTF8.self) : try text(content)
            }
            allBits |= byte
            guard byte != UInt8(ascii: "\\"), byte >= 0x20 else { break }
            position += 1
        }
        return try stringWithEscapes(Array(bytes[start..<position]))
    }

    /// Reads the rest of a string.
    private mutating func stringWithEscapes(_ beginning: [UInt8]) throws(Problem) -> String {
        var content = beginning
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                return try text(content)
            case UInt8(ascii: "\\"):
                content.append(contentsOf: try escape())
            case 0..<0x20:
                throw Problem("the header has a control character inside a string at byte \(position - 1)")
            default:
                content.append(byte)
            }
        }
        throw syntaxError("the end of a string")
    }

    private func text(_ content: some Collection<UInt8>) throws(Problem) -> String {
        guard let text = String(validating: content, as: UTF8.self) else {
            throw Problem("the header has a string before byte \(position) that is not UTF-8")
        }
        return text
    }

    private mutating func integer(_ place: () -> String) throws(Problem) -> Int {
        _ = peek
        let start = position
        var value = 0
        while position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position]) {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int(bytes[position] - UInt8(ascii: "0")))
            guard !overflow, !carry else { throw Problem("\(place()) has a number above \(Int.max)") }
            value = sum
            position += 1
        }
        let hasLeadingZero = position - start > 1 && bytes[start] == UInt8(ascii: "0")
        let next = position < bytes.count ? bytes[position] : 0
        let isFraction = [UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E")].contains(next)
        guard position > start, !hasLeadingZero, !isFraction else {
            throw Problem("\(place()) has an element that is not an integer of at least 0")
        }
        return value
    }

    private mutating func escape() throws(Problem) -> [UInt8] {
        guard position < bytes.count else { throw syntaxError("the end of a string") }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0c]
        case UInt8(ascii: "n"): return [0x0a]
        case UInt8(ascii: "r"): return [0x0d]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw syntaxError("an escape sequence")
        }
    }

    /// Reads what follows `\u`: four digits, or a pair of them for a character beyond the basic plane.
    private mutating func unicodeEscape() throws(Problem) -> [UInt8] {
        var value = try hexadecimal()
        if (0xd800..<0xdc00).contains(value), position + 1 < bytes.count,
            bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u")
        {
            position += 2
            let low = try hexadecimal()
            guard (0xdc00..<0xe000).contains(low) else { throw syntaxError("a surrogate pair") }
            value = 0x10000 + (value - 0xd800) << 10 + (low - 0xdc00)
        }
        guard let scalar = Unicode.Scalar(value) else { throw syntaxError("a surrogate pair") }
        return Array(String(scalar).utf8)
    }

    private mutating func hexadecimal() throws(Problem) -> UInt32 {
        guard position + 4 <= bytes.count else { throw syntaxError("four hexadecimal digits") }
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
                throw syntaxError("four hexadecimal digits")
            }
            value = value << 4 + UInt32(digit)
            position += 1
        }
        return value
    }

    private mutating func accept(_ character: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(Problem) {
        guard accept(character) else { throw syntaxError("'\(character)'") }
    }

    private func syntaxError(_ expected: String) -> Problem {
        Problem("the header is not what the format allows: expected \(expected) at byte \(position)")
    }
}
