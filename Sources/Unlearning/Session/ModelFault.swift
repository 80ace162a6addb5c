package import NeuralGraph

/// A number in a model that no computation can be trusted with.
public enum ModelFault: Sendable, Equatable {
    /// A tensor has an infinite or undefined number.
    case notFinite(tensor: String, value: Float)
    /// A batch norm's running variance is below 0.
    case negativeVariance(tensor: String, value: Float)
}

extension ModelFault: CustomStringConvertible {
    /// The tensor, its number and the remedy.
    public var description: String {
        let remedy = "use a model whose training ended well"
        return switch self {
        case .notFinite(let tensor, let value): "tensor '\(tensor)' has the number \(value.named); \(remedy)"
        case .negativeVariance(let tensor, let value):
            "tensor '\(tensor)' has the variance \(value), which is below 0; \(remedy)"
        }
    }
}

extension Model {
    /// Checks that the model itself is sound.
    /// - Throws: ``UnlearningError``.
    func checkNumbers() throws(UnlearningError) {
        if let fault = numericFault { throw .unsoundModel(fault) }
    }

    /// The first of the model's tensors, by name, that no computation can be trusted with; nil if all is well.
    package var numericFault: ModelFault? {
        let variances = Set(
            graph.nodes.filter { $0.operation is BatchNormalization }.map { $0.key("running_var") })
        for (name, tensor) in stateDictionary.sorted(by: { $0.key < $1.key }) {
            if let position = tensor.isFinite ? nil : tensor.elements.firstIndex(where: { !$0.isFinite }) {
                return .notFinite(tensor: name, value: tensor.elements[position])
            }
            if variances.contains(name), let position = tensor.elements.firstIndex(where: { $0 < 0 }) {
                return .negativeVariance(tensor: name, value: tensor.elements[position])
            }
        }
        return nil
    }
}
