/// Student's t distribution.
package enum StudentDistribution {
    /// Computes the quantile of a probability.
    ///
    /// With x = ν / (ν + t²), the probability beyond |t| on both sides is the incomplete beta function `I_x(ν/2, 1/2)`.
    /// - Parameters:
    ///   - probability: between 0 and 1.
    ///   - freedom: the degrees of freedom ν, above 0.
    package static func quantile(_ probability: Double, freedom: Double) -> Double {
        guard probability != 0.5 else { return 0 }
        let beyond = 2 * min(probability, 1 - probability)
        let x = BetaDistribution.quantile(beyond, freedom / 2, 0.5)
        let magnitude = (freedom * (1 - x) / x).squareRoot()
        return probability > 0.5 ? magnitude : -magnitude
    }
}
