package import NeuralGraph

/// Cross-entropy with a target distribution q, plus the distance of features f from a mixture of class prototypes m.
///
/// The mixture's weights are q; the distance is in multiples of the features' variance V:
///
///     -Σ_k q_k log softmax(z)_k + μ ‖f - Σ_k q_k m_k‖² / V
///
/// Rows of outputs are features and logits, `[d + K]`, as ``NeuralGraph/Graph/withFeatureOutput`` gives them.
package struct PrototypeObjective: BatchObjective {
    /// `[examples, K]`.
    package let targets: Tensor
    /// `[K, d]`.
    package let prototypes: Tensor
    /// μ / V.
    package let weight: Double

    package init(targets: Tensor, prototypes: Tensor, weight: Double) {
        self.targets = targets
        self.prototypes = prototypes
        self.weight = weight
    }

    /// Below this a class has no part in a mixture: of many classes, few have one.
    private static let leastShare: Float = 1e-4

    package func evaluate(_ outputs: BatchOutputs, gradient: UnsafeMutablePointer<Float>) -> LossValue {
        let (K, d, n) = (prototypes.shape[0], prototypes.shape[1], outputs.count)
        return withUnsafeTemporaryAllocation(of: Float.self, capacity: 3 * n * K) { buffer in
            guard let logits = buffer.baseAddress else { return LossValue(loss: .nan, correct: 0) }
            let (target, slopes) = (logits + n * K, logits + 2 * n * K)
            targets.withUnsafeElements { elements in
                guard let source = elements.baseAddress else { return }
                for row in 0..<n {
                    (logits + row * K).update(from: outputs.logits + row * (d + K) + d, count: K)
                    (target + row * K).update(from: source + outputs.indices[row] * K, count: K)
                }
            }
            var value = CrossEntropy().evaluate(
                logits: logits, count: n, classes: K, targets: .probabilities(target), gradient: slopes)
            for row in 0..<n {
                let start = gradient + row * (d + K)
                (start + d).update(from: slopes + row * K, count: K)
                value.loss +=
                    addDistance(outputs.logits + row * (d + K), target + row * K, gradient: start, share: 1 / Double(n))
            }
            return value
        }
    }

    /// One row's distance, times its share of the mean, and its gradient by the features.
    private func addDistance(
        _ features: UnsafePointer<Float>, _ target: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>,
        share: Double
    ) -> Double {
        let (K, d) = (prototypes.shape[0], prototypes.shape[1])
        gradient.update(from: features, count: d)
        prototypes.withUnsafeElements { elements in
            guard let means = elements.baseAddress else { return }
            for k in 0..<K where target[k] > Self.leastShare {
                let (part, mean) = (target[k], means + k * d)
                for j in 0..<d { gradient[j] -= part * mean[j] }
            }
        }
        var sum = 0.0
        let slope = Float(2 * weight * share)
        for j in 0..<d {
            sum += Double(gradient[j]) * Double(gradient[j])
            gradient[j] *= slope
        }
        return weight * share * sum
    }
}
