import NeuralGraph

extension ONNXExporter {
    /// Writes elementwise operations.
    mutating func exportElementwise(_ node: Graph.Node) throws -> Exported? {
        switch node.operation {
        case let operation as ReLU:
            return try keepingOrder(node) { exporter, input in
                guard operation.ceiling != .infinity else { return exporter.add("Relu", [input], named: node.name) }
                let limits = [
                    exporter.scalar(0, named: node.name + ".minimum"),
                    exporter.scalar(operation.ceiling, named: node.name + ".maximum"),
                ]
                return exporter.add("Clip", [input] + limits, named: node.name)
            }
        case let operation as Dropout:
            return try keepingOrder(node) { exporter, input in
                let ratio = exporter.scalar(operation.probability, named: node.name + ".ratio")
                return exporter.add("Dropout", [input, ratio], named: node.name)
            }
        case let operation as Pointwise:
            return try keepingOrder(node) { exporter, input in
                exporter.pointwise(operation.function, input, named: node.name)
            }
        case let operation as Elementary:
            return try keepingOrder(node) { exporter, input in
                exporter.elementary(operation.function, input, named: node.name)
            }
        case is Where:
            let inputs = try node.inputs.map { try name(of: $0, .channelsLast) }
            let condition = add("Cast", [inputs[0]], named: node.name + ".condition") {
                $0.attribute("to", ONNXScalarType.bool.rawValue)
            }
            return Exported(
                name: add("Where", [condition, inputs[1], inputs[2]], named: node.name), order: .channelsLast)
        case is Add: return try arithmetic(.addition, node)
        case let operation as Arithmetic: return try arithmetic(operation.arithmetic, node)
        case let operation as ParametricArithmetic:
            let input = try exported(node.inputs[0], for: node)
            let weight = try spread(try tensor(node, "weight"), operation.shape, like: node.shape, input.order, node)
            let inputs = operation.parameterFirst ? [weight, input.name] : [input.name, weight]
            return Exported(name: add(operation.arithmetic.operatorName, inputs, named: node.name), order: input.order)
        case let operation as PReLU:
            let input = try exported(node.inputs[0], for: node)
            let slope = try spread(try tensor(node, "weight"), operation.shape, like: node.shape, input.order, node)
            return Exported(name: add("PRelu", [input.name, slope], named: node.name), order: input.order)
        default: return nil
        }
    }

    /// One input and one output in whatever order the input has.
    private mutating func keepingOrder(
        _ node: Graph.Node, _ body: (inout ONNXExporter, String) -> String
    ) throws -> Exported {
        let input = try exported(node.inputs[0], for: node)
        return Exported(name: body(&self, input.name), order: input.order)
    }

    private mutating func arithmetic(_ kind: ArithmeticKind, _ node: Graph.Node) throws -> Exported {
        let rank = node.shape.rank
        let order = try node.inputs.filter { shape($0).rank == rank }.map { try exported($0, for: node).order }.first
        let names = try node.inputs.map { input in
            guard shape(input).rank < rank || rank < 2 else { return try name(of: input, order ?? .channelsLast) }
            let name = try padded(input, toRank: rank, node)
            return order == .channelsFirst ? turn(name, rank: rank, to: .channelsFirst) : name
        }
        return Exported(name: add(kind.operatorName, names, named: node.name), order: order ?? .channelsLast)
    }

    /// A parameter that broadcasts from the right, in the order of the value that it meets.
    private mutating func spread(
        _ name: String, _ own: TensorShape, like shape: TensorShape, _ order: Order, _ node: Graph.Node
    ) throws -> String {
        // Axes of length 1 in front of the value's are the batch's.
        let lengths = Array(own.dimensions.suffix(shape.rank))
        guard order == .channelsFirst, shape.rank > 1, own.count > 1 else { return name }
        let whole = [Int](repeating: 1, count: shape.rank - lengths.count) + lengths
        if whole.dropLast().allSatisfy({ $0 == 1 }) {
            let target = [own.channels] + [Int](repeating: 1, count: shape.rank - 1)
            return add("Reshape", [name, integers(target)], named: name + ".spread")
        }
        let full = add("Reshape", [name, integers(whole)], named: name + ".spread")
        let axes = [shape.rank - 1] + Array(0..<(shape.rank - 1))
        return add("Transpose", [full], named: name + ".turned") { $0.attribute("perm", axes) }
    }

    private mutating func pointwise(_ function: PointwiseFunction, _ x: String, named name: String) -> String {
        switch function {
        case .sigmoid: return add("Sigmoid", [x], named: name)
        case .hardSigmoid(let alpha, let beta):
            return add("HardSigmoid", [x], named: name) {
                $0.attribute("alpha", alpha)
                $0.attribute("beta", beta)
            }
        case .hardSwish: return add("HardSwish", [x], named: name)
        case .silu where usesNewerOperators: return add("Swish", [x], named: name)
        case .gelu where usesNewerOperators: return add("Gelu", [x], named: name)
        case .geluTanh where usesNewerOperators:
            return add("Gelu", [x], named: name) { $0.attribute("approximate", "tanh") }
        case .silu:
            let gate = add("Sigmoid", [x], named: name + ".gate")
            return add("Mul", [x, gate], named: name)
        case .gelu: return gelu(x, named: name)
        case .geluTanh: return geluTanh(x, named: name)
        case .tanh: return add("Tanh", [x], named: name)
        case .erf: return add("Erf", [x], named: name)
        case .leakyReLU(let slope): return add("LeakyRelu", [x], named: name) { $0.attribute("alpha", slope) }
        case .elu(let alpha): return add("Elu", [x], named: name) { $0.attribute("alpha", alpha) }
        case .softplus: return add("Softplus", [x], named: name)
        case .exponential: return add("Exp", [x], named: name)
        case .logarithm: return add("Log", [x], named: name)
        case .squareRoot: return add("Sqrt", [x], named: name)
        case .reciprocal: return add("Reciprocal", [x], named: name)
        case .negation: return add("Neg", [x], named: name)
        case .absolute: return add("Abs", [x], named: name)
        case .power(let exponent): return add("Pow", [x, scalar(exponent, named: name + ".exponent")], named: name)
        case .affine(let scale, let shift):
            guard shift != 0 else { return add("Mul", [x, scalar(scale, named: name + ".scale")], named: name) }
            let scaled =
                scale == 1 ? x : add("Mul", [x, scalar(scale, named: name + ".scale")], named: name + ".scaled")
            return add("Add", [scaled, scalar(shift, named: name + ".shift")], named: name)
        case .clamp(let minimum, let maximum):
            var limits = [minimum == -.infinity ? "" : scalar(minimum, named: name + ".minimum")]
            if maximum != .infinity { limits.append(scalar(maximum, named: name + ".maximum")) }
            return add("Clip", [x] + limits, named: name)
        }
    }

    private mutating func elementary(_ function: ElementaryFunction, _ x: String, named name: String) -> String {
        switch function {
        case .sine: return add("Sin", [x], named: name)
        case .cosine: return add("Cos", [x], named: name)
        case .tangent: return add("Tan", [x], named: name)
        case .arcsine: return add("Asin", [x], named: name)
        case .arccosine: return add("Acos", [x], named: name)
        case .arctangent: return add("Atan", [x], named: name)
        case .hyperbolicSine: return add("Sinh", [x], named: name)
        case .hyperbolicCosine: return add("Cosh", [x], named: name)
        case .inverseHyperbolicSine: return add("Asinh", [x], named: name)
        case .inverseHyperbolicCosine: return add("Acosh", [x], named: name)
        case .inverseHyperbolicTangent: return add("Atanh", [x], named: name)
        case .sign: return add("Sign", [x], named: name)
        case .floor: return add("Floor", [x], named: name)
        case .ceiling: return add("Ceil", [x], named: name)
        case .rounding: return add("Round", [x], named: name)
        case .thresholdedReLU(let threshold):
            return add("ThresholdedRelu", [x], named: name) { $0.attribute("alpha", threshold) }
        case .shrinkage(let threshold, let bias):
            return add("Shrink", [x], named: name) {
                $0.attribute("lambd", threshold)
                $0.attribute("bias", bias)
            }
        case .isPositive: return test("Greater", [x, scalar(0, named: name + ".zero")], named: name)
        case .isZero: return test("Equal", [x, scalar(0, named: name + ".zero")], named: name)
        case .isUndefined: return test("IsNaN", [x], named: name)
        case .isInfinite: return test("IsInf", [x], named: name)
        }
    }

    /// A truth value as 0 or 1.
    private mutating func test(_ operation: String, _ inputs: [String], named name: String) -> String {
        let truth = add(operation, inputs, named: name + ".truth")
        return add("Cast", [truth], named: name) { $0.attribute("to", ONNXScalarType.float32.rawValue) }
    }

    /// x (1 + erf(x / sqrt 2)) / 2, since set 17 has no operator for it.
    private mutating func gelu(_ x: String, named name: String) -> String {
        let root = scalar(Float(0.5).squareRoot(), named: name + ".root")
        let scaled = add("Mul", [x, root], named: name + ".scaled")
        let error = add("Erf", [scaled], named: name + ".erf")
        let gate = add("Add", [error, scalar(1, named: name + ".one")], named: name + ".gate")
        let product = add("Mul", [x, gate], named: name + ".product")
        return add("Mul", [product, scalar(0.5, named: name + ".half")], named: name)
    }

    /// x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2
    private mutating func geluTanh(_ x: String, named name: String) -> String {
        let cube = add("Pow", [x, scalar(3, named: name + ".three")], named: name + ".cube")
        let part = add("Mul", [cube, scalar(0.044715, named: name + ".part")], named: name + ".bend")
        let sum = add("Add", [x, part], named: name + ".sum")
        let root = scalar((2 / Float.pi).squareRoot(), named: name + ".root")
        let scaled = add("Mul", [sum, root], named: name + ".scaled")
        let curve = add("Tanh", [scaled], named: name + ".tanh")
        let gate = add("Add", [curve, scalar(1, named: name + ".one")], named: name + ".gate")
        let product = add("Mul", [x, gate], named: name + ".product")
        return add("Mul", [product, scalar(0.5, named: name + ".half")], named: name)
    }
}

extension ArithmeticKind {
    fileprivate var operatorName: String {
        switch self {
        case .addition: "Add"
        case .subtraction: "Sub"
        case .multiplication: "Mul"
        case .division: "Div"
        case .maximum: "Max"
        case .minimum: "Min"
        case .power: "Pow"
        }
    }
}
