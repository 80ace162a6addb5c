package import NeuralGraph

/// Accuracy by ``PrototypeRelearning`` for many choices of the images that make up the prototypes.
package struct RefittedPrototypes {
    /// The images of one choice, by their places among each class's members; classes in rising order.
    package typealias Choice = [[Int]]

    private let relearning: PrototypeRelearning
    /// The classes whose rows are rewritten, in rising order, with the features of their members.
    private let members: [(label: Int, features: DoubleMatrix)]
    private let examples: DoubleMatrix
    private let labels: [Int]
    /// Each example's largest logit of the classes whose rows stay.
    private let others: [Double]

    /// Prepares examples in question.
    /// - Parameters:
    ///   - members: features of training examples by forgotten class, one or more of each.
    ///   - examples: features of test examples, `[examples, width]`.
    ///   - labels: the class of each of these.
    package init(
        _ relearning: PrototypeRelearning, members: [Int: DoubleMatrix], asking examples: DoubleMatrix, labels: [Int]
    ) {
        self.relearning = relearning
        self.members = members.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        (self.examples, self.labels) = (examples, labels)
        let head = relearning.head
        let logits = examples.times(head.weights, transposingOther: true).subtracting(head.biases.map { -$0 })
        let fixed = head.biases.indices.filter { members[$0] == nil }
        others = (0..<examples.rows).map { row in fixed.reduce(-.infinity) { max($0, logits[row, $1]) } }
    }

    /// The number of members of each class whose row is rewritten, in rising order of the classes.
    package var memberCounts: [Int] { members.map(\.features.rows) }

    /// Computes for each choice which examples are recognized: 1 or 0, example after example in rows of choices.
    private func hits(_ choices: [Choice]) -> [Double] {
        let own: [[Double]] = members.enumerated().map { place, member in
            var weights = DoubleMatrix(repeating: 0, rows: choices.count, columns: member.features.rows)
            for (number, choice) in choices.enumerated() {
                for position in choice[place] { weights[number, position] += 1 / Double(choice[place].count) }
            }
            // Prototypes [choices x width] = weights [choices x members] · X [members x width]
            let prototypes = weights.times(member.features)
            var rows = DoubleMatrix(repeating: 0, rows: choices.count, columns: prototypes.columns)
            let biases = choices.indices.map { number in
                let prototype = Array(
                    prototypes.elements[number * prototypes.columns..<(number + 1) * prototypes.columns])
                let (row, bias) = relearning.row(for: prototype)
                for (column, value) in row.enumerated() { rows[number, column] = value }
                return bias
            }
            // Logits [examples x choices] = X [examples x width] · rowsᵀ [width x choices]
            return examples.times(rows, transposingOther: true).subtracting(biases.map { -$0 }).elements
        }
        return (0..<examples.rows * choices.count).map { index in
            let row = index / choices.count
            guard let place = members.firstIndex(where: { $0.label == labels[row] }) else { return 0 }
            let isLargest = own.indices.allSatisfy { $0 == place || own[$0][index] < own[place][index] }
            return isLargest && own[place][index] > others[row] ? 1 : 0
        }
    }

    /// Computes the mean accuracy over some choices in each of several resamples.
    /// - Parameters:
    ///   - choices: for each resample, the choices that accuracy is averaged over, as many for each.
    ///   - counts: for each resample, how often each example in question was drawn.
    package func accuracies(_ choices: [[Choice]], drawn counts: [[Double]]) -> [Double?] {
        guard let perResample = choices.first?.count, perResample > 0 else { return [] }
        let columns = choices.count * perResample
        let hits = hits(choices.flatMap { $0 })
        return choices.indices.map { number in
            var (right, total) = (0.0, 0.0)
            for (row, count) in counts[number].enumerated() where count > 0 {
                let start = row * columns + number * perResample
                right += count * hits[start..<start + perResample].reduce(0, +) / Double(perResample)
                total += count
            }
            return total > 0 ? right / total : nil
        }
    }
}
