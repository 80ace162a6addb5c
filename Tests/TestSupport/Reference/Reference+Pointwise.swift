package import NeuralGraph

extension Reference {
    /// `min(max(x, 0), ceiling)`.
    package static func rectification(_ x: ReferenceTensor, _ operation: ReLU) -> ReferenceTensor {
        x.map { min(max($0, 0), Double(operation.ceiling)) }
    }

    /// `x` times the factors that dropout drew: 0, or the inverse of the share that stays.
    package static func dropout(_ x: ReferenceTensor, factors: [Double]) -> ReferenceTensor {
        ReferenceTensor(zip(x.elements, factors).map { $0 * $1 }, batch: x.batch, shape: x.shape)
    }

    /// `a + b`.
    package static func addition(_ a: ReferenceTensor, _ b: ReferenceTensor) -> ReferenceTensor {
        ReferenceTensor(zip(a.elements, b.elements).map { $0 + $1 }, batch: a.batch, shape: a.shape)
    }
}
