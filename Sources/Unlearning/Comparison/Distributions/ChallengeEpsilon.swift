import Foundation

/// The privacy estimate of the NeurIPS 2023 unlearning challenge: how well a rule can tell unlearned from retrained models by one image.
///
/// Every image has a confidence `φ` by each model, see ``LikelihoodRatioAttack/confidences(_:labels:)``. A rule calls a
/// model unlearned if its φ is in an interval, or outside it; intervals may be open to one side. A rule with the false
/// positive rate FPR and the false negative rate FNR shows that
/// `ε ≥ max(ln(1 - δ - FPR) - ln FNR, ln(1 - δ - FNR) - ln FPR)`, and ε is the largest of these bounds. A rule that makes
/// only one kind of error is left out, since a rate of 0 is more than a few models can show.
///
/// Source: Triantafillou et al. 2024, Are We Making Progress in Unlearning? (arXiv 2406.09073)
package enum ChallengeEpsilon {
    /// The probability with which ε may be exceeded.
    package static let delta = 1e-5
    /// The value for an image by which both kinds of models are told without an error.
    package static let cap = 50.0
    /// The width of the bins of ε that give an image its points.
    static let binWidth = 0.5

    /// Computes ε of one image, 0 to ``cap``.
    /// - Parameters:
    ///   - unlearned: φ by each unlearned model, one or more.
    ///   - retrained: φ by each retrained model, one or more.
    package static func value(unlearned: [Double], retrained: [Double]) -> Double {
        let ranges = [unlearned, retrained].map { ($0.max() ?? 0) - ($0.min() ?? 0) }
        // Models that all answer alike are told apart by that alone.
        guard min(ranges[0], ranges[1]) >= 0.01 * max(ranges[0], ranges[1]) else { return cap }
        let counts = CumulativeCounts(unlearned, retrained)
        let bounds = ErrorBounds(unlearned: unlearned.count, retrained: retrained.count)
        var largest = 0.0
        for end in counts.first.indices.dropFirst() {
            for start in 0..<end {
                let caught = counts.first[end] - counts.first[start]
                let wrong = counts.second[end] - counts.second[start]
                let inside = bounds.epsilon(missed: unlearned.count - caught, wrong: wrong)
                let outside = bounds.epsilon(missed: caught, wrong: retrained.count - wrong)
                largest = max(largest, inside, outside)
            }
        }
        return min(largest, cap)
    }

    /// Computes the largest finite ε that a number of models of either kind can show, `ln(N - 1)`.
    package static func ceiling(models: Int) -> Double { log(Double(max(2, models) - 1)) }

    /// Computes an image's points, 1 for an ε below 0.5 and half as many for every further 0.5.
    ///
    /// The last bin ends at the next integer above ``ceiling(models:)``; the challenge's 512 models had bins up to 6.5.
    package static func points(_ epsilon: Double, models: Int) -> Double {
        let bins = max(1, Int((ceiling(models: models).rounded(.up) / binWidth)))
        return exp2(-Double(min(Int(epsilon / binWidth), bins - 1)))
    }
}

/// Counts of two lists' values up to each of their distinct values, from 0 to all.
private struct CumulativeCounts {
    private(set) var first = [0]
    private(set) var second = [0]

    init(_ firstValues: [Double], _ secondValues: [Double]) {
        let (firstSorted, secondSorted) = (firstValues.sorted(), secondValues.sorted())
        var (passed, otherPassed) = (0, 0)
        while passed < firstSorted.count || otherPassed < secondSorted.count {
            let next = min(
                passed < firstSorted.count ? firstSorted[passed] : .infinity,
                otherPassed < secondSorted.count ? secondSorted[otherPassed] : .infinity)
            while passed < firstSorted.count, firstSorted[passed] <= next { passed += 1 }
            while otherPassed < secondSorted.count, secondSorted[otherPassed] <= next { otherPassed += 1 }
            first.append(passed)
            second.append(otherPassed)
        }
    }
}

/// The bounds on ε by the errors of a rule, from tables of logarithms.
private struct ErrorBounds {
    /// `ln(missed / unlearned)`.
    private let missedLogarithms: [Double]
    /// `ln(wrong / retrained)`.
    private let wrongLogarithms: [Double]
    /// `ln(1 - δ - missed / unlearned)`; minus infinity where there is none.
    private let missedComplements: [Double]
    /// `ln(1 - δ - wrong / retrained)`; minus infinity where there is none.
    private let wrongComplements: [Double]

    init(unlearned: Int, retrained: Int) {
        func shares(_ count: Int) -> [Double] { (0...count).map { Double($0) / Double(count) } }
        func complement(_ share: Double) -> Double { log(max(0, 1 - ChallengeEpsilon.delta - share)) }
        missedLogarithms = shares(unlearned).map { log($0) }
        wrongLogarithms = shares(retrained).map { log($0) }
        missedComplements = shares(unlearned).map(complement)
        wrongComplements = shares(retrained).map(complement)
    }

    /// The bound by a rule's errors: unlearned models that it missed, and retrained ones that it called unlearned.
    func epsilon(missed: Int, wrong: Int) -> Double {
        switch (missed == 0, wrong == 0) {
        case (true, true): ChallengeEpsilon.cap
        case (true, false), (false, true): 0
        case (false, false):
            max(
                wrongComplements[wrong] - missedLogarithms[missed], missedComplements[missed] - wrongLogarithms[wrong])
        }
    }
}
