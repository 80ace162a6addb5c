import NeuralGraph
import TestSupport
import Testing

/// An undefined input gives an undefined output: a diverging run is seen rather than rectified away.
@Suite("Undefined number", .tags(.execution)) struct UndefinedNumberTests {
    private static let operations: [(name: String, add: @Sendable (inout GraphBuilder) throws -> Void)] = [
        ("ReLU", { _ = try $0.relu($0.input, named: "node") }),
        ("ReLU6", { _ = try $0.relu6($0.input, named: "node") }),
        ("max pooling", { _ = try $0.maxPool($0.input, named: "node", kernelSize: 2) }),
        (
            "overlapping max pooling",
            { _ = try $0.maxPool($0.input, named: "node", kernelSize: 3, stride: 1, padding: 1) }
        ),
        ("average pooling", { _ = try $0.averagePool($0.input, named: "node", kernelSize: 2) }),
        ("global average pooling", { _ = try $0.globalAveragePool($0.input, named: "node") }),
        ("convolution", { _ = try $0.convolution($0.input, named: "node", channels: 3, kernelSize: 3, padding: 1) }),
        (
            "batch norm, ReLU",
            { builder in
                let x = try builder.batchNormalization(builder.input, named: "node")
                _ = try builder.relu(x, named: "relu")
            }
        ),
        (
            "batch norm, addition, ReLU",
            { builder in
                let x = try builder.batchNormalization(builder.input, named: "node")
                let sum = try builder.add(x, builder.input, named: "sum")
                _ = try builder.relu(sum, named: "relu")
            }
        ),
        ("linear", { _ = try $0.linear($0.input, named: "node", outputs: 3) }),
        ("flattening", { _ = try $0.flatten($0.input, named: "node") }),
    ]

    @Test("undefined inputs are seen", arguments: operations.indices, [0, 7, 31])
    func undefinedInputsAreSeen(_ index: Int, _ position: Int) throws {
        var item = try OperationCase([4, 4, 2], batch: 2, seed: 1, build: Self.operations[index].add)
        let options = EngineRun.Options().with { ($0.mode, $0.request) = (.inference, .nothing) }
        let clean = try item.run(options)
        item.input[position] = .nan
        let run = try item.run(options)
        let half = run.output.count / 2
        #expect(run.output[..<half].contains { $0.isNaN }, "\(Self.operations[index].name)")
        // The other example has no part in it.
        #expect(run.output[half...] == clean.output[half...], "\(Self.operations[index].name)")
    }

    @Test("networks pass them on", arguments: [Mode.training, .inference])
    func networksPassThemOn(_ mode: Mode) throws {
        let graph = try ResNet(.resnet18, stem: .imagenet).graph(inputShape: [32, 32, 3], classes: 10)
        var item = try OperationCase(Model(graph: graph, seed: 1), batch: 2, seed: 2)
        item.input[100] = .nan
        let run = try item.run(EngineRun.Options().with { ($0.mode, $0.request) = (mode, .nothing) })
        #expect(run.output[..<10].allSatisfy { $0.isNaN })
    }
}
