import Foundation
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

    /// The edits by which the file's properties say what a model has forgotten, and by which names; none if they say so
    /// already.
    func remembering(_ model: Model, _ bytes: [UInt8], path: String) throws -> [WireEdit] {
        let memory = model.metadata
        var changed: [String: String]
        if let known = try ModelDescription(properties, path: path) {
            var description = known
            description.metadata.forgottenClasses = memory.forgottenClasses
            description.metadata.requests = memory.requests
            if !description.metadata.classNames.isEmpty { description.metadata.classNames = memory.classNames }
            changed = try description == known ? [:] : description.properties()
        } else {
            let known = try self.memory(of: model.classCount)
            changed = [:]
            if known.forgottenClasses != memory.forgottenClasses {
                let indices = memory.forgottenClasses.sorted().map(String.init)
                changed[Self.forgottenKey] = "[\(indices.joined(separator: ","))]"
            }
            if known.requests != memory.requests {
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
                changed[Self.requestsKey] = String(decoding: try encoder.encode(memory.requests), as: UTF8.self)
            }
        }
        return changed.isEmpty ? [] : try Self.replacing(changed, in: bytes)
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
