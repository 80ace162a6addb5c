import NeuralGraph
import TestSupport
import Testing

/// Plans that compute only what a slice leaves, against the networks node by node.
@Suite("Selection", .tags(.execution)) struct SelectionTests {
    private let worst = WorstErrors("selection")

    private static func transformer(_ names: VisionTransformer.Names = .timm) throws -> Model {
        var network = VisionTransformer(.tiny, patch: 4, names: names)
        (network.width, network.depth, network.heads) = (16, 2, 2)
        return try GeneratedNumbers.model(network.graph(inputShape: [8, 8, 3], classes: 4))
    }

    /// The shapes of nodes as executed, by their names.
    private static func shapes(_ model: Model, keeping nodes: Set<String> = []) throws -> [String: TensorShape] {
        let executed = try ExecutionSummary(model: model, batchCapacity: 2, computing: .both, keeping: nodes).nodes
        return Dictionary(executed.map { ($0.name, $0.output) }) { first, _ in first }
    }

    /// Compares results with those of the network with every node kept, by the largest gradient: shares of one may cancel.
    private func expectSame(
        _ item: OperationCase, keeping nodes: Set<String> = [], _ place: String, _ algorithms: Algorithms = .fast
    ) throws {
        func run(_ kept: Set<String>, _ algorithms: Algorithms) throws -> (EngineRun, Executor) {
            let executor = try Executor(
                model: item.model, batchCapacity: item.batch, computing: .both, threads: ThreadTeam(workers: 2),
                algorithms: algorithms, keeping: kept)
            let run = try EngineRun(executor, input: item.input, outputGradient: item.outputGradient)
            return (run, executor)
        }
        let (part, executor) = try run(nodes, .fast)
        let (whole, wholeExecutor) = try run(Set(item.model.graph.nodes.map(\.name)), algorithms)
        let output = relativeDifference(part.output, from: whole.output)
        #expect(worst.isWithin(Tolerance.output, output, "output", at: place), "\(place): \(output)")
        let gradients = [whole.inputGradient] + whole.parameterGradients.values.map(\.elements)
        let largest = gradients.map { euclideanNorm($0) }.max() ?? 0
        func error(_ result: [Float], _ expected: [Float]) -> Double {
            guard result.count == expected.count else { return .infinity }
            return euclideanNorm(zip(result, expected).map { $0 - $1 }) / largest
        }
        let input = error(part.inputGradient, whole.inputGradient)
        #expect(worst.isWithin(Tolerance.inputGradient, input, "input gradient", at: place), "\(place): \(input)")
        #expect(Set(part.parameterGradients.keys) == Set(whole.parameterGradients.keys))
        for (key, expected) in whole.parameterGradients {
            let error = error(part.parameterGradients[key]?.elements ?? [], expected.elements)
            #expect(worst.isWithin(6e-6, error, "parameter gradient", at: key), "\(place), \(key): \(error)")
        }
        for name in nodes {
            let (value, expected) = (try executor.value(of: name), try wholeExecutor.value(of: name))
            #expect(relativeDifference(value, from: expected) < Tolerance.output, "\(place), \(name)")
        }
    }

    @Test("the last block computes the class token alone") func lastBlock() throws {
        let model = try Self.transformer()
        let shapes = try Self.shapes(model)
        // Four patches and the class token. Keys and values of all tokens are needed.
        let expected: [String: TensorShape] = [
            "blocks.0.attention": [5, 16], "blocks.0.norm2": [5, 16], "blocks.0.mlp.fc1": [5, 64],
            "blocks.1.norm1": [5, 16], "blocks.1.attn.qkv": [5, 48], "blocks.1.attention": [1, 16],
            "blocks.1.attn.proj": [1, 16], "blocks.1.norm2": [1, 16], "blocks.1.mlp.fc1": [1, 64],
            "blocks.1.gelu": [1, 64], "blocks.1.mlp.fc2": [1, 16],
        ]
        for (name, shape) in expected { #expect(shapes[name] == shape, "\(name)") }
        #expect(shapes["class_token.out"] == nil)
        // Less memory than with the last block's values whole.
        let whole = try ExecutionSummary(
            model: model, batchCapacity: 64, computing: .parameters, keeping: ["blocks.1.add2"])
        let part = ExecutionSummary(model: model, batchCapacity: 64, computing: .parameters)
        #expect(part.byteCount < whole.byteCount)
    }

    @Test("transformers compute the same", arguments: VisionTransformer.Names.allCases, [1, 19])
    func transformers(_ names: VisionTransformer.Names, _ batch: Int) throws {
        let item = try OperationCase(Self.transformer(names), batch: batch, seed: 5)
        for algorithms in Algorithms.allCases { try expectSame(item, "\(names), \(batch)", algorithms) }
    }

    @Test("threads change no bit", arguments: Precision.allCases) func threads(_ precision: Precision) throws {
        let item = try OperationCase(Self.transformer(), batch: 19, seed: 6)
        let options = EngineRun.Options().with { $0.precision = precision }
        let one = try item.run(options.with { $0.workers = 1 })
        let three = try item.run(options.with { $0.workers = 3 })
        #expect(one.output == three.output && one.inputGradient == three.inputGradient)
        #expect(one.parameterGradients == three.parameterGradients)
    }

    @Test("a kept node is whole, with everything that it is computed from") func keptNodes() throws {
        let model = try Self.transformer()
        let item = try OperationCase(model, batch: 3, seed: 7)
        let last = try Self.shapes(model, keeping: ["blocks.1.add2"])
        for (name, channels) in [("attention", 16), ("norm2", 16), ("mlp.fc1", 64), ("mlp.fc2", 16)] {
            #expect(last["blocks.1.\(name)"] == [5, channels], "\(name)")
        }
        #expect(last["class_token.out"] == [1, 16])
        let middle = try Self.shapes(model, keeping: ["blocks.1.add1"])
        #expect(middle["blocks.1.attention"] == [5, 16] && middle["blocks.1.attn.proj"] == [5, 16])
        #expect(middle["blocks.1.norm2"] == [1, 16] && middle["blocks.1.mlp.fc1"] == [1, 64])
        for name in ["blocks.1.attention", "blocks.1.add1", "blocks.1.gelu", "blocks.1.add2", "class_token.out"] {
            try expectSame(item, keeping: [name], name)
        }
        try expectSame(item, keeping: Set(model.graph.stages()), "stages")
        try expectSame(item, keeping: ["blocks.0.add2", "class_token.out", "features"], "several")
    }

    /// A network over five tokens that ends in a slice of `y`.
    private static func tokens(
        batch: Int = 3, axis: Int = 0, start: Int = 1, count: Int = 1, step: Int = 1,
        _ build: (inout GraphBuilder) throws -> Graph.Value
    ) throws -> OperationCase {
        try OperationCase([5, 6], batch: batch, seed: 8) { builder in
            let y = try build(&builder)
            let part = try builder.slice(y, named: "part", axis: axis, start: start, count: count, step: step)
            _ = try builder.linear(builder.flatten(part, named: "flat"), named: "fc", outputs: 2)
        }
    }

    @Test("values with other readers are whole") func otherReaders() throws {
        let item = try Self.tokens { builder in
            let x = try builder.linear(builder.input, named: "x", outputs: 6)
            let y = try builder.layerNormalization(x, named: "y")
            let z = try builder.linear(y, named: "z", outputs: 6)
            let mean = try builder.reduction(.mean, y, named: "mean", axes: [0], keepsAxes: true)
            return try builder.arithmetic(.multiplication, z, mean, named: "gated")
        }
        // The product broadcasts, so that nothing of it is left out.
        let shapes = try Self.shapes(item.model)
        for name in ["x", "y", "z", "gated"] { #expect(shapes[name] == [5, 6], "\(name)") }
        try expectSame(item, "broadcast")

        let other = try Self.tokens { builder in
            let x = try builder.linear(builder.input, named: "x", outputs: 6)
            let y = try builder.layerNormalization(x, named: "y")
            let turned = try builder.softmax(y, named: "softmax", axis: 0)
            return try builder.add(builder.linear(y, named: "z", outputs: 6), turned, named: "sum")
        }
        let otherShapes = try Self.shapes(other.model)
        for name in ["x", "y", "softmax"] { #expect(otherShapes[name] == [5, 6], "\(name)") }
        #expect(otherShapes["z"] == [1, 6])
        try expectSame(other, "softmax")
    }

    @Test("slices that stay where they are") func slicesThatStay() throws {
        func shape(
            _ axis: Int, _ count: Int, _ build: (inout GraphBuilder) throws -> Graph.Value
        ) throws -> TensorShape? {
            let item = try Self.tokens(axis: axis, start: 0, count: count, build)
            try expectSame(item, "axis \(axis), \(count)")
            return try Self.shapes(item.model)["y"]
        }
        let linear = { (builder: inout GraphBuilder) in try builder.linear(builder.input, named: "y", outputs: 6) }
        #expect(try shape(0, 2, linear) == [2, 6])
        #expect(try shape(0, 3, linear) == [5, 6])  // More than half is needed.
        #expect(try shape(1, 1, linear) == [5, 6])  // Each channel needs all inputs.
        let gelu = { (builder: inout GraphBuilder) in try builder.pointwise(builder.input, named: "y", .gelu) }
        #expect(try shape(0, 1, gelu) == [5, 6])  // Not worth it.
    }

    @Test(
        "fewer queries agree with two-sided differences", .tags(.slow), .slow,
        arguments: [(0, 1, 1), (2, 2, 1), (4, 2, -2), (4, 1, 1)])
    func fewerQueries(_ start: Int, _ count: Int, _ step: Int) throws {
        let packed = try Self.tokens(start: start, count: count, step: step) { builder in
            let x = try builder.linear(builder.input, named: "qkv", outputs: 18)
            return try builder.attention(x, named: "attention", heads: 3)
        }
        // A stretch of tokens is a stretch of queries.
        #expect(try Self.shapes(packed.model)["attention"] == [step == 1 ? count : 5, 6])
        try packed.expectCorrect(worst, "packed, \(count) from \(start)")
        // The same value as keys and values, and as another one's input: gradients are added up.
        let apart = try Self.tokens(start: start, count: count, step: step) { builder in
            let q = try builder.linear(builder.input, named: "q", outputs: 6)
            let x = try builder.linear(builder.input, named: "x", outputs: 18)
            let y = try builder.attention(x, named: "packed", heads: 2)
            let z = try builder.attention(queries: q, keys: q, values: y, named: "attention", heads: 2)
            let wide = try builder.linear(x, named: "wide", outputs: 6)
            return try builder.add(builder.add(z, wide, named: "one"), y, named: "two")
        }
        #expect(try Self.shapes(apart.model)["attention"] == [count, 6])
        try apart.expectCorrect(worst, "apart, \(count) from \(start)")
    }

    @Test("a slice as the last node") func lastNode() throws {
        let item = try OperationCase([5, 6], batch: 3, seed: 9) { builder in
            let y = try builder.linear(builder.input, named: "y", outputs: 4)
            _ = try builder.pointwise(y, named: "nowhere", .tanh)
            let z = try builder.layerNormalization(builder.input, named: "z")
            let part = try builder.linear(z, named: "part", outputs: 4)
            _ = try builder.softmax(z, named: "elsewhere", axis: 0)
            _ = try builder.slice(part, named: "slice", axis: 0, start: 3, count: 2)
        }
        #expect(try Self.shapes(item.model)["part"] == [2, 4])
        try expectSame(item, "last node")
        try expectSame(item, keeping: ["slice"], "last node kept")
    }

    /// A network of random nodes over tokens with random wiring, of which a slice is read.
    private static func random(seed: UInt64) throws -> OperationCase {
        var random = SeededRandom(seed: seed, stream: "selection")
        let axis = random.pick([0, 0, 0, 1])
        return try tokens(axis: axis, start: random.pick([0, 1]), count: random.pick([1, 2])) { builder in
            var values = [builder.input]
            for index in 0..<Int.random(in: 3...12, using: &random) {
                let x = Bool.random(using: &random) ? values[values.count - 1] : random.pick(values)
                values.append(try node(&builder, "n\(index)", x, random.pick(values), &random))
            }
            return values[values.count - 1]
        }
    }

    private static func node(
        _ builder: inout GraphBuilder, _ name: String, _ x: Graph.Value, _ other: Graph.Value,
        _ random: inout SeededRandom
    ) throws -> Graph.Value {
        switch Int.random(in: 0..<12, using: &random) {
        case 0, 1: return try builder.linear(x, named: name, outputs: 6)
        case 2, 3: return try builder.layerNormalization(x, named: name, epsilon: 1e-2)
        case 4, 5: return try builder.add(x, other, named: name)
        case 6: return try builder.pointwise(x, named: name, random.pick([.gelu, .tanh, .negation]))
        case 7: return try builder.arithmetic(random.pick([.addition, .subtraction]), x, other, named: name)
        case 8:
            return try builder.parametricArithmetic(
                .multiplication, x, named: name, shape: random.pick([[6], [1, 6], [5, 1], [1, 5, 6], [1]]),
                initializer: .constant(1), parameterFirst: Bool.random(using: &random))
        case 9: return try builder.softmax(x, named: name, axis: random.pick([0, 1]))
        case 10:
            // Large scores would make a rounding error a large one.
            let q = try builder.layerNormalization(x, named: "\(name).q", epsilon: 1e-2)
            let k = try builder.layerNormalization(other, named: "\(name).k", epsilon: 1e-2)
            return try builder.attention(queries: q, keys: k, values: other, named: name, heads: 2)
        default:
            let input = try builder.layerNormalization(x, named: "\(name).input", epsilon: 1e-2)
            let packed = try builder.linear(input, named: "\(name).qkv", outputs: 18)
            return try builder.attention(packed, named: name, heads: 2)
        }
    }

    @Test("random networks compute the same", arguments: 0..<60) func randomNetworks(_ seed: UInt64) throws {
        let item = try Self.random(seed: seed)
        try expectSame(item, "network \(seed)")
        var random = SeededRandom(seed: seed, stream: "kept")
        let names = item.model.graph.nodes.map(\.name)
        try expectSame(item, keeping: [random.pick(names), random.pick(names)], "network \(seed), kept")
    }

    @Test("many random networks are made smaller") func manyAreSmaller() throws {
        let smaller = try (0..<60).filter { seed in
            try Self.shapes(Self.random(seed: UInt64(seed)).model)["part"] == nil
        }
        #expect(smaller.count >= 15, "\(smaller.count)")
    }
}
