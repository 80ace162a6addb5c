import NeuralGraph
import TestSupport
import Testing

/// Misuses of operations without fixed shapes: each is an error that names the node, and never a trap.
@Suite("Operation shape error", .tags(.graphs)) struct OperationShapeErrorTests {
    private typealias Build = @Sendable (inout GraphBuilder) throws -> Void

    private static let huge = 1 << 40

    private static let misuses: [(String, Build)] = [
        ("function of two values", { _ = try $0.add(Pointwise(.tanh), named: "node", $0.input, $0.input) }),
        ("function of nothing", { _ = try $0.add(Pointwise(.tanh), named: "node", []) }),
        ("clamp upside down", { _ = try $0.pointwise($0.input, named: "node", .clamp(minimum: 1, maximum: 0)) }),
        ("clamp without limits", { _ = try $0.pointwise($0.input, named: "node", .clamp(minimum: .nan, maximum: 0)) }),
        ("undefined power", { _ = try $0.pointwise($0.input, named: "node", .power(.nan)) }),
        ("infinite slope", { _ = try $0.pointwise($0.input, named: "node", .leakyReLU(slope: .infinity)) }),
        ("arithmetic of one value", { _ = try $0.add(Arithmetic(.addition), named: "node", $0.input) }),
        (
            "arithmetic of shapes that do not fit",
            {
                let x = try $0.slice($0.input, named: "other", axis: 2, start: 0, count: 3)
                _ = try $0.arithmetic(.addition, $0.input, x, named: "node")
            }
        ),
        ("parameter that does not fit", { _ = try $0.parametric([3]) }),
        ("parameter with axes in front", { _ = try $0.parametric([5, 8, 6, 3]) }),
        ("parameter without elements", { _ = try $0.parametric([0]) }),
        ("parameter beyond memory", { _ = try $0.parametric([huge, huge, 8, 6, 4]) }),
        ("slopes that do not fit", { _ = try $0.prelu($0.input, named: "node", shape: [6]) }),
        (
            "slopes larger than the input",
            { _ = try $0.prelu($0.input, named: "node", shape: [2, 8, 6, 4]) }
        ),
        ("axis named twice", { _ = try $0.transpose($0.input, named: "node", axes: [0, 1, 1]) }),
        ("axis left out", { _ = try $0.transpose($0.input, named: "node", axes: [0, 1]) }),
        ("axis beyond the last", { _ = try $0.transpose($0.input, named: "node", axes: [0, 1, 3]) }),
        ("other number of elements", { _ = try $0.reshape($0.input, named: "node", shape: [8, 6, 5]) }),
        ("reshaping to nothing", { _ = try $0.reshape($0.input, named: "node", shape: [0]) }),
        ("reshaping beyond memory", { _ = try $0.reshape($0.input, named: "node", shape: [huge, huge, huge]) }),
        ("slice beyond the end", { _ = try $0.slice($0.input, named: "node", axis: 0, start: 7, count: 2) }),
        ("slice before the start", { _ = try $0.slice($0.input, named: "node", axis: 0, start: -1, count: 2) }),
        (
            "slice backwards beyond",
            { _ = try $0.slice($0.input, named: "node", axis: 0, start: 1, count: 3, step: -1) }
        ),
        ("slice of nothing", { _ = try $0.slice($0.input, named: "node", axis: 0, start: 0, count: 0) }),
        (
            "slice that stands still",
            { _ = try $0.slice($0.input, named: "node", axis: 0, start: 0, count: 2, step: 0) }
        ),
        ("slice along no axis", { _ = try $0.slice($0.input, named: "node", axis: 3, start: 0, count: 1) }),
        (
            "slice that overflows",
            { _ = try $0.slice($0.input, named: "node", axis: 0, start: .max, count: 2, step: .max) }
        ),
        (
            "slice of a negative number",
            { _ = try $0.slice($0.input, named: "node", axis: 0, start: 0, count: .min, step: .min) }
        ),
        ("concatenation along no axis", { _ = try $0.concat([$0.input, $0.input], named: "node", axis: -4) }),
        ("broadcast that does not fit", { _ = try $0.expand($0.input, named: "node", shape: [5]) }),
        ("broadcast to nothing", { _ = try $0.expand($0.input, named: "node", shape: [0, 8, 6, 4]) }),
        ("broadcast beyond memory", { _ = try $0.expand($0.input, named: "node", shape: [huge, 8, 6, 4]) }),
        ("too few borders", { _ = try $0.pad($0.input, named: "node", before: [1], after: [1]) }),
        ("negative border", { _ = try $0.pad($0.input, named: "node", before: [0, -1, 0], after: [0, 0, 0]) }),
        (
            "border beyond memory",
            { _ = try $0.pad($0.input, named: "node", before: [0, .max, 0], after: [0, 0, 0]) }
        ),
        (
            "reflection of more than there is",
            { _ = try $0.pad($0.input, named: "node", before: [8, 0, 0], after: [0, 0, 0], mode: .reflect) }
        ),
        ("enlargement by 0", { _ = try $0.upsample($0.input, named: "node", 0) }),
        ("enlargement beyond memory", { _ = try $0.upsample($0.input, named: "node", Size2D(1 << 30)) }),
        ("resizing to nothing", { _ = try $0.resize($0.input, named: "node", height: 0, width: 3) }),
        (
            "resizing beyond memory",
            { _ = try $0.resize($0.input, named: "node", height: 1 << 30, width: 1 << 30) }
        ),
        ("resizing of a vector", { _ = try $0.add(Resize(height: 1, width: 1), named: "node", $0.flat()) }),
        (
            "parameter of an input",
            { _ = try $0.add(ParameterValue(shape: [1], initializer: .constant(0)), named: "node", $0.input) }
        ),
        ("empty parameter", { _ = try $0.parameterValue(named: "node", shape: [0], initializer: .constant(0)) }),
        ("reduction along no axis", { _ = try $0.reduction(.mean, $0.input, named: "node", axes: [3]) }),
        ("reduction along an axis twice", { _ = try $0.reduction(.mean, $0.input, named: "node", axes: [0, -3]) }),
        ("layer norm of two values", { _ = try $0.add(LayerNormalization(), named: "node", $0.input, $0.input) }),
        ("layer norm with a negative epsilon", { _ = try $0.layerNormalization($0.input, named: "node", epsilon: -1) }),
        ("layer norm of a number", { _ = try $0.add(LayerNormalization(), named: "node", $0.scalar()) }),
        ("groups that do not divide", { _ = try $0.groupNormalization($0.input, named: "node", groups: 3) }),
        ("no groups", { _ = try $0.groupNormalization($0.input, named: "node", groups: 0) }),
        ("softmax along no axis", { _ = try $0.softmax($0.input, named: "node", axis: 3) }),
        ("softmax of a number", { _ = try $0.add(Softmax(), named: "node", $0.scalar()) }),
        ("product of a vector", { _ = try $0.add(MatMul(), named: "node", $0.input, $0.flat()) }),
        ("product of unequal lengths", { _ = try $0.matMul($0.input, $0.input, named: "node") }),
        ("attention of an image", { _ = try $0.attention($0.input, named: "node", heads: 1) }),
        (
            "attention of two values",
            { _ = try $0.add(ScaledDotProductAttention(heads: 1), named: "node", $0.rows(), $0.rows("b")) }
        ),
        ("attention without heads", { _ = try $0.add(ScaledDotProductAttention(heads: 0), named: "node", $0.rows()) }),
        ("heads that do not divide", { _ = try $0.add(ScaledDotProductAttention(heads: 5), named: "node", $0.rows()) }),
        (
            "columns that are not three parts",
            { _ = try $0.add(ScaledDotProductAttention(heads: 1), named: "node", $0.rows(columns: 4)) }
        ),
        (
            "undefined scale",
            { _ = try $0.add(ScaledDotProductAttention(heads: 1, scale: 0), named: "node", $0.rows()) }
        ),
        (
            "values and keys that differ",
            {
                _ = try $0.add(
                    ScaledDotProductAttention(heads: 1), named: "node", $0.rows(), $0.rows("b"),
                    $0.rows("c", columns: 24))
            }
        ),
        ("outputs beyond memory", { _ = try $0.linear($0.flat(), named: "node", outputs: 1 << 62) }),
        ("weights beyond memory", { _ = try $0.linear($0.flat(), named: "node", outputs: 1 << 30) }),
        (
            "padding beyond memory",
            { _ = try $0.convolution($0.input, named: "node", channels: 2, kernelSize: 3, padding: Padding(.max)) }
        ),
        (
            "padding of pooling beyond memory",
            { _ = try $0.maxPool($0.input, named: "node", kernelSize: 3, stride: 1, padding: Padding(.max)) }
        ),
        (
            "padded image beyond memory",
            { _ = try $0.convolution($0.input, named: "node", channels: 2, kernelSize: 3, padding: Padding(1 << 30)) }
        ),
        (
            "kernel beyond memory",
            {
                _ = try $0.convolution(
                    $0.input, named: "node", channels: 2, kernelSize: Size2D(1 << 30), padding: Padding(1 << 30))
            }
        ),
        (
            "dilation beyond memory",
            { _ = try $0.convolution($0.input, named: "node", channels: 2, kernelSize: 3, dilation: Size2D(.max)) }
        ),
        (
            "channels beyond memory",
            { _ = try $0.convolution($0.input, named: "node", channels: .max, kernelSize: 1) }
        ),
        (
            "a parameter stored in an order that it does not have",
            { _ = try $0.add(OddlyStored(), named: "node", $0.input) }
        ),
        (
            "a tensor that is there already",
            { _ = try $0.add(Linear(outputs: 2), named: "node", [$0.input], keys: ["bias": "node.weight"]) }
        ),
    ]

    /// Maximum pooling keeps positions as 32-bit integers, also where its output is small.
    @Test(
        "pooling of more positions than are counted",
        arguments: [[1 << 16, 1 << 15, 1], [huge, huge, huge], [4, 0, 1]])
    func poolingOfMorePositionsThanAreCounted(_ shape: [Int]) throws {
        var builder = GraphBuilder(inputShape: TensorShape(shape))
        let size = Size2D(1 << 15)
        let error = #expect(throws: ShapeError.self) {
            try builder.maxPool(builder.input, named: "node", kernelSize: size, stride: size)
        }
        #expect(error?.place == "node" && error?.message.contains("at most 2147483647 numbers") == true)
        // One row less is counted.
        var smaller = GraphBuilder(inputShape: [(1 << 16) - 1, 1 << 15, 1])
        let output = try smaller.maxPool(smaller.input, named: "node", kernelSize: size, stride: size)
        #expect(smaller.shape(of: output) == [1, 1, 1])
    }

    @Test("misuses name the node", arguments: misuses.indices)
    func misusesNameTheNode(_ index: Int) throws {
        let (what, build) = Self.misuses[index]
        var builder = GraphBuilder(inputShape: [8, 6, 4])
        let error = #expect(throws: ShapeError.self, "\(what)") { try build(&builder) }
        #expect(error?.place == "node", "\(what)")
        #expect(error.map { $0.message.count > 20 } == true, "\(what)")
    }
}

/// Its parameter's layout is not one of its shape.
private struct OddlyStored: GraphOperation {
    var kind: String { "OddlyStored" }

    func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape { inputs[0] }

    func parameters(for inputs: [TensorShape]) -> [ParameterSpecification] {
        [
            ParameterSpecification(
                name: "weight", shape: [2, 3], layout: .permuted(view: [2, 3], order: [0, 0]),
                initializer: .constant(0))
        ]
    }

    func kernel(for request: KernelRequest) -> any Kernel { Add().kernel(for: request) }
}

extension GraphBuilder {
    fileprivate mutating func parametric(_ shape: TensorShape) throws -> Graph.Value {
        try parametricArithmetic(.addition, input, named: "node", shape: shape, initializer: .constant(0))
    }

    fileprivate mutating func flat() throws -> Graph.Value { try flatten(input, named: "flat") }

    fileprivate mutating func scalar() throws -> Graph.Value {
        try reduction(.mean, input, named: "scalar", axes: [0, 1, 2])
    }

    fileprivate mutating func rows(_ name: String = "a", columns: Int = 48) throws -> Graph.Value {
        try reshape(input, named: name, shape: [192 / columns, columns])
    }
}
