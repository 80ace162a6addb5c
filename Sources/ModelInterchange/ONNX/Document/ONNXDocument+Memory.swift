import Foundation
import NeuralGraph

/// What an ONNX file remembers of the classes that its model was made to forget, in `metadata_props`.
extension ONNXDocument {
    /// The property of a file that is not described otherwise: indices as a JSON list, such as `[0,5]`.
    private static let forgottenKey = "unlearning.forgotten_classes"

    /// The forgotten classes of a file that this package has not exported.
    func forgottenClasses(of classes: Int) throws(ONNXProblem) -> Set<Int> {
        guard let text = properties[Self.forgottenKey] else { return [] }
        guard let indices = try? JSONDecoder().decode([Int].self, from: Data(text.utf8)) else {
            throw ONNXProblem(
                "the property \(Self.forgottenKey) is \(quoted(text)), which is no list of class indices; remove it, or "
                    + "write the file again")
        }
        let metadata = ModelMetadata(forgottenClasses: Set(indices))
        if let problem = metadata.problemWithForgottenClasses(classes: classes) {
            throw ONNXProblem("the property \(Self.forgottenKey) is wrong: \(problem); write the file again")
        }
        return metadata.forgottenClasses
    }

    /// The edits by which the file's properties say what a model has forgotten; none if they say so already.
    func remembering(_ model: Model, _ bytes: [UInt8], path: String) throws -> [WireEdit] {
        guard let changed = try Self.properties(remembering: model, in: properties, path: path) else { return [] }
        return try Self.replacing(changed, in: bytes)
    }

    /// The properties of a file that change so that they say what a model has forgotten; nil if they say so already.
    static func properties(
        remembering model: Model, in properties: [String: String], path: String
    ) throws -> [String: String]? {
        let forgotten = model.metadata.forgottenClasses
        if var description = try ModelDescription(properties, path: path) {
            guard description.metadata.forgottenClasses != forgotten else { return nil }
            description.metadata.forgottenClasses = forgotten
            return try description.properties()
        }
        var document = ONNXDocument()
        document.properties = properties
        guard try document.forgottenClasses(of: model.classCount) != forgotten else { return nil }
        return [forgottenKey: "[\(forgotten.sorted().map(String.init).joined(separator: ","))]"]
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
