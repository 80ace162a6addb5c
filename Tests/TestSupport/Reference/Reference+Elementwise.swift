import Foundation
package import NeuralGraph

extension Reference {
    /// A function of each number.
    package static func pointwise(_ x: ReferenceTensor, _ function: PointwiseFunction) -> ReferenceTensor {
        x.map { value(of: function, at: $0) }
    }

    /// A function as its formula says.
    package static func value(of function: PointwiseFunction, at x: Double) -> Double {
        switch function {
        case .sigmoid: 1 / (1 + exp(-x))
        case .hardSigmoid(let alpha, let beta): max(0, min(1, Double(alpha) * x + Double(beta)))
        case .hardSwish: x * max(0, min(6, x + 3)) / 6
        case .silu: x / (1 + exp(-x))
        case .gelu: x * erfc(-x / 2.0.squareRoot()) / 2
        case .geluTanh: 0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
        case .tanh: tanh(x)
        case .erf: erf(x)
        case .leakyReLU(let slope): x > 0 ? x : Double(slope) * x
        case .elu(let alpha): x > 0 ? x : Double(alpha) * expm1(x)
        case .softplus: max(x, 0) + log1p(exp(-abs(x)))
        case .exponential: exp(x)
        case .logarithm: log(x)
        case .squareRoot: x.squareRoot()
        case .reciprocal: 1 / x
        case .negation: -x
        case .absolute: abs(x)
        case .power(let exponent): pow(x, Double(exponent))
        case .affine(let scale, let shift): Double(scale) * x + Double(shift)
        case .clamp(let minimum, let maximum): min(max(x, Double(minimum)), Double(maximum))
        }
    }

    /// Two tensors combined elementwise, each repeated along axes where it has length 1.
    package static func arithmetic(
        _ a: ReferenceTensor, _ b: ReferenceTensor, _ combine: (Double, Double) -> Double
    ) -> ReferenceTensor {
        let rank = max(a.shape.rank, b.shape.rank)
        func lengths(_ shape: TensorShape) -> [Int] {
            [Int](repeating: 1, count: rank - shape.rank) + shape.dimensions
        }
        let (first, second) = (lengths(a.shape), lengths(b.shape))
        var y = ReferenceTensor(batch: a.batch, shape: TensorShape(zip(first, second).map { max($0, $1) }))
        y.fill { example, index in
            func value(_ tensor: ReferenceTensor, _ lengths: [Int]) -> Double {
                var place = 0
                for (axis, length) in lengths.enumerated() { place = place * length + (length == 1 ? 0 : index[axis]) }
                return tensor.elements[example * tensor.shape.count + place]
            }
            return combine(value(a, first), value(b, second))
        }
        return y
    }

    /// What two numbers are combined to.
    package static func value(of kind: ArithmeticKind, _ a: Double, _ b: Double) -> Double {
        switch kind {
        case .addition: a + b
        case .subtraction: a - b
        case .multiplication: a * b
        case .division: a / b
        case .maximum: max(a, b)
        case .minimum: min(a, b)
        case .power: pow(a, b)
        }
    }

    /// A parameter as a batch of equal examples.
    package static func repeated(_ parameter: [Double], shape: TensorShape, batch: Int) -> ReferenceTensor {
        ReferenceTensor((0..<batch).flatMap { _ in parameter }, batch: batch, shape: shape)
    }
}

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
        case .thresholdedReLU(let threshold): x > Double(threshold) ? x : 0
        case .shrinkage(let threshold, let bias):
            x < -Double(threshold) ? x + Double(bias) : x > Double(threshold) ? x - Double(bias) : 0
        case .isPositive: x > 0 ? 1 : 0
        case .isZero: x == 0 ? 1 : 0
        case .isUndefined: x.isNaN ? 1 : 0
        case .isInfinite: x.isInfinite ? 1 : 0
        }
    }
}

extension Reference {
    /// `min(max(x, 0), ceiling)`.
    package static func relu(_ x: ReferenceTensor, _ operation: ReLU) -> ReferenceTensor {
        x.map { min(max($0, 0), Double(operation.ceiling)) }
    }

    /// `x` times the factors that dropout drew: 0, or the inverse of the share that stays.
    package static func dropout(_ x: ReferenceTensor, factors: [Double]) -> ReferenceTensor {
        ReferenceTensor(zip(x.elements, factors).map { $0 * $1 }, batch: x.batch, shape: x.shape)
    }

    /// `a + b`.
    package static func addition(_ a: ReferenceTensor, _ b: ReferenceTensor) -> ReferenceTensor {
        ReferenceTensor(zip(a.elements, b.elements).map { $0 + $1 }, batch: a.batch, shape: a.shape)
    }
}
