/// A replacement of some bytes of a message: whole fields, or the content of one.
struct WireEdit {
    /// The bytes that are replaced.
    let range: Range<Int>
    /// What comes in their place.
    let bytes: [UInt8]
}

extension Array where Element == UInt8 {
    /// These bytes, one message, with edits made. Every byte outside of them stays, but for the lengths of the fields
    /// that an edit lies in.
    /// - Parameter edits: replacements that do not overlap; an empty range at the end appends.
    func editing(_ edits: [WireEdit]) throws(ONNXProblem) -> [UInt8] {
        let sorted = edits.sorted { $0.range.lowerBound < $1.range.lowerBound }
        guard sorted.contains(where: { $0.range.count != $0.bytes.count }) else {
            var result = self
            for edit in sorted { result.replaceSubrange(edit.range, with: edit.bytes) }
            return result
        }
        return try edited(0..<count, sorted[...])
    }

    private func edited(_ message: Range<Int>, _ edits: ArraySlice<WireEdit>) throws(ONNXProblem) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(message.count)
        var rest = edits
        var reader = WireReader(self, in: message)
        while let field = try reader.next() {
            let inside = rest.prefix { $0.range.lowerBound < field.bytes.upperBound }
            rest = rest.dropFirst(inside.count)
            guard let first = inside.first else {
                result.append(contentsOf: self[field.bytes])
                continue
            }
            if first.range == field.bytes {
                result.append(contentsOf: first.bytes)
                continue
            }
            let content = try field.content("a field")
            let replacement = first.range == content ? first.bytes : try edited(content, inside)
            var writer = WireWriter()
            writer.content(field.number, replacement)
            result.append(contentsOf: writer.bytes)
        }
        // What is left comes after the last field.
        for edit in rest { result.append(contentsOf: edit.bytes) }
        return result
    }
}
