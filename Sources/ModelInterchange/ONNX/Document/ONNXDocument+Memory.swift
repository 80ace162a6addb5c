import Foundation
import ModelFiles
import NeuralGraph

/// What an ONNX file remembers of the classes that its model was made to forget, in `metadata_props`.
extension ONNXDocument {
    /// The property of a file that is not described otherwise: indices as a JSON list, such as `[0,5]`.
    private static let forgottenKey = "unlearning.forgotten_classes"
    /// The property of such a file with the requests as a JSON list.
    private static let requestsKey = "unlearning.requests"

    /// What a file that this package has not exported remembers.
    func memory(of classes: Int) throws(ONNXProblem) -> ModelMetadata {
        let forgotten = try value(of: Self.forgottenKey, as: [Int].self, "list of class indices") ?? []
        var metadata = ModelMetadata(forgottenClasses: Set(forgotten))
        if let problem = metadata.problemWithMemory(classes: classes) {
            throw ONNXProblem("the property \(Self.forgottenKey) is wrong: \(problem); write the file again")
        }
        metadata.requests = try value(of: Self.requestsKey, as: [ForgottenRequest].self, "list of requests") ?? []
        if let problem = metadata.problemWithMemory(classes: classes) {
            throw ONNXProblem("the property \(Self.requestsKey) is wrong: \(problem); write the file again")
        }
        return metadata
    }

    private func value<Value: Decodable>(
        of key: String, as type: Value.Type, _ what: String
    ) throws(ONNXProblem) -> Value? {
        guard let text = properties[key] else { return nil }
        guard let value = try? JSONDecoder().decode(type, from: Data(text.utf8)) else {
            throw ONNXProblem(
                "the property \(key) is \(quoted(text)), which is no \(what); remove it, or write the file again")
        }
        return value
    }

    /// The edits by which the file's properties say what a model has forgotten; none if they say so already.
    func remembering(_ model: Model, _ bytes: [UInt8], path: String) throws -> [WireEdit] {
        guard let changed = try Self.properties(remembering: model, in: properties, path: path) else { return [] }
        return try Self.replacing(changed, in: bytes)
    }

    /// The properties of a file that change so that they say what a model has forgotten, and by which names; nil if they
    /// say so already.
    static func properties(
        remembering model: Model, in properties: [String: String], path: String
    ) throws -> [String: String]? {
        let memory = model.metadata
        if let known = try ModelDescription(properties, path: path) {
            var description = known
            description.metadata.forgottenClasses = memory.forgottenClasses
            description.metadata.requests = memory.requests
            if !description.metadata.classNames.isEmpty { description.metadata.classNames = memory.classNames }
            return try description == known ? nil : description.properties()
        }
        var document = ONNXDocument()
        document.properties = properties
        let known = try document.memory(of: model.classCount)
        var changed: [String: String] = [:]
        if known.forgottenClasses != memory.forgottenClasses {
            let indices = memory.forgottenClasses.sorted().map(String.init)
            changed[forgottenKey] = "[\(indices.joined(separator: ","))]"
        }
        if known.requests != memory.requests {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            changed[requestsKey] = String(decoding: try encoder.encode(memory.requests), as: UTF8.self)
        }
        return changed.isEmpty ? nil : changed
    }

    /// Replaces properties, or appends those that the file does not have.
    private static func replacing(_ properties: [String: String], in bytes: [UInt8]) throws(ONNXProblem) -> [WireEdit] {
        func entry(_ key: String, _ value: String) -> [UInt8] {
            var writer = WireWriter()
            writer.message(14) { entry in
                entry.string(1, key)
                entry.string(2, value)
            }
            return writer.bytes
        }
        var edits: [WireEdit] = []
        var missing = properties
        var reader = WireReader(bytes, in: 0..<bytes.count)
        while let field = try reader.next() {
            guard field.number == 14 else { continue }
            let (key, _) = try bytes.entry(field.content("a property"))
            guard let value = properties[key] else { continue }
            missing[key] = nil
            edits.append(WireEdit(range: field.bytes, bytes: entry(key, value)))
        }
        let added = missing.sorted { $0.key < $1.key }.flatMap { entry($0.key, $0.value) }
        if !added.isEmpty { edits.append(WireEdit(range: bytes.count..<bytes.count, bytes: added)) }
        return edits
    }
}
