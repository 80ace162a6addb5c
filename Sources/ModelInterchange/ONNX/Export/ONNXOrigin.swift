import Foundation
import ModelFiles
import NeuralGraph

/// Where a model that was read from an ONNX file came from, so that it can be written back node for node: only the
/// bytes of weights that have changed are replaced.
package struct ONNXOrigin: NetworkFileOrigin {
    let file: RandomAccessFile
    let external: ONNXExternalFiles
    /// The file's tensors, and which of them are parameters.
    package let stored: StoredTensors
    /// State tensors that the file stores together with equal ones.
    let shared: [String: ONNXSharedInput]
    let endsInSoftmax: Bool
    let operatorSet: Int
    let producer: String
    /// The file's outputs, and which of them was read.
    let outputs: ONNXOutputs
    /// Height and width of the images, where the file leaves them open.
    let imageSize: Int?

    var path: String { file.path }

    var source: String {
        "ONNX, operator set \(operatorSet)" + (producer.isEmpty ? "" : ", by \(producer)")
    }

    func model(output: String) throws -> Model {
        do {
            return try ONNXModelFile(file, external: external).model(imageSize: imageSize, outputName: output)
        } catch {
            throw FileError(error, path: path, part: "node")
        }
    }

    /// Writes the file with a model's numbers.
    func write(_ model: Model, to url: URL) throws {
        let bytes = try file.contents()
        let document = try ONNXDocument(bytes)
        let reader = ONNXTensorReader(bytes: bytes, external: external)
        var edits: [WireEdit] = []
        var patches: [String: [FilePatch]] = [:]
        for change in try stored.changes(in: model, reader) {
            if stored.aliases[change.name] != nil {
                edits.append(try Self.ownTensor(change.encoded, named: change.name, in: document))
            } else if case .external(let data) = change.tensor.storage {
                patches[data.location, default: []].append(FilePatch(offset: data.offset, bytes: change.encoded.raw))
            } else {
                edits += change.edits
            }
        }
        edits += try separated(model.stateDictionary, in: document, bytes, reader)
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
                guard let values = now[key]?.elements, let stored = stored.tensors[input.stored] else { continue }
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
    private func writeExternal(_ patches: [String: [FilePatch]], besides url: URL, _ edits: inout [WireEdit]) throws {
        var references: [String: [ONNXExternalData]] = [:]
        for tensor in stored.tensors.values {
            if case .external(let data) = tensor.storage { references[data.location, default: []].append(data) }
        }
        for (index, location) in references.keys.sorted().enumerated() {
            let name = url.lastPathComponent + (index == 0 ? ".data" : ".\(index).data")
            let target = url.deletingLastPathComponent().appendingPathComponent(name)
            let file = try AtomicFile(replacing: target)
            try file.append(try external.open(location, of: "a tensor"), patches: patches[location] ?? [])
            try file.commit()
            for data in references[location] ?? [] {
                edits.append(WireEdit(range: data.locationBytes, bytes: Array(name.utf8)))
            }
        }
    }
}
