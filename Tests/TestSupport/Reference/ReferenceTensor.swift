package import NeuralGraph

/// A batch of values in Double, in the engine's layout: `[batch, ...shape]`, channels last.
///
/// The functions of ``Reference`` compute on these by loops that follow the definitions; the engine is compared with
/// them.
package struct ReferenceTensor: Sendable {
    /// The number of examples.
    package let batch: Int
    /// The shape of one example.
    package let shape: TensorShape
    /// `batch * shape.count` numbers.
    package var elements: [Double]

    /// Creates a batch from its numbers.
    package init(_ elements: [Double], batch: Int, shape: TensorShape) {
        precondition(elements.count == batch * shape.count, "\(elements.count) numbers for \(batch) x \(shape)")
        self.batch = batch
        self.shape = shape
        self.elements = elements
    }

    /// Creates a batch of zeros.
    package init(batch: Int, shape: TensorShape) {
        self.init([Double](repeating: 0, count: batch * shape.count), batch: batch, shape: shape)
    }

    /// Some of the batch's examples.
    func examples(_ range: Range<Int>) -> ReferenceTensor {
        let elements = elements[(range.lowerBound * shape.count)..<(range.upperBound * shape.count)]
        return ReferenceTensor(Array(elements), batch: range.count, shape: shape)
    }

    /// The position of a pixel's first channel; `shape` must be an image's.
    func offset(_ example: Int, _ row: Int, _ column: Int) -> Int {
        ((example * shape[0] + row) * shape[1] + column) * shape[2]
    }

    /// The number at a place, one index an axis.
    func element(_ example: Int, _ index: [Int]) -> Double {
        var place = example
        for (axis, value) in index.enumerated() { place = place * shape[axis] + value }
        return elements[place]
    }

    /// Calls `body` for every number in order, with its example and its index on each axis.
    func forEachIndex(_ body: (_ example: Int, _ index: [Int], _ value: Double) -> Void) {
        var index = [Int](repeating: 0, count: shape.rank)
        for (place, value) in elements.enumerated() {
            body(place / shape.count, index, value)
            var axis = shape.rank - 1
            while axis >= 0 {
                index[axis] += 1
                if index[axis] < shape[axis] { break }
                index[axis] = 0
                axis -= 1
            }
        }
    }

    /// Replaces every number by what `value` says of its example and its index on each axis.
    mutating func fill(_ value: (_ example: Int, _ index: [Int]) -> Double) {
        var result: [Double] = []
        result.reserveCapacity(elements.count)
        forEachIndex { example, index, _ in result.append(value(example, index)) }
        elements = result
    }

    /// Each element put through a function.
    func map(_ transform: (Double) -> Double) -> ReferenceTensor {
        ReferenceTensor(elements.map(transform), batch: batch, shape: shape)
    }
}

/// Naive definitions of every operation, in Double.
package enum Reference {}
