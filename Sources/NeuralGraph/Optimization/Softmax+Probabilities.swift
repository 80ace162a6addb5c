import Foundation

/// Probabilities from a network's outputs.
extension Softmax {
    /// Computes rows of probabilities from rows of logits.
    /// - Parameters:
    ///   - logits: `[n, K]`.
    ///   - temperature: above 0; the logits are divided by it first.
    ///   - probabilities: memory for `[n, K]`, which may be the logits' own.
    package static func probabilities(
        logits: UnsafePointer<Float>, count n: Int, classes K: Int, temperature: Float = 1,
        into probabilities: UnsafeMutablePointer<Float>
    ) {
        for row in 0..<n {
            let softmax = LogSoftmaxRow(logits + row * K, classes: K, scale: 1 / Double(temperature))
            for k in 0..<K { probabilities[row * K + k] = Float(softmax.probability(k)) }
        }
    }

    /// Computes the probabilities `[n, K]` of logits `[n, K]`.
    /// - Throws: ``ShapeError`` unless the tensor has two axes.
    public static func probabilities(of logits: Tensor) throws(ShapeError) -> Tensor {
        guard logits.shape.rank == 2 else {
            throw ShapeError("softmax", "logits of shape \(logits.shape) are not a batch of rows, [n, K]")
        }
        var result = logits
        result.withMutableElements { elements in
            elements.withUnsafeMutableBufferPointer { buffer in
                guard let start = buffer.baseAddress else { return }
                probabilities(logits: start, count: logits.shape[0], classes: logits.shape[1], into: start)
            }
        }
        return result
    }

    /// Computes the logarithms of the probabilities, `[n, K]` in row-major order, of logits `[n, K]`.
    ///
    /// They are in Double, so that a probability too small for a Float keeps its logarithm. A row with a NaN becomes NaN.
    /// - Throws: ``ShapeError`` unless the tensor has two axes.
    package static func logProbabilities(of logits: Tensor) throws(ShapeError) -> [Double] {
        guard logits.shape.rank == 2 else {
            throw ShapeError("softmax", "logits of shape \(logits.shape) are not a batch of rows, [n, K]")
        }
        let K = logits.shape[1]
        return logits.withUnsafeElements { elements in
            guard let start = elements.baseAddress else { return [] }
            return (0..<logits.shape[0]).flatMap { row in
                let softmax = LogSoftmaxRow(start + row * K, classes: K)
                return (0..<K).map { softmax[$0] }
            }
        }
    }
}

/// One row's logarithmic softmax in Double; the largest logit is subtracted first, so that no finite logit overflows.
struct LogSoftmaxRow {
    let logits: UnsafePointer<Float>
    let scale: Double
    let maximum: Double
    let logSum: Double
    /// The class of the largest logit, the first of equal ones; -1 if a logit is NaN.
    let largest: Int

    init(_ logits: UnsafePointer<Float>, classes K: Int, scale: Double = 1) {
        let largest = Self.largest(logits, classes: K)
        let maximum = K > 0 ? Double(logits[max(0, largest)]) : 0
        var sum = 0.0
        for k in 0..<K { sum += exp((Double(logits[k]) - maximum) * scale) }
        self.logits = logits
        self.scale = scale
        self.maximum = maximum
        self.largest = largest
        logSum = log(sum)
    }

    /// The logarithm of a class's probability.
    @inline(__always)
    subscript(k: Int) -> Double { (Double(logits[k]) - maximum) * scale - logSum }

    /// A class's probability.
    @inline(__always)
    func probability(_ k: Int) -> Double { exp(self[k]) }

    static func largest(_ values: UnsafePointer<Float>, classes K: Int) -> Int {
        var best = K > 0 ? 0 : -1
        for k in 0..<K {
            if values[k].isNaN { return -1 }
            if values[k] > values[best] { best = k }
        }
        return best
    }
}
