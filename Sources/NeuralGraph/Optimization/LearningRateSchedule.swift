import Foundation

/// The course of the learning rate during a training; steps are counted from 0.
public enum LearningRateSchedule: Sendable, Codable, Hashable {
    /// The base rate throughout.
    case constant
    /// The base rate, multiplied by `factor` after every `every` steps, as PyTorch's `StepLR`.
    case step(every: Int, factor: Double)
    /// Half a cosine from the base rate down to `minimum`, as PyTorch's `CosineAnnealingLR` with `T_max` the number of
    /// steps (Loshchilov and Hutter 2017, eq. 5).
    case cosine(minimum: Double = 0)
    /// Up from `base / initialDivisor` to the base rate during the first `warmUpFraction` of the steps, then down to
    /// `base / initialDivisor / finalDivisor`, both along half a cosine, as PyTorch's `OneCycleLR` with `max_lr` the
    /// base rate (Smith and Topin 2018).
    case oneCycle(warmUpFraction: Double = 0.3, initialDivisor: Double = 25, finalDivisor: Double = 1e4)

    /// Half a cosine down to 0.
    public static let cosine = LearningRateSchedule.cosine()
    /// One cycle with PyTorch's settings.
    public static let oneCycle = LearningRateSchedule.oneCycle()

    /// Checks the settings.
    /// - Throws: ``OptimizationError`` naming the first that is out of range.
    package func validate() throws(OptimizationError) {
        let positive = Double.leastNonzeroMagnitude...
        switch self {
        case .constant: return
        case .step(let every, let factor):
            guard every > 0 else {
                throw OptimizationError("schedule", "\(every) steps between changes; use 1 or more")
            }
            try OptimizationError.check("schedule factor", factor, isIn: positive, "use a number above 0")
        case .cosine(let minimum):
            try OptimizationError.check("schedule minimum", minimum, isIn: 0..., "use 0 or more")
        case .oneCycle(let warmUpFraction, let initialDivisor, let finalDivisor):
            try OptimizationError.check("warm-up fraction", warmUpFraction, isIn: 0...1, "use a share from 0 to 1")
            try OptimizationError.check(
                "initial divisor", initialDivisor, isIn: positive, "use a number above 0")
            try OptimizationError.check("final divisor", finalDivisor, isIn: positive, "use a number above 0")
        }
    }

    /// Returns the rate of one step; steps outside `0...total` have the rate of the nearest.
    /// - Parameters:
    ///   - base: the rate that the schedule starts from, or for one cycle its largest.
    ///   - step: the number of steps already taken.
    ///   - total: the number of steps in the training.
    package func rate(base: Double, step: Int, of total: Int) -> Double {
        let total = max(1, total)
        let step = min(max(0, step), total)
        switch self {
        case .constant:
            return base
        case .step(let every, let factor):
            return base * pow(factor, Double(step / max(1, every)))
        case .cosine(let minimum):
            return Self.anneal(from: base, to: minimum, Double(step) / Double(total))
        case .oneCycle(let warmUpFraction, let initialDivisor, let finalDivisor):
            let initial = base / initialDivisor
            let (position, last) = (Double(min(step, total - 1)), Double(total - 1))
            let top = warmUpFraction * Double(total) - 1
            if position <= top || top >= last {
                return top > 0 ? Self.anneal(from: initial, to: base, position / top) : base
            }
            return Self.anneal(from: base, to: initial / finalDivisor, (position - top) / (last - top))
        }
    }

    private static func anneal(from start: Double, to end: Double, _ fraction: Double) -> Double {
        end + (start - end) / 2 * (1 + cos(.pi * fraction))
    }
}
