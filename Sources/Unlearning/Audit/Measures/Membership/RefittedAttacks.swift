/// An attack on membership by one score, which is fitted again to resampled examples.
///
/// Where its boundary lies follows from the examples that it was fitted to, so that the share of examples that it calls
/// members moves with these too.
package struct RefittedAttack: Sendable {
    private let members: [Double]
    private let nonMembers: [Double]
    private let examples: [Double]
    private let fit: LogisticRegression

    /// Fits the attack to all examples.
    /// - Parameters:
    ///   - members: the scores of retained training examples.
    ///   - nonMembers: the scores of retained test examples.
    ///   - examples: the scores of the examples in question.
    /// - Returns: nil without examples to learn from.
    package init?(members: [Double], nonMembers: [Double], asking examples: [Double]) {
        guard let fit = LogisticRegression(members: members, others: nonMembers) else { return nil }
        (self.members, self.nonMembers, self.examples, self.fit) = (members, nonMembers, examples, fit)
    }

    /// The number of examples of each kind: members, non-members, examples in question.
    package var kinds: [Int] { [members.count, nonMembers.count, examples.count] }

    /// Computes the share of the drawn examples in question that the attack calls members if it is fitted to what was drawn.
    /// - Parameter counts: how often each example of each kind was drawn.
    /// - Returns: nil if no example of a kind was drawn.
    package func share(drawn counts: [[Double]]) -> Double? {
        let total = counts[2].reduce(0, +)
        guard total > 0,
            let attack = fit.refitted(
                members: members, memberCounts: counts[0], others: nonMembers, otherCounts: counts[1])
        else { return nil }
        return zip(examples, counts[2]).reduce(0) { $0 + (attack.isMember($1.0) ? $1.1 : 0) } / total
    }
}

/// The ``LossAttack``, whose folds are fitted again to resampled examples.
///
/// An example keeps its fold however often it is drawn, so that no copy of it is in what its own answer is learned from.
package struct RefittedLossAttack: Sendable {
    /// What one fold's attack is learned from and tested on.
    private struct Fold: Sendable {
        let fit: LogisticRegression
        let memberRows: [Int]
        let otherRows: [Int]
        let learnedMembers: [Double]
        let learnedOthers: [Double]
        let learnedMemberRows: [Int]
        let learnedOtherRows: [Int]
    }

    private let members: [Double]
    private let others: [Double]
    private let folds: [Fold]

    /// Fits every fold's attack; the parameters are those of ``LossAttack/scores(members:others:memberFolds:otherFolds:)``.
    /// - Returns: nil if a fold has only one kind to learn from.
    package init?(members: [Double], others: [Double], memberFolds: [Int], otherFolds: [Int]) {
        var folds: [Fold] = []
        for number in Set(memberFolds).union(otherFolds).sorted() {
            let memberRows = members.indices.filter { memberFolds[$0] != number }
            let otherRows = others.indices.filter { otherFolds[$0] != number }
            let (learned, learnedOthers) = (memberRows.map { members[$0] }, otherRows.map { others[$0] })
            guard let fit = LogisticRegression(members: learned, others: learnedOthers) else { return nil }
            folds.append(
                Fold(
                    fit: fit, memberRows: members.indices.filter { memberFolds[$0] == number },
                    otherRows: others.indices.filter { otherFolds[$0] == number }, learnedMembers: learned,
                    learnedOthers: learnedOthers, learnedMemberRows: memberRows, learnedOtherRows: otherRows))
        }
        (self.members, self.others, self.folds) = (members, others, folds)
    }

    /// The number of examples of each kind: members, others.
    package var kinds: [Int] { [members.count, others.count] }

    /// Computes the balanced accuracy over the drawn examples, each told by an attack that is fitted to those of other folds.
    /// - Parameter counts: how often each example of each kind was drawn.
    /// - Returns: nil if a fold has only one kind to learn from.
    package func balancedAccuracy(drawn counts: [[Double]]) -> Double? {
        let totals = counts.map { $0.reduce(0, +) }
        guard totals.allSatisfy({ $0 > 0 }) else { return nil }
        var right = (0.0, 0.0)
        for fold in folds {
            let attack = fold.fit.refitted(
                members: fold.learnedMembers, memberCounts: fold.learnedMemberRows.map { counts[0][$0] },
                others: fold.learnedOthers, otherCounts: fold.learnedOtherRows.map { counts[1][$0] })
            guard let attack else { return nil }
            for row in fold.memberRows where attack.isMember(members[row]) { right.0 += counts[0][row] }
            for row in fold.otherRows where !attack.isMember(others[row]) { right.1 += counts[1][row] }
        }
        return (right.0 / totals[0] + right.1 / totals[1]) / 2
    }
}
