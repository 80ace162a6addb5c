import ModelFiles
import NeuralGraph

/// Builds a network from an ONNX graph, node by node.
///
/// Integers that shapes are made of are computed here and now; axes are looked at in other ways without moving
/// numbers (``ValueView``); what is left becomes nodes of a ``GraphBuilder``, named as in the file. A pattern that is one
/// of our operations, such as `x * sigmoid(x)`, is found when its last node comes; what it was spelled out with has then
/// no part in the output any more and is left out of the finished network.
package struct ONNXImporter {
    /// What an ONNX value is here.
    enum Operand {
        case integers(IntegerTensor)
        /// Integers of a type with a fraction, some of which depend on the batch size.
        case reals(IntegerTensor)
        case view(ValueView)

        init(_ known: KnownNumbers) {
            switch known {
            case .integers(let tensor): self = .integers(tensor)
            case .reals(let tensor): self = .reals(tensor)
            case .floats(let tensor):
                self = .view(ValueView(ONNXConstant(tensor.values), dimensions: tensor.dimensions))
            }
        }
    }

    let plan: ONNXPlan
    let reader: ONNXTensorReader
    var builder: GraphBuilder
    var operands: [String: Operand] = [:]
    /// The numbers of parameters and state, by key.
    var tensors: [String: Tensor] = [:]
    /// Which stored tensor each key is, and in which order.
    var bindings: [String: ONNXBinding] = [:]
    /// Statistics that are stored together with equal ones, by key.
    var shared: [String: ONNXSharedInput] = [:]
    /// Why stored tensors are not trained.
    var untrained: [String: String] = [:]
    /// Values that are there in another order already.
    var reordered: [Reordering: Graph.Value] = [:]
    /// The factors of matrix products, for finding attention.
    var products: [Graph.Value: (first: ValueView, second: ValueView)] = [:]
    /// Comparisons of a value with a number, for finding what a function is above a threshold.
    var thresholds: [String: (value: ValueView, threshold: Float)] = [:]
    /// Places in a value that depend on the batch size.
    var grids: [String: IndexGrid] = [:]
    /// Values that depend on a trained parameter.
    var learned: Set<Graph.Value> = []
    /// Whether a last softmax was left out.
    var endsInSoftmax = false
    /// Nodes that an earlier one has taken over.
    var absorbed: Set<String> = []
    /// How much may be computed while the file is read.
    let budget: ONNXBudget
    private var names: Set<String> = []
    /// The next number for names that are taken.
    private var numbers: [String: Int] = [:]

    /// A value in another order of memory.
    struct Reordering: Hashable {
        let value: Graph.Value
        let sizes: [Int]
        let axes: [Int]
        let shape: TensorShape
    }

    /// The most numbers of one example that a value may have: 8 GiB.
    static let largestValue = 1 << 31
    /// The largest number of integers that a shape computation may have.
    static let maximumIntegers = 1 << 20
    /// The most axes that a value may have.
    static let maximumAxes = 32
    /// The largest kernel, stride, padding or other setting that is believed.
    static let largestSetting = 1 << 20

    init(plan: ONNXPlan, reader: ONNXTensorReader, inputShape: TensorShape) {
        self.plan = plan
        self.reader = reader
        budget = ONNXBudget(fileSize: reader.bytes.count)
        builder = GraphBuilder(inputShape: inputShape)
    }

    /// Reads the nodes in order.
    /// - Returns: the network's output.
    mutating func run(input: ValueView) throws -> Graph.Value {
        for node in plan.nodes {
            try OperatorForm.check(node) { plan.consumers[$0] != nil || $0 == plan.outputName }
        }
        operands[plan.inputName] = .view(input)
        for node in plan.nodes where !absorbed.contains(node.outputs.first ?? "") {
            do {
                try lower(node)
            } catch let error as ShapeError {
                throw ONNXProblem(node, error.message)
            }
        }
        return try output()
    }

    /// The scores, one row of them an example.
    private mutating func output() throws -> Graph.Value {
        guard case .view(let view) = operands[plan.outputName], view.constant == nil || view.batchAxis != nil else {
            throw ONNXProblem("the output \(quoted(plan.outputName)) does not depend on the input")
        }
        let lengths = view.axes.filter { !$0.isEmpty && !($0.count == 1 && $0[0].isBatch) }
        guard lengths.count == 1, view.value != nil, view.rank >= 1 else {
            throw ONNXProblem(
                "the output \(quoted(plan.outputName)) has the shape \(view.description); a classifier has one row of "
                    + "class scores an example, [N, classes]")
        }
        let value = try materialize(view, [view.places], named: plan.outputName)
        guard value.index > 0 else { throw ONNXProblem("the graph's output is its input") }
        return value
    }

    // MARK: Operands

    /// An input that must be there.
    func operand(_ node: ONNXNode, _ position: Int) throws -> Operand {
        guard let name = node.input(position) else {
            throw ONNXProblem(node, "lacks its input \(position); the file is damaged")
        }
        if let operand = operands[name] { return operand }
        guard let tensor = plan.tensors[name] else {
            throw ONNXProblem(node, "reads \(quoted(name)), which nothing gives; the file is damaged")
        }
        return try operand(tensor, name: name, isStored: tensor.isStored)
    }

    /// A stored tensor: integers, or a constant that is read when it is needed.
    func operand(_ tensor: ONNXTensor, name: String, isStored: Bool) throws -> Operand {
        guard !tensor.scalarType.isFloat else {
            let reader = reader
            return .view(
                ValueView(
                    ONNXConstant(name: name, isStored: isStored) { try reader.floats(tensor) },
                    dimensions: tensor.dimensions))
        }
        guard tensor.count <= Self.maximumIntegers else {
            throw ONNXProblem("\(tensor.place) has \(tensor.count) integers, more than any shape or index needs")
        }
        return .integers(
            IntegerTensor(
                dimensions: tensor.dimensions, values: try reader.integers(tensor).map { BatchInteger($0) }))
    }

    /// An input as numbers with a fraction.
    func view(_ node: ONNXNode, _ position: Int) throws -> ValueView {
        switch try operand(node, position) {
        case .view(let view): return view
        case .integers(let tensor), .reals(let tensor):
            return ValueView(ONNXConstant(try floats(tensor, node)), dimensions: tensor.dimensions)
        }
    }

    func floats(_ tensor: IntegerTensor, _ node: ONNXNode) throws -> [Float] {
        try tensor.values.map { value in
            guard let number = value.fixed else {
                throw ONNXProblem(node, "computes with the batch size, which is no part of a network here")
            }
            return Float(number)
        }
    }

    /// An input as integers that are known now.
    func integers(_ node: ONNXNode, _ position: Int) throws -> IntegerTensor {
        guard case .integers(let tensor) = try operand(node, position) else {
            throw ONNXProblem(
                node, "has an input \(position) that is not known when the file is read; only fixed shapes are run")
        }
        return tensor
    }

    /// An optional input as plain integers.
    func fixedIntegers(_ node: ONNXNode, _ position: Int) throws -> [Int]? {
        guard node.input(position) != nil else { return nil }
        return try integers(node, position).values.map { value in
            guard let number = value.fixed else {
                throw ONNXProblem(node, "has an input \(position) that depends on the batch size, which cannot be run")
            }
            return number
        }
    }

    /// An optional input's only number, if it is known now.
    func scalar(_ node: ONNXNode, _ position: Int) throws -> Float? {
        guard node.input(position) != nil else { return nil }
        return try Self.scalar(view(node, position))
    }

    /// The number of a constant with one element; nil for other values.
    static func scalar(_ view: ValueView) throws -> Float? {
        guard let constant = view.constant, view.places.isEmpty else { return nil }
        return try constant.elements.first
    }

    mutating func define(_ node: ONNXNode, _ operand: Operand, output: Int = 0) throws {
        switch operand {
        case .integers, .reals: break
        case .view(let view):
            guard view.rank <= Self.maximumAxes else {
                throw ONNXProblem(node, "gives a value of \(view.rank) axes, and up to \(Self.maximumAxes) are run")
            }
        }
        guard output < node.outputs.count, !node.outputs[output].isEmpty else { return }
        operands[node.outputs[output]] = operand
    }

    mutating func define(_ node: ONNXNode, _ view: ValueView, output: Int = 0) throws {
        try define(node, .view(view), output: output)
    }

    // MARK: Nodes

    /// A name of our own node, after the file's.
    mutating func unique(_ node: ONNXNode, _ suffix: String = "") -> String {
        unique((node.name.isEmpty ? node.outputs.first ?? node.operation : node.name) + suffix)
    }

    mutating func unique(_ name: String) -> String {
        let base = name.isEmpty ? "node" : name
        var candidate = base
        while !names.insert(candidate).inserted {
            let number = numbers[base, default: 2]
            numbers[base] = number + 1
            candidate = "\(base)_\(number)"
        }
        return candidate
    }

    /// Adds one of our nodes.
    mutating func add(
        _ operation: some GraphOperation, named name: String, _ inputs: [Graph.Value], keys: [String: String] = [:],
        constants: Set<String> = []
    ) throws -> Graph.Value {
        let value = try builder.add(operation, named: name, inputs, keys: keys, constants: constants)
        var count = 1
        for length in builder.shape(of: value).dimensions {
            let (product, overflow) = count.multipliedReportingOverflow(by: length)
            guard !overflow, product <= Self.largestValue else {
                throw ONNXProblem(
                    "node \(quoted(name)) gives \(builder.shape(of: value)) for one example, which is too large")
            }
            count = product
        }
        if inputs.contains(where: learned.contains) { learned.insert(value) }
        return value
    }

    /// Adds a node for a node of the file.
    mutating func add(
        _ operation: some GraphOperation, for node: ONNXNode, _ suffix: String = "", _ inputs: Graph.Value...
    ) throws -> Graph.Value {
        try add(operation, named: unique(node, suffix), inputs)
    }

    /// The operation that gives a value, and its inputs; nil for the network's input.
    func maker(_ value: Graph.Value) -> Graph.Node? { builder.node(of: value) }
}
