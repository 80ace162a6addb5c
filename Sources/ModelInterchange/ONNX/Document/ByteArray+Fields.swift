extension Array where Element == UInt8 {
    /// A string of a message.
    func text(_ range: Range<Int>) throws(ONNXProblem) -> String {
        guard let text = String(validating: self[range], as: UTF8.self) else {
            throw ONNXProblem("the string at byte \(range.lowerBound) is not UTF-8; the file is damaged")
        }
        return text
    }

    /// The numbers of one field, which holds one or several packed.
    func integers(of field: WireReader.Field, _ name: String) throws(ONNXProblem) -> [Int] {
        guard case .content(let range) = field.value else { return [try field.integer(name)] }
        var values: [Int] = []
        var reader = WireReader(self, in: range)
        while reader.position < range.upperBound { values.append(Int(Int64(bitPattern: try reader.varint()))) }
        return values
    }

    /// The floats of one field, which holds one or several packed.
    func floats(of field: WireReader.Field, _ name: String) throws(ONNXProblem) -> [Float] {
        guard case .content(let range) = field.value else { return [try field.float(name)] }
        var values: [Float] = []
        var reader = WireReader(self, in: range)
        while reader.position < range.upperBound {
            values.append(Float(bitPattern: UInt32(truncatingIfNeeded: try reader.fixed(4))))
        }
        return values
    }

    /// A key and where its value lies, of an entry in a list of properties.
    func entry(_ range: Range<Int>) throws(ONNXProblem) -> (key: String, value: Range<Int>) {
        var key = ""
        var value = 0..<0
        var reader = WireReader(self, in: range)
        while let field = try reader.next() {
            switch field.number {
            case 1: key = try text(field.content("a property's key"))
            case 2: value = try field.content("a property's value")
            default: break
            }
        }
        return (key, value)
    }
}
