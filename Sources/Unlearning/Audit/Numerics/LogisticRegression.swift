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
