import ModelFiles
import NeuralGraph

/// The tensors of a file that holds its network, and which of them a model's parameters are.
package struct StoredTensors: Sendable {
    /// The stored tensors by name.
    let tensors: [String: ONNXTensor]
    /// Names that stand for a stored tensor of another name.
    let aliases: [String: String]
    /// Which stored tensor each parameter or state tensor is, by key.
    package let bindings: [String: ONNXBinding]
    /// Parameters that the file does not store by themselves, as they were.
    let computed: [String: Tensor]
    /// Stored tensors that are not trained, and why.
    let untrained: [String: String]

    /// A stored tensor whose numbers a model has changed.
    struct Change {
        /// The tensor's name in the file, which may be an alias.
        let name: String
        /// The stored tensor.
        let tensor: ONNXTensor
        /// The new numbers as the file stores them.
        let encoded: ONNXScalarEncoding
    }

    /// The tensors that a model has changed, in the order of their names.
    /// - Throws: ``ONNXProblem`` if a parameter was changed that the file does not store by itself, or a number does not
    ///   fit the file's type.
    func changes(in model: Model, _ reader: ONNXTensorReader) throws -> [Change] {
        let now = model.stateDictionary
        if let key = computed.keys.filter({ now[$0] != computed[$0] }).min() {
            throw ONNXProblem(
                "parameter \(quoted(key)) was changed, but is not stored in the file on its own; freeze it, or write "
                    + "safetensors")
        }
        var changes: [Change] = []
        for (key, binding) in bindings.sorted(by: { $0.key < $1.key }) {
            guard let tensor = now[key], let stored = stored(binding) else { continue }
            let values = binding.scattered(tensor.elements)
            // Unchanged numbers keep the file's precision, which may exceed the engine's.
            let before = try reader.floats(stored)
            guard !zip(values, before).allSatisfy({ $0.bitPattern == $1.bitPattern }) else { continue }
            let encoded = try ONNXScalarEncoding(stored, name: binding.name, values: values)
            changes.append(Change(name: binding.name, tensor: stored, encoded: encoded))
        }
        return changes
    }

    /// A model with its numbers rounded to those that the file can store.
    /// - Throws: ``ONNXProblem`` if a number does not fit the file's type.
    func rounded(_ model: Model) throws -> Model {
        let now = model.stateDictionary
        var rounded: [String: Tensor] = [:]
        for (key, binding) in bindings {
            guard let tensor = now[key], let stored = stored(binding),
                [.float16, .bfloat16].contains(stored.scalarType)
            else { continue }
            let isHalf = stored.scalarType == .float16
            let values = try tensor.elements.map { value in
                let nearest = isHalf ? float(fromHalf: halfBits(of: value)) : float(fromBrain: brainBits(of: value))
                guard nearest.isFinite || !value.isFinite else {
                    throw ONNXScalarEncoding.outOfRange(value, stored.scalarType, name: binding.name)
                }
                return nearest
            }
            if values != tensor.elements { rounded[key] = try Tensor(values, shape: tensor.shape) }
        }
        return rounded.isEmpty ? model : try model.replacing(rounded)
    }

    private func stored(_ binding: ONNXBinding) -> ONNXTensor? { tensors[aliases[binding.name] ?? binding.name] }
}
