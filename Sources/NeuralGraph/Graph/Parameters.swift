/// One parameter tensor of an operation: its name in the state dictionary, its shape, and how it starts.
public struct ParameterSpecification: Sendable, Hashable {
    /// The name below the node's, such as `weight`.
    public let name: String
    /// The shape at the package's border, which is PyTorch's.
    public let shape: TensorShape
    /// How the engine stores it.
    package let layout: ParameterLayout
    /// How a new network starts.
    package let initializer: Initializer
    /// Whether training may move it. What is not trained has no gradient, and no optimizer sees it.
    package let isTrained: Bool

    /// Describes a parameter.
    public init(
        name: String, shape: TensorShape, layout: ParameterLayout = .unchanged, initializer: Initializer,
        isTrained: Bool = true
    ) {
        self.name = name
        self.shape = shape
        self.layout = layout
        self.initializer = initializer
        self.isTrained = isTrained
    }
}

extension ParameterSpecification {
    /// The same parameter as one that no training moves.
    var untrained: ParameterSpecification {
        ParameterSpecification(name: name, shape: shape, layout: layout, initializer: initializer, isTrained: false)
    }

    /// The same parameter under another name.
    func named(_ name: String) -> ParameterSpecification {
        ParameterSpecification(
            name: name, shape: shape, layout: layout, initializer: initializer, isTrained: isTrained)
    }
}

/// One tensor that training updates without a gradient, such as a running mean.
public struct StateSpecification: Sendable, Hashable {
    /// The name below the node's, such as `running_mean`.
    public let name: String
    /// The shape, which is PyTorch's.
    public let shape: TensorShape
    /// The value that a new network starts with.
    package let initialValue: Float
    /// Whether PyTorch keeps it as a 64-bit integer; files follow.
    package let isInteger: Bool

    /// Describes a state tensor.
    public init(name: String, shape: TensorShape, initialValue: Float, isInteger: Bool = false) {
        self.name = name
        self.shape = shape
        self.initialValue = initialValue
        self.isInteger = isInteger
    }
}

/// How the engine orders a parameter in memory, against its shape at the package's border.
public enum ParameterLayout: Sendable, Hashable {
    /// As at the border.
    case unchanged
    /// The border's elements seen as a tensor of shape `view`, stored with its axes in `order`.
    case permuted(view: TensorShape, order: [Int])

    /// The engine's order of a tensor in the border's order.
    package func stored(_ tensor: Tensor) -> [Float] {
        guard case .permuted(let view, let order) = self, let viewed = try? tensor.reshaped(to: view) else {
            return tensor.elements
        }
        return viewed.transposed(order).elements
    }

    /// The border's order of elements in the engine's order.
    package func restored(_ elements: [Float], shape: TensorShape) throws(ShapeError) -> Tensor {
        guard case .permuted(let view, let order) = self else { return try Tensor(elements, shape: shape) }
        var inverse = order
        for (position, axis) in order.enumerated() { inverse[axis] = position }
        let stored = try Tensor(elements, shape: TensorShape(order.map { view[$0] }))
        return try stored.transposed(inverse).reshaped(to: shape)
    }
}

/// The distribution that a new network's parameter is drawn from.
public enum Initializer: Sendable, Hashable {
    /// One value everywhere.
    case constant(Float)
    /// Evenly between `-bound` and `bound`. PyTorch's default for weights and biases has bound 1 / sqrt(fan in).
    case uniform(bound: Float)
    /// Normal with mean 0. He initialization (He et al. 2015, eq. 10) has deviation sqrt(2 / fan).
    case normal(standardDeviation: Float)

    /// A new tensor of a shape.
    package func tensor(shape: TensorShape, random: inout SeededRandom) -> Tensor {
        Tensor(shape: shape) { buffer in
            for index in buffer.indices {
                switch self {
                case .constant(let value): buffer[index] = value
                case .uniform(let bound): buffer[index] = Float((2 * random.uniform() - 1) * Double(bound))
                case .normal(let deviation): buffer[index] = Float(random.normal() * Double(deviation))
                }
            }
        }
    }
}
