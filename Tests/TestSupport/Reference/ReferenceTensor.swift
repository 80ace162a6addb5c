import NeuralGraph

/// A batch of values in Double, in the engine's layout: `[batch, ...shape]`, channels last.
///
/// The functions of ``Reference`` compute on these by loops that follow the definitions; the engine is compared with
/// them.
public struct ReferenceTensor: Sendable {
    /// The number of examples.
    public let batch: Int
    /// The shape of one example.
    public let shape: Shape
    /// `batch * shape.count` numbers.
    public var elements: [Double]

    /// Creates a batch from its numbers.
    public init(_ elements: [Double], batch: Int, shape: Shape) {
        precondition(elements.count == batch * shape.count, "\(elements.count) numbers for \(batch) x \(shape)")
        self.batch = batch
        self.shape = shape
        self.elements = elements
    }

    /// Creates a batch of zeros.
    public init(batch: Int, shape: Shape) {
        self.init([Double](repeating: 0, count: batch * shape.count), batch: batch, shape: shape)
    }

    /// The position of a pixel's first channel; `shape` must be an image's.
    func offset(_ example: Int, _ row: Int, _ column: Int) -> Int {
        ((example * shape[0] + row) * shape[1] + column) * shape[2]
    }

    /// Each element put through a function.
    func map(_ transform: (Double) -> Double) -> ReferenceTensor {
        ReferenceTensor(elements.map(transform), batch: batch, shape: shape)
    }
}

/// Naive definitions of every operation, in Double.
public enum Reference {}
