import Foundation

/// An elementwise function that few networks have, computed by the C library.
public enum ElementaryFunction: Sendable, Hashable {
    /// `sin(x)`
    case sine
    /// `cos(x)`
    case cosine
    /// `tan(x)`
    case tangent
    /// `arcsin(x)`
    case arcsine
    /// `arccos(x)`
    case arccosine
    /// `arctan(x)`
    case arctangent
    /// `sinh(x)`
    case hyperbolicSine
    /// `cosh(x)`
    case hyperbolicCosine
    /// `arsinh(x)`
    case inverseHyperbolicSine
    /// `arcosh(x)`
    case inverseHyperbolicCosine
    /// `artanh(x)`
    case inverseHyperbolicTangent
    /// -1, 0 or 1
    case sign
    /// The largest integer that is not above `x`
    case floor
    /// The smallest integer that is not below `x`
    case ceiling
    /// The nearest integer; the even one of two
    case rounding
    /// `x` above a threshold, 0 elsewhere (Konda et al. 2014)
    case thresholdedReLU(threshold: Float)
    /// `x` moved towards 0 by `bias` where it is farther from 0 than `threshold`, 0 elsewhere
    case shrinkage(threshold: Float, bias: Float)
    /// 1 where `x` is above 0, 0 elsewhere
    case isPositive
    /// 1 where `x` is 0, 0 elsewhere
    case isZero
    /// 1 where `x` is not a number, 0 elsewhere
    case isUndefined
    /// 1 where `x` is infinite, 0 elsewhere
    case isInfinite
}

/// An ``ElementaryFunction`` of each element of an input of any shape; step functions have the derivative 0.
package struct Elementary: GraphOperation {
    /// The function.
    package var function: ElementaryFunction

    /// Describes an elementwise function.
    package init(_ function: ElementaryFunction) {
        self.function = function
    }

    package var kind: String { function.name }

    package func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        let input = try onlyInput(inputs, node: node)
        switch function {
        case .thresholdedReLU(let threshold) where !threshold.isFinite:
            throw ShapeError(node, "\(kind) takes a finite threshold, not \(threshold)")
        case .shrinkage(let threshold, let bias) where !threshold.isFinite || !bias.isFinite || threshold < 0:
            throw ShapeError(
                node, "\(kind) takes a finite threshold of 0 or more and a finite bias, not \(threshold) and \(bias)")
        default: return input
        }
    }

    package func kernel(for request: KernelRequest) -> any Kernel {
        ElementaryKernel(function: function, count: request.output.count)
    }
}

private struct ElementaryKernel: Kernel {
    let function: ElementaryFunction
    let count: Int

    var backwardReads: BackwardReads { function.isStep ? [] : .inputs }

    func forward(_ pass: ForwardPass) {
        let value = function.value
        pass.threads.forEachChunk(of: pass.batch * count, floatsEach: 1) { part in
            for index in part { pass.output[index] = value(pass.inputs[0][index]) }
        }
    }

    func backward(_ pass: BackwardPass) {
        guard let dx = pass.inputGradients[0] else { return }
        let slope = function.slope
        let isStep = function.isStep
        pass.threads.forEachChunk(of: pass.batch * count, floatsEach: 1) { part in
            for index in part {
                let gradient = isStep ? 0 : pass.outputGradient[index] * slope(pass.forward.inputs[0][index])
                dx.pointer[index] = dx.accumulates ? dx.pointer[index] + gradient : gradient
            }
        }
    }
}

extension ElementaryFunction {
    /// Whether its derivative is 0 wherever there is one.
    fileprivate var isStep: Bool {
        switch self {
        case .sign, .floor, .ceiling, .rounding, .isPositive, .isZero, .isUndefined, .isInfinite: true
        default: false
        }
    }

    fileprivate var name: String {
        switch self {
        case .sine: "Sine"
        case .cosine: "Cosine"
        case .tangent: "Tangent"
        case .arcsine: "Arcsine"
        case .arccosine: "Arccosine"
        case .arctangent: "Arctangent"
        case .hyperbolicSine: "HyperbolicSine"
        case .hyperbolicCosine: "HyperbolicCosine"
        case .inverseHyperbolicSine: "InverseHyperbolicSine"
        case .inverseHyperbolicCosine: "InverseHyperbolicCosine"
        case .inverseHyperbolicTangent: "InverseHyperbolicTangent"
        case .sign: "Sign"
        case .floor: "Floor"
        case .ceiling: "Ceiling"
        case .rounding: "Rounding"
        case .thresholdedReLU: "ThresholdedReLU"
        case .shrinkage: "Shrinkage"
        case .isPositive: "IsPositive"
        case .isZero: "IsZero"
        case .isUndefined: "IsUndefined"
        case .isInfinite: "IsInfinite"
        }
    }

    fileprivate var value: @Sendable (Float) -> Float {
        switch self {
        case .sine: { sinf($0) }
        case .cosine: { cosf($0) }
        case .tangent: { tanf($0) }
        case .arcsine: { asinf($0) }
        case .arccosine: { acosf($0) }
        case .arctangent: { atanf($0) }
        case .hyperbolicSine: { sinhf($0) }
        case .hyperbolicCosine: { coshf($0) }
        case .inverseHyperbolicSine: { asinhf($0) }
        case .inverseHyperbolicCosine: { acoshf($0) }
        case .inverseHyperbolicTangent: { atanhf($0) }
        case .sign: { $0 > 0 ? 1 : $0 < 0 ? -1 : $0 }
        case .floor: { $0.rounded(.down) }
        case .ceiling: { $0.rounded(.up) }
        case .rounding: { $0.rounded(.toNearestOrEven) }
        case .thresholdedReLU(let threshold): { $0 <= threshold ? 0 : $0 }
        case .shrinkage(let threshold, let bias): { $0 < -threshold ? $0 + bias : $0 > threshold ? $0 - bias : $0 * 0 }
        case .isPositive: { $0 > 0 ? 1 : 0 }
        case .isZero: { $0 == 0 ? 1 : 0 }
        case .isUndefined: { $0.isNaN ? 1 : 0 }
        case .isInfinite: { $0.isInfinite ? 1 : 0 }
        }
    }

    /// The derivative.
    fileprivate var slope: @Sendable (Float) -> Float {
        switch self {
        case .sine: { cosf($0) }
        case .cosine: { -sinf($0) }
        case .tangent: { 1 / (cosf($0) * cosf($0)) }
        case .arcsine: { 1 / ((1 - $0) * (1 + $0)).squareRoot() }
        case .arccosine: { -1 / ((1 - $0) * (1 + $0)).squareRoot() }
        case .arctangent: { 1 / (1 + $0 * $0) }
        case .hyperbolicSine: { coshf($0) }
        case .hyperbolicCosine: { sinhf($0) }
        case .inverseHyperbolicSine: { 1 / hypotf(1, $0) }
        case .inverseHyperbolicCosine: { 1 / (($0 - 1) * ($0 + 1)).squareRoot() }
        case .inverseHyperbolicTangent: { 1 / ((1 - $0) * (1 + $0)) }
        case .thresholdedReLU(let threshold): { $0 > threshold ? 1 : 0 }
        case .shrinkage(let threshold, _): { abs($0) > threshold ? 1 : 0 }
        case .sign, .floor, .ceiling, .rounding, .isPositive, .isZero, .isUndefined, .isInfinite: { _ in 0 }
        }
    }
}

extension GraphBuilder {
    /// Adds an ``ElementaryFunction`` of each element; the shape stays.
    public mutating func elementary(
        _ input: Graph.Value, named name: String, _ function: ElementaryFunction
    ) throws(ShapeError) -> Graph.Value {
        try add(Elementary(function), named: name, input)
    }
}
