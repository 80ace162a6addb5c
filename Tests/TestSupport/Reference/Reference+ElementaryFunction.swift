import Foundation
package import NeuralGraph

extension Reference {
    /// A function as its formula says.
    package static func value(of function: ElementaryFunction, at x: Double) -> Double {
        switch function {
        case .sine: sin(x)
        case .cosine: cos(x)
        case .tangent: tan(x)
        case .arcsine: asin(x)
        case .arccosine: acos(x)
        case .arctangent: atan(x)
        case .hyperbolicSine: (exp(x) - exp(-x)) / 2
        case .hyperbolicCosine: (exp(x) + exp(-x)) / 2
        case .inverseHyperbolicSine: log(x + (x * x + 1).squareRoot())
        case .inverseHyperbolicCosine: log(x + (x * x - 1).squareRoot())
        case .inverseHyperbolicTangent: log((1 + x) / (1 - x)) / 2
        case .sign: x == 0 ? 0 : x / abs(x)
        case .floor: x.rounded(.down)
        case .ceiling: x.rounded(.up)
        case .rounding: x.rounded(.toNearestOrEven)
        case .thresholdedRectification(let threshold): x > Double(threshold) ? x : 0
        case .shrinkage(let threshold, let bias):
            x < -Double(threshold) ? x + Double(bias) : x > Double(threshold) ? x - Double(bias) : 0
        case .isPositive: x > 0 ? 1 : 0
        case .isZero: x == 0 ? 1 : 0
        case .isUndefined: x.isNaN ? 1 : 0
        case .isInfinite: x.isInfinite ? 1 : 0
        }
    }
}
