import Foundation

/// Balanced logistic regression on one feature, `P(member | x) = σ(weight · x + intercept)`.
///
/// The fit minimizes the objective of scikit-learn's `LogisticRegression(class_weight="balanced")` by Newton's method:
/// `1/(2C) weight² + Σ_i s_i log(1 + exp(-y_i (weight · x_i + intercept)))`, y = ±1. The weights s_i give both classes
/// the same sum.
package struct LogisticRegression: Sendable, Hashable {
    /// The feature's weight.
    package let weight: Double
    /// The intercept, which is not penalized.
    package let intercept: Double

    /// Fits members against others.
    /// - Parameters:
    ///   - members: the feature of each member; finite.
    ///   - others: the feature of each non-member; finite.
    ///   - C: the inverse strength of the penalty, above 0.
    /// - Returns: nil if one of the lists is empty.
    package init?(members: [Double], others: [Double], C: Double = 1) {
        guard !members.isEmpty, !others.isEmpty else { return nil }
        let data = Data(members: members, others: others, penalty: 1 / C)
        var parameters = (weight: 0.0, intercept: 0.0)
        var value = data.objective(parameters)
        for _ in 0..<Self.maximumSteps {
            let step = data.newtonStep(parameters)
            var length = 1.0
            var next = parameters
            var nextValue = value
            repeat {
                next = (parameters.weight - length * step.weight, parameters.intercept - length * step.intercept)
                nextValue = data.objective(next)
                length /= 2
            } while !(nextValue <= value) && length > 1e-10
            guard nextValue < value else { break }
            let gain = value - nextValue
            (parameters, value) = (next, nextValue)
            if gain <= 1e-14 * max(1, abs(value)) { break }
        }
        weight = parameters.weight
        intercept = parameters.intercept
    }

    private init(weight: Double, intercept: Double) {
        (self.weight, self.intercept) = (weight, intercept)
    }

    /// Fits examples that were drawn again from those of this fit.
    ///
    /// Newton's method starts from this fit, which is close; where it does not settle at once, the examples are fitted as
    /// if they were new.
    /// - Parameters:
    ///   - memberCounts: how often each member was drawn.
    ///   - otherCounts: how often each non-member was drawn.
    /// - Returns: nil if no example of one kind was drawn.
    func refitted(
        members: [Double], memberCounts: [Double], others: [Double], otherCounts: [Double], C: Double = 1
    ) -> LogisticRegression? {
        let (drawnMembers, drawnOthers) = (memberCounts.reduce(0, +), otherCounts.reduce(0, +))
        guard drawnMembers > 0, drawnOthers > 0 else { return nil }
        let half = (drawnMembers + drawnOthers) / 2
        var (weight, intercept) = (weight, intercept)
        for _ in 0..<Self.maximumRefitSteps {
            var sums = Curvature(weight: weight, penalty: 1 / C)
            sums.add(members, memberCounts, sign: 1, scale: half / drawnMembers, at: (weight, intercept))
            sums.add(others, otherCounts, sign: -1, scale: half / drawnOthers, at: (weight, intercept))
            guard let step = sums.newtonStep else { break }
            (weight, intercept) = (weight - step.weight, intercept - step.intercept)
            // The step in standard errors, of which the next one would be about the square.
            if step.decrement < 1e-6 { return LogisticRegression(weight: weight, intercept: intercept) }
        }
        func drawn(_ features: [Double], _ counts: [Double]) -> [Double] {
            zip(features, counts).flatMap { [Double](repeating: $0, count: Int($1)) }
        }
        return LogisticRegression(
            members: drawn(members, memberCounts), others: drawn(others, otherCounts), C: C)
    }

    private static let maximumRefitSteps = 8

    /// Slope and curvature of the objective of examples with weights.
    private struct Curvature {
        private var slope: (Double, Double)
        private var (a, b, d): (Double, Double, Double)

        init(weight: Double, penalty: Double) {
            slope = (penalty * weight, 0)
            (a, b, d) = (penalty, 0, 0)
        }

        mutating func add(
            _ features: [Double], _ counts: [Double], sign: Double, scale: Double,
            at parameters: (weight: Double, intercept: Double)
        ) {
            for (feature, count) in zip(features, counts) where count > 0 {
                let wrong = LogisticRegression.sigmoid(-sign * (parameters.weight * feature + parameters.intercept))
                let pull = -scale * count * sign * wrong
                slope.0 += pull * feature
                slope.1 += pull
                let curvature = scale * count * wrong * (1 - wrong)
                a += curvature * feature * feature
                b += curvature * feature
                d += curvature
            }
        }

        /// The inverse Hessian times the gradient, and the square of its length in the Hessian's norm; nil where the
        /// curvature vanishes up to rounding.
        var newtonStep: (weight: Double, intercept: Double, decrement: Double)? {
            let determinant = a * d - b * b
            guard determinant > 1e-12 * a * d, determinant.isFinite else { return nil }
            let step = ((d * slope.0 - b * slope.1) / determinant, (a * slope.1 - b * slope.0) / determinant)
            let decrement = step.0 * slope.0 + step.1 * slope.1
            return decrement.isFinite ? (step.0, step.1, decrement) : nil
        }
    }

    /// Computes the probability that an example with this feature is a member.
    package func probability(_ feature: Double) -> Double { Self.sigmoid(weight * feature + intercept) }

    /// Classifies an example with this feature: a member if its probability is above 1/2.
    package func isMember(_ feature: Double) -> Bool { weight * feature + intercept > 0 }

    private static let maximumSteps = 200

    private static func sigmoid(_ x: Double) -> Double {
        x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x))
    }

    /// The examples with their weights.
    private struct Data {
        let groups: [(features: [Double], sign: Double, weight: Double)]
        let penalty: Double

        init(members: [Double], others: [Double], penalty: Double) {
            let half = Double(members.count + others.count) / 2
            groups = [
                (members, 1, half / Double(members.count)), (others, -1, half / Double(others.count)),
            ]
            self.penalty = penalty
        }

        func objective(_ parameters: (weight: Double, intercept: Double)) -> Double {
            var sum = 0.5 * penalty * parameters.weight * parameters.weight
            for group in groups {
                for feature in group.features {
                    let margin = group.sign * (parameters.weight * feature + parameters.intercept)
                    // log(1 + exp(-margin)), without overflow.
                    sum += group.weight * (max(0, -margin) + log1p(exp(-abs(margin))))
                }
            }
            return sum
        }

        /// The inverse Hessian times the gradient.
        func newtonStep(
            _ parameters: (weight: Double, intercept: Double)
        ) -> (weight: Double, intercept: Double) {
            var (slope, level) = (penalty * parameters.weight, 0.0)
            var (a, b, d) = (penalty, 0.0, 0.0)
            for group in groups {
                for feature in group.features {
                    let score = parameters.weight * feature + parameters.intercept
                    let wrong = sigmoid(-group.sign * score)
                    let pull = -group.weight * group.sign * wrong
                    slope += pull * feature
                    level += pull
                    let curvature = group.weight * wrong * (1 - wrong)
                    a += curvature * feature * feature
                    b += curvature * feature
                    d += curvature
                }
            }
            let determinant = a * d - b * b
            guard determinant > 1e-300, determinant.isFinite else {
                // The curvature vanishes up to rounding, so that a scaled gradient step is used instead.
                return (slope / max(a, 1e-12), level / max(d, 1e-12))
            }
            return ((d * slope - b * level) / determinant, (a * level - b * slope) / determinant)
        }
    }
}
