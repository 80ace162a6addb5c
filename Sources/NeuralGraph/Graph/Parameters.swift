/// A parameter tensor of an operation: its name, shape and initial values.
public struct ParameterSpecification: Sendable, Hashable {
    /// The name that follows the node's, such as `weight`.
    public let name: String
    /// The shape in state dictionaries, which is PyTorch's.
    public let shape: TensorShape
    /// The order of its elements in the engine's memory.
    package let layout: ParameterLayout
    /// The distribution of its first values.
    package let initializer: Initializer
    /// Whether training updates it; otherwise it has no gradient, and no optimizer sees it.
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
    /// The same parameter, which training leaves as it is.
    var untrained: ParameterSpecification {
        ParameterSpecification(name: name, shape: shape, layout: layout, initializer: initializer, isTrained: false)
    }

    /// Checks that the tensor can be held and stored.
    /// - Throws: ``ShapeError`` naming the node.
    func check(node: String) throws(ShapeError) {
        guard shape.checkedCount != nil else {
            throw ShapeError(
                node,
                "\(name) of shape \(shape.dimensions) is empty or larger than \(TensorShape.largestCount) numbers")
        }
        if case .permuted(let view, let order) = layout {
            guard view.count == shape.count, order.sorted() == Array(0..<view.rank) else {
                throw ShapeError(
                    node, "\(name) of shape \(shape) cannot be stored as \(view) with the axes in the order \(order)")
            }
        }
    }

    /// The same parameter under another name.
    func named(_ name: String) -> ParameterSpecification {
        ParameterSpecification(
            name: name, shape: shape, layout: layout, initializer: initializer, isTrained: isTrained)
    }
}

/// One tensor that training updates without a gradient, such as a running mean.
public struct StateSpecification: Sendable, Hashable {
    /// The name that follows the node's, such as `running_mean`.
    public let name: String
    /// The shape, which is PyTorch's.
    public let shape: TensorShape
    /// The value of all elements in a new network.
    package let initialValue: Float
    /// Whether files store it as a 64-bit integer, as PyTorch does.
    package let isInteger: Bool

    /// Describes a state tensor.
    public init(name: String, shape: TensorShape, initialValue: Float, isInteger: Bool = false) {
        self.name = name
        self.shape = shape
        self.initialValue = initialValue
        self.isInteger = isInteger
    }
}

/// The order of a parameter's elements in the engine's memory, relative to its shape in state dictionaries.
public enum ParameterLayout: Sendable, Hashable {
    /// The same order.
    case unchanged
    /// The elements as a tensor of shape `view`, stored with its axes in the order `order`.
    case permuted(view: TensorShape, order: [Int])

    /// Returns a tensor's elements in the engine's order.
    package func stored(_ tensor: Tensor) -> [Float] {
        guard case .permuted(let view, let order) = self, let viewed = try? tensor.reshaped(to: view) else {
            return tensor.elements
        }
        return viewed.reordered(order).elements
    }

    /// Returns the tensor of elements in the engine's order.
    package func restored(_ elements: [Float], shape: TensorShape) throws(ShapeError) -> Tensor {
        guard case .permuted(let view, let order) = self else { return try Tensor(elements, shape: shape) }
        var inverse = order
        for (position, axis) in order.enumerated() { inverse[axis] = position }
        let stored = try Tensor(elements, shape: TensorShape(order.map { view[$0] }))
        return try stored.reordered(inverse).reshaped(to: shape)
    }
}

/// The distribution of a parameter's first values.
public enum Initializer: Sendable, Hashable {
    /// One value for all elements.
    case constant(Float)
    /// Uniform between `-bound` and `bound`; PyTorch's default for weights and biases has the bound `1 / sqrt(fan in)`.
    case uniform(bound: Float)
    /// Normal with mean 0; He initialization (He et al. 2015, eq. 10) has the standard deviation `sqrt(2 / fan)`.
    case normal(standardDeviation: Float)

    /// Draws a tensor of a shape.
    package func tensor(shape: TensorShape, random: inout SeededRandom) -> Tensor {
        Tensor(shape: shape) { elements in
            for _ in 0..<shape.count {
                switch self {
                case .constant(let value): elements.append(value)
                case .uniform(let bound): elements.append(Float((2 * random.uniform() - 1) * Double(bound)))
                case .normal(let deviation): elements.append(Float(random.normal() * Double(deviation)))
                }
            }
        }
    }
}
