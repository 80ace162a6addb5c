import NeuralGraph

/// What the original has to say about examples without the classes that are to be forgotten.
struct DistillationTargets {
    /// Each example's target, `[n, K]`: a part of its label and a part of the original's answer, forgotten logits masked.
    let targets: Tensor
    /// Each class's mean features, `[K, d]`; 0 where there is no example.
    let prototypes: Tensor
    /// The features' variance, summed over their directions.
    let variance: Double
    /// Which examples the original is right about, forgotten logits masked.
    private let isRight: [Bool]

    /// - Parameter answers: features and logits of the original, `[n, d + K]`.
    init(answers: Tensor, labels: [Int], classes K: Int, masking forgotten: Set<Int>, labelShare: Float) throws {
        let (n, d) = (labels.count, answers.shape[1] - K)
        var logits = Tensor(repeating: 0, shape: [n, K])
        for row in 0..<n { for k in 0..<K { logits[row * K + k] = answers[row * (d + K) + d + k] } }
        logits = logits.masking(forgotten)
        isRight = zip(Self.largest(logits, classes: K), labels).map { $0 == $1 }
        var targets = try Softmax.probabilities(of: logits)
        for index in 0..<n * K {
            targets[index] = (1 - labelShare) * targets[index] + (labels[index / K] == index % K ? labelShare : 0)
        }
        self.targets = targets
        var (sums, counts) = ([Double](repeating: 0, count: K * d), [Double](repeating: 0, count: K))
        var (total, squares) = ([Double](repeating: 0, count: d), 0.0)
        answers.withUnsafeElements { elements in
            for (row, label) in labels.enumerated() {
                counts[label] += 1
                for j in 0..<d {
                    let value = Double(elements[row * (d + K) + j])
                    sums[label * d + j] += value
                    total[j] += value
                    squares += value * value
                }
            }
        }
        let count = Double(max(1, n))
        variance = squares / count - total.reduce(0) { $0 + ($1 / count) * ($1 / count) }
        prototypes = try Tensor(
            sums.indices.map { Float(sums[$0] / max(1, counts[$0 / max(1, d)])) }, shape: [K, d])
    }

    /// The objective of a training on some of the examples.
    func objective(for examples: [Int], featureWeight: Double) throws -> PrototypeObjective {
        let K = targets.shape[1]
        let rows = examples.flatMap { row in (0..<K).map { targets[row * K + $0] } }
        // Features that are all the same have nothing to be pulled together.
        let weight = variance > 0 ? featureWeight / variance : 0
        return PrototypeObjective(
            targets: try Tensor(rows, shape: [examples.count, K]), prototypes: prototypes, weight: weight)
    }

    /// How many of some examples the original is right about.
    func correct(among examples: [Int]) -> Int { examples.count { isRight[$0] } }

    /// How many rows of features and logits, `[n, d + K]`, have the label's logit largest.
    static func correct(_ answers: Tensor, labels: [Int], classes K: Int) -> Int {
        let d = answers.shape[1] - K
        return labels.enumerated().count { row, label in
            let start = row * (d + K) + d
            return (0..<K).allSatisfy { $0 == label || answers[start + $0] < answers[start + label] }
        }
    }

    private static func largest(_ logits: Tensor, classes K: Int) -> [Int] {
        (0..<logits.shape[0]).map { row in
            (0..<K).max { logits[row * K + $0] < logits[row * K + $1] } ?? 0
        }
    }
}

extension Graph {
    /// The blocks with weights that a network can be cut after, in order: of what lies between two of them, some node mixes
    /// channels. The last layer is in none.
    var weightedBlocks: [String] {
        var blocks: [String] = []
        var weights = 0
        for name in stages(limit: 10_000) {
            guard let part = try? cut(at: name).head else { continue }
            let found = part.nodes.count { $0.parameters.contains { $0.shape.rank > 1 } }
            // The latest of those with the same weights: what comes between needs not be computed twice.
            if found == weights, !blocks.isEmpty { blocks.removeLast() } else if found == 0 { continue }
            weights = found
            blocks.append(name)
        }
        return blocks
    }
}
