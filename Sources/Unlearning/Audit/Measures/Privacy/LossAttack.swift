import ImageDatasets
import NeuralGraph

/// Membership inference from the loss with cross-validation: how well a logistic regression on one number tells examples
/// that were trained on from others of the same classes. The figure is the balanced accuracy on held-out folds, 0 to 1;
/// 1/2 is guessing, and about what a retrained model gives.
///
/// Source: Kurmanji et al. 2023, "Towards Unbounded Machine Unlearning" (arXiv 2302.09880), section 4.3.
public enum LossAttack {
    /// Each example's part of the balanced accuracy, whose mean it is: members first, then the others. An example that is
    /// told right counts `n / (2 · examples of its kind)`, another one 0. Nil if a fold lacks either kind to learn from.
    /// - Parameters:
    ///   - members: the loss of each example that was trained on.
    ///   - others: the loss of each example that was not.
    ///   - memberFolds: the fold of each member, from 0.
    ///   - otherFolds: the fold of each other example.
    public static func scores(
        members: [Double], others: [Double], memberFolds: [Int], otherFolds: [Int]
    ) -> [Double]? {
        let half = Double(members.count + others.count) / 2
        var memberScores = [Double](repeating: 0, count: members.count)
        var otherScores = [Double](repeating: 0, count: others.count)
        for fold in Set(memberFolds).union(otherFolds).sorted() {
            let attack = LogisticRegression(
                members: zip(members, memberFolds).filter { $0.1 != fold }.map(\.0),
                others: zip(others, otherFolds).filter { $0.1 != fold }.map(\.0))
            guard let attack else { return nil }
            for index in members.indices where memberFolds[index] == fold && attack.isMember(members[index]) {
                memberScores[index] = half / Double(members.count)
            }
            for index in others.indices where otherFolds[index] == fold && !attack.isMember(others[index]) {
                otherScores[index] = half / Double(others.count)
            }
        }
        return memberScores + otherScores
    }

    /// Deals examples into folds of one size, but for one, at random.
    public static func folds(count: Int, folds: Int = 5, seed: UInt64) -> [Int] {
        var order = Array(0..<count)
        var random = SeededRandom(seed: seed, stream: "folds")
        random.draw(count, toFrontOf: &order)
        var result = [Int](repeating: 0, count: count)
        for (place, index) in order.enumerated() { result[index] = place % max(1, folds) }
        return result
    }
}
