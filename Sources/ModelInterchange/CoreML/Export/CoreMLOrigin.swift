import Foundation
import ModelFiles
import NeuralGraph

/// Where a model that was read from Core ML came from, so that it can be written back as it was: only the bytes of
/// weights that have changed are replaced.
package struct CoreMLOrigin: NetworkFileOrigin {
    let files: CoreMLFiles
    package let stored: StoredTensors
    let outputs: ONNXOutputs
    let endsInSoftmax: Bool
    /// The specification's version.
    let version: Int
    /// Whether it is an ML program, and not a neural network of layers.
    package let isProgram: Bool
    /// Height and width of the images, where the model leaves them open.
    let imageSize: Int?

    var path: String { files.path }

    /// Whether the model is one file, and not a package.
    var isOneFile: Bool { files.package == nil }

    var source: String {
        "Core ML \(isProgram ? "program" : "neural network"), specification \(version)"
    }

    func model(output: String) throws -> Model {
        do {
            return try CoreMLModelFile(files).model(imageSize: imageSize, outputName: output)
        } catch {
            throw FileError(error, path: path, part: "operation")
        }
    }

    /// Writes the package or file with a model's numbers.
    func write(_ model: Model, to url: URL) throws {
        let bytes = try files.specification.contents()
        let reader = ONNXTensorReader(bytes: bytes, external: files.external)
        var edits: [WireEdit] = []
        var patches: [String: [FilePatch]] = [:]
        for change in try stored.changes(in: model, reader) {
            guard stored.aliases[change.name] == nil else {
                throw ONNXProblem("tensor \(quoted(change.name)) is another name of one that other operations read")
            }
            if case .file(let file, let offset) = change.tensor.storage {
                patches[file.path, default: []].append(FilePatch(offset: offset, bytes: change.encoded.raw))
            } else {
                edits += change.edits
            }
        }
        edits += try Self.remembering(model, bytes, path: path)
        let specification = try bytes.editing(edits)
        guard let package = files.package else {
            let output = try AtomicFile(replacing: url)
            try output.append(specification)
            return try output.commit()
        }
        try write(package, specification, patches, to: url)
    }

    /// Writes the package's files one by one.
    private func write(
        _ package: URL, _ specification: [UInt8], _ patches: [String: [FilePatch]], to url: URL
    ) throws {
        let output = try AtomicFolder(replacing: url)
        var open = patches
        for location in try CoreMLPackage.contents(of: package) {
            let file = try RandomAccessFile(package.appendingPathComponent(location))
            let target = try output.file(location)
            if file.isSame(as: files.specification) {
                try target.append(specification)
            } else {
                let patched = open.keys.first { key in
                    (try? RandomAccessFile(URL(fileURLWithPath: key)))?.isSame(as: file) == true
                }
                try target.append(file, patches: patched.flatMap { open.removeValue(forKey: $0) } ?? [])
            }
            try target.commit()
        }
        guard open.isEmpty else {
            throw ONNXProblem("the weight file is no longer in the package; read the model again")
        }
        try output.commit()
    }

    // MARK: What the model has forgotten

    /// The numbers of the fields on the way to the model's notes.
    private enum Field {
        static let (description, metadata, property) = (2, 100, 100)
    }

    /// The edits by which the model's notes (`userDefined`) say what it has forgotten; none if they say so already.
    private static func remembering(_ model: Model, _ bytes: [UInt8], path: String) throws -> [WireEdit] {
        let whole = WireMessage(bytes, in: 0..<bytes.count)
        guard let description = try whole.message(Field.description) else { return [] }
        let properties = try CoreMLDocument.properties(description)
        guard
            let changed = try ONNXDocument.properties(
                remembering: model, in: properties, path: path)
        else { return [] }
        // The whole description is replaced: its metadata may be empty, and then has no place of its own.
        var content: [UInt8] = []
        var isThere = false
        try description.forEach { field throws(ONNXProblem) in
            guard field.number == Field.metadata, !isThere else {
                content += bytes[field.bytes]
                return
            }
            isThere = true
            var writer = WireWriter()
            let metadata = WireMessage(bytes, in: try field.content("the metadata"))
            writer.content(Field.metadata, try rewritten(metadata, changed))
            content += writer.bytes
        }
        if !isThere {
            var writer = WireWriter()
            writer.content(Field.metadata, try rewritten(nil, changed))
            content += writer.bytes
        }
        return [WireEdit(range: description.range, bytes: content)]
    }

    /// The content of the metadata with some notes replaced or appended.
    private static func rewritten(
        _ metadata: WireMessage?, _ properties: [String: String]
    ) throws(ONNXProblem) -> [UInt8] {
        var content: [UInt8] = []
        var missing = properties
        try metadata?.forEach { field throws(ONNXProblem) in
            guard let metadata, field.number == Field.property else {
                content += metadata?.bytes[field.bytes] ?? []
                return
            }
            let key = try WireMessage(metadata.bytes, in: field.content("a note")).text(1)
            guard let value = missing.removeValue(forKey: key) else {
                content += metadata.bytes[field.bytes]
                return
            }
            content += entry(key, value)
        }
        for (key, value) in missing.sorted(by: { $0.key < $1.key }) { content += entry(key, value) }
        return content
    }

    static func entry(_ key: String, _ value: String) -> [UInt8] {
        var writer = WireWriter()
        writer.message(Field.property) { entry in
            entry.string(1, key)
            entry.string(2, value)
        }
        return writer.bytes
    }
}
