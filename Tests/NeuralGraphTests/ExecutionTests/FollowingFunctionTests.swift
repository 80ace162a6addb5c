import NeuralGraph
import TestSupport
import Testing

/// Functions that the tasks of products apply to their results, against the same function in a pass of its own: no bit differs.
@Suite("Following function", .tags(.execution)) struct FollowingFunctionTests {
    private typealias Layer = @Sendable (inout GraphBuilder, Graph.Value) throws -> Graph.Value

    /// Layers of products: several blocks of images, several groups of panels, odd channels, rows of positions, a residual.
    private static let layers: [(shape: TensorShape, batch: Int, layer: Layer)] = [
        ([13, 24], 21, { try $0.linear($1, named: "layer", outputs: 80) }),
        ([2, 200], 60, { try $0.linear($1, named: "layer", outputs: 752) }),
        ([5, 7], 9, { try $0.linear($1, named: "layer", outputs: 19) }),
        (
            [6, 5, 8], 14,
            { try $0.convolution($1, named: "layer", channels: 48, kernelSize: 3, stride: 2, padding: 1) }
        ),
        (
            [4, 20], 30,
            { builder, x in
                let y = try builder.linear(x, named: "layer", outputs: 20)
                return try builder.add(y, x, named: "sum")
            }
        ),
    ]

    /// A layer and a function of it.
    /// - Parameter apart: whether a node that does nothing comes between.
    private func item(
        _ index: Int, _ function: PointwiseFunction, apart: Bool, alsoRead: Bool
    ) throws -> OperationCase {
        let (shape, batch, layer) = Self.layers[index]
        return try OperationCase(shape, batch: batch, seed: 3) { builder in
            let x = try builder.pointwise(builder.input, named: "first", .tanh)
            let y = try layer(&builder, x)
            let between = apart ? try builder.reshape(y, named: "between", shape: builder.shape(of: y)) : y
            var z = try builder.pointwise(between, named: "function", function)
            if alsoRead { z = try builder.arithmetic(.multiplication, z, y, named: "product") }
            _ = try builder.linear(z, named: "last", outputs: 16)
        }
    }

    @Test(
        "no bit differs from a pass of its own", arguments: layers.indices,
        [PointwiseFunction.gelu, .hardSwish])
    func sameBits(_ index: Int, _ function: PointwiseFunction) throws {
        for alsoRead in [false, true] {
            let joined = try item(index, function, apart: false, alsoRead: alsoRead)
            let apart = try item(index, function, apart: true, alsoRead: alsoRead)
            #expect(joined.input == apart.input && joined.outputGradient == apart.outputGradient)
            for precision in Precision.allCases {
                for (request, modes) in [(GradientRequest.both, [Mode.training]), (.nothing, [.inference])] {
                    let options = EngineRun.Options().with {
                        ($0.request, $0.modes, $0.mode, $0.precision) = (request, Set(modes), modes[0], precision)
                    }
                    let (one, other) = (try joined.run(options), try apart.run(options))
                    let place: Comment = "layer \(index), \(precision), \(modes), \(alsoRead)"
                    #expect(one.algorithms.count == other.algorithms.count - 1)
                    #expect(one.output.allSatisfy(\.isFinite) && one.output == other.output, place)
                    #expect(one.inputGradient == other.inputGradient, place)
                    #expect(one.parameterGradients == other.parameterGradients, place)
                    #expect(try joined.run(options.with { $0.workers = 5 }).output == one.output, place)
                }
            }
        }
    }

    @Test("kept values are those of both nodes") func keptValues() throws {
        let joined = try item(0, .gelu, apart: false, alsoRead: false)
        func values(_ algorithms: Algorithms) throws -> [[Float]] {
            let executor = try Executor(
                model: joined.model, batchCapacity: joined.batch, algorithms: algorithms,
                keeping: ["layer", "function"])
            _ = try EngineRun(executor, input: joined.input, outputGradient: [])
            return try ["layer", "function"].map { Array(try executor.value(of: $0)) }
        }
        for (value, expected) in try zip(values(.fast), values(.strict)) {
            #expect(relativeDifference(value, from: expected) < Tolerance.output)
        }
    }
}
