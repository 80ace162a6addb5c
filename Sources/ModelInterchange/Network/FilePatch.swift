import ModelFiles

/// New bytes in the place of others of the same number in a file.
struct FilePatch {
    /// Where they begin.
    let offset: Int
    let bytes: [UInt8]
}

extension StoredTensors.Change {
    /// The edits of the message that holds the numbers; none if they lie in another file.
    var edits: [WireEdit] {
        switch tensor.storage {
        case .raw(let range): return [WireEdit(range: range, bytes: encoded.raw)]
        case .fields(let fields, let number):
            var writer = WireWriter()
            writer.content(number, encoded.packed)
            return fields.enumerated().map { index, range in
                WireEdit(range: range, bytes: index == 0 ? writer.bytes : [])
            }
        case .external, .file, .memory: return []
        }
    }
}

extension AtomicFile {
    /// Writes a whole file, with patches in their places.
    func append(_ source: RandomAccessFile, patches: [FilePatch] = []) throws {
        let chunk = 1 << 20
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: chunk, alignment: 16)
        defer { unsafe buffer.deallocate() }
        func copy(_ range: Range<Int>) throws {
            for start in stride(from: range.lowerBound, to: range.upperBound, by: chunk) {
                let part = unsafe UnsafeMutableRawBufferPointer(
                    rebasing: buffer[..<min(chunk, range.upperBound - start)])
                try unsafe source.read(at: start, into: part)
                try unsafe append(UnsafeRawBufferPointer(part))
            }
        }
        var position = 0
        for patch in patches.sorted(by: { $0.offset < $1.offset }) {
            guard patch.offset >= position else {
                throw ONNXProblem("two tensors share bytes of \(quoted(source.path)), so that neither can be changed")
            }
            try copy(position..<patch.offset)
            try append(patch.bytes)
            position = patch.offset + patch.bytes.count
        }
        if position < source.size { try copy(position..<source.size) }
    }
}
