import Foundation
import NeuralGraph

/// Where a model that was read from an ONNX file came from, so that it can be written back node for node: only the
/// bytes of weights that have changed are replaced.
struct ONNXOrigin: ModelOrigin {
    let file: RandomAccessFile
    let external: ONNXExternalFiles
    let initializers: [String: ONNXTensor]
    /// Names that stand for a stored tensor of another name.
    let aliases: [String: String]
    /// Which stored tensor each parameter or state tensor is.
    let bindings: [String: ONNXBinding]
    /// State tensors that the file stores together with equal ones.
    let shared: [String: ONNXSharedInput]
    /// Parameters that the file does not store by themselves, as they were.
    let computed: [String: Tensor]
    /// Stored tensors that are not trained, and why.
    let untrained: [String: String]
    let endsInSoftmax: Bool
    let operatorSet: Int
    let producer: String
    /// The file's outputs, and which of them was read.
    let outputs: ONNXOutputs
    /// Height and width of the images, where the file leaves them open.
    let imageSize: Int?

    /// New bytes of an external file.
    private struct Patch {
        let offset: Int
        let bytes: [UInt8]
    }

    /// Writes the file with a model's numbers.
    func write(_ model: Model, to url: URL) throws {
        let bytes = try file.contents()
        let document = try ONNXDocument(bytes)
        let reader = ONNXTensorReader(bytes: bytes, external: external)
        var edits: [WireEdit] = []
        var patches: [String: [Patch]] = [:]
        let now = model.stateDictionary
        if let key = computed.first(where: { now[$0.key] != $0.value })?.key {
            throw ONNXProblem(
                "parameter \(quoted(key)) was changed, but is not stored in the file on its own; freeze it, or write "
                    + "safetensors")
        }
        for (key, binding) in bindings.sorted(by: { $0.key < $1.key }) {
            guard let tensor = now[key], let stored = initializers[aliases[binding.name] ?? binding.name] else {
                continue
            }
            let values = binding.scattered(tensor.elements)
            // Unchanged numbers keep the file's precision, which may exceed the engine's.
            let before = try reader.floats(stored)
            guard !zip(values, before).allSatisfy({ $0.bitPattern == $1.bitPattern }) else { continue }
            let encoded = try ONNXScalarEncoding(stored, name: binding.name, values: values)
            if aliases[binding.name] != nil {
                edits.append(try Self.ownTensor(encoded, named: binding.name, in: document))
                continue
            }
            switch stored.storage {
            case .raw(let range): edits.append(WireEdit(range: range, bytes: encoded.raw))
            case .fields(let fields, let number):
                var writer = WireWriter()
                writer.content(number, encoded.packed)
                for (index, range) in fields.enumerated() {
                    edits.append(WireEdit(range: range, bytes: index == 0 ? writer.bytes : []))
                }
            case .external(let data):
                patches[data.location, default: []].append(Patch(offset: data.offset, bytes: encoded.raw))
            }
        }
        edits += try separated(now, in: document, bytes, reader)
        edits += try document.remembering(model, bytes, path: file.path)
        try writeExternal(patches, besides: url, &edits)
        let output = try AtomicFile(replacing: url)
        try output.append(try bytes.editing(edits))
        try output.commit()
    }

    /// The stored tensor that takes the place of an `Identity` of another, once the two differ.
    private static func ownTensor(
        _ encoded: ONNXScalarEncoding, named name: String, in document: ONNXDocument
    ) throws -> WireEdit {
        guard let field = document.graph.nodes.first(where: { $0.outputs.first == name })?.field else {
            throw ONNXProblem("tensor \(quoted(name)) is no longer in the file; read the model again")
        }
        var writer = WireWriter()
        writer.message(5) { encoded.writeTensor(named: name, to: &$0) }
        return WireEdit(range: field, bytes: writer.bytes)
    }

    /// Nodes whose statistics have come to differ from what they share, each with stored tensors of its own.
    private func separated(
        _ now: [String: Tensor], in document: ONNXDocument, _ bytes: [UInt8], _ reader: ONNXTensorReader
    ) throws -> [WireEdit] {
        var names = Set(document.graph.initializers.map(\.name) + document.graph.nodes.flatMap(\.outputs))
        var edits: [WireEdit] = []
        for (output, inputs) in Dictionary(grouping: shared, by: \.value.output).sorted(by: { $0.key < $1.key }) {
            var changed: [Int: String] = [:]
            var added = WireWriter()
            for (key, input) in inputs.sorted(by: { $0.key < $1.key }) {
                guard let values = now[key]?.elements, let stored = initializers[input.stored] else { continue }
                let before = try reader.floats(stored)
                guard !zip(values, before).allSatisfy({ $0.bitPattern == $1.bitPattern }) else { continue }
                var name = key
                while !names.insert(name).inserted { name += "_own" }
                let encoded = try ONNXScalarEncoding(stored, name: name, values: values)
                added.message(5) { encoded.writeTensor(named: name, to: &$0) }
                changed[input.position] = name
            }
            guard !changed.isEmpty else { continue }
            guard let field = document.graph.nodes.first(where: { $0.outputs.first == output })?.field else {
                throw ONNXProblem("node \(quoted(output)) is no longer in the file; read the model again")
            }
            let node = try Self.renamed(bytes, field, inputs: changed)
            edits.append(WireEdit(range: field, bytes: node + added.bytes))
        }
        return edits
    }

    /// A node's field with other names for some of its inputs.
    private static func renamed(
        _ bytes: [UInt8], _ field: Range<Int>, inputs: [Int: String]
    ) throws(ONNXProblem) -> [UInt8] {
        var whole = WireReader(bytes, in: field)
        guard let node = try whole.next() else { return [] }
        var content: [UInt8] = []
        var position = 0
        var reader = WireReader(bytes, in: try node.content("a node"))
        while let part = try reader.next() {
            var renamed = WireWriter()
            if part.number == 1 {
                if let name = inputs[position] { renamed.string(1, name) }
                position += 1
            }
            content += renamed.bytes.isEmpty ? Array(bytes[part.bytes]) : renamed.bytes
        }
        var writer = WireWriter()
        writer.content(node.number, content)
        return writer.bytes
    }

    /// Copies the external files beside the new file, with changed tensors in their places.
    private func writeExternal(_ patches: [String: [Patch]], besides url: URL, _ edits: inout [WireEdit]) throws {
        var references: [String: [ONNXExternalData]] = [:]
        for tensor in initializers.values {
            if case .external(let data) = tensor.storage { references[data.location, default: []].append(data) }
        }
        for (index, location) in references.keys.sorted().enumerated() {
            let name = url.lastPathComponent + (index == 0 ? ".data" : ".\(index).data")
            let target = url.deletingLastPathComponent().appendingPathComponent(name)
            try copy(
                try external.open(location, of: "a tensor"), to: target,
                (patches[location] ?? []).sorted { $0.offset < $1.offset })
            for data in references[location] ?? [] {
                edits.append(WireEdit(range: data.locationBytes, bytes: Array(name.utf8)))
            }
        }
    }

    private func copy(_ source: RandomAccessFile, to url: URL, _ patches: [Patch]) throws {
        let target = try AtomicFile(replacing: url)
        let chunk = 1 << 20
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: chunk, alignment: 16)
        defer { buffer.deallocate() }
        func copy(_ range: Range<Int>) throws {
            for start in stride(from: range.lowerBound, to: range.upperBound, by: chunk) {
                let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(chunk, range.upperBound - start)])
                try source.read(at: start, into: part)
                try target.append(UnsafeRawBufferPointer(part))
            }
        }
        var position = 0
        for patch in patches {
            guard patch.offset >= position else {
                throw ONNXProblem("two tensors share bytes of \(quoted(source.path)), so that neither can be changed")
            }
            try copy(position..<patch.offset)
            try target.append(patch.bytes)
            position = patch.offset + patch.bytes.count
        }
        if position < source.size { try copy(position..<source.size) }
        try target.commit()
    }
}
