import NeuralGraph
import TestSupport
import Testing

/// Chains that `.fast` replaces by one operation, against two-sided differences and against the chain itself.
@Suite("Fusion", .tags(.operations)) struct FusionTests {
    private let worst = WorstErrors("fusion")

    /// Chains by name, with the operations that they become.
    private static let chains: [(name: String, fused: [String], build: @Sendable (inout GraphBuilder) throws -> Void)] =
        [
            (
                "norm, ReLU", ["BatchNormalization + ReLU"],
                { builder in
                    let x = try builder.batchNormalization(builder.input, named: "norm")
                    _ = try builder.relu(x, named: "relu")
                }
            ),
            (
                "norm, ReLU6", ["BatchNormalization + ReLU6"],
                { builder in
                    let x = try builder.batchNormalization(builder.input, named: "norm")
                    _ = try builder.relu6(x, named: "relu")
                }
            ),
            (
                "norm + input, ReLU with a ceiling", ["BatchNormalization + addition + ReLU(0.75)"],
                { builder in
                    let x = try builder.batchNormalization(builder.input, named: "norm")
                    let sum = try builder.add(x, builder.input, named: "sum")
                    _ = try builder.add(ReLU(ceiling: 0.75), named: "relu", sum)
                }
            ),
            (
                "norm + input, ReLU", ["BatchNormalization + addition + ReLU"],
                { builder in
                    let x = try builder.batchNormalization(builder.input, named: "norm")
                    let sum = try builder.add(x, builder.input, named: "sum")
                    _ = try builder.relu(sum, named: "relu")
                }
            ),
            (
                "input + norm, ReLU", ["BatchNormalization + addition + ReLU"],
                { builder in
                    let x = try builder.batchNormalization(builder.input, named: "norm")
                    let sum = try builder.add(builder.input, x, named: "sum")
                    _ = try builder.relu(sum, named: "relu")
                }
            ),
            (
                "norm + value, ReLU", ["Convolution", "BatchNormalization + addition + ReLU"],
                { builder in
                    let x = try builder.batchNormalization(builder.input, named: "norm")
                    let other = try builder.convolution(builder.input, named: "conv", channels: 3, kernelSize: 1)
                    let sum = try builder.add(x, other, named: "sum")
                    _ = try builder.relu(sum, named: "relu")
                }
            ),
            (
                "norm + norm, ReLU", ["BatchNormalization", "BatchNormalization + addition + ReLU"],
                { builder in
                    let x = try builder.batchNormalization(builder.input, named: "norm")
                    let y = try builder.batchNormalization(builder.input, named: "other")
                    let sum = try builder.add(x, y, named: "sum")
                    _ = try builder.relu(sum, named: "relu")
                }
            ),
            (
                "norm, ReLU and another reader", ["BatchNormalization", "ReLU", "Add"],
                { builder in
                    let x = try builder.batchNormalization(builder.input, named: "norm")
                    let y = try builder.relu(x, named: "relu")
                    _ = try builder.add(x, y, named: "sum")
                }
            ),
            (
                "norm + itself, ReLU", ["BatchNormalization", "Add", "ReLU"],
                { builder in
                    let x = try builder.batchNormalization(builder.input, named: "norm")
                    let sum = try builder.add(x, x, named: "sum")
                    _ = try builder.relu(sum, named: "relu")
                }
            ),
            (
                "norm + value", ["BatchNormalization", "Add"],
                { builder in
                    let x = try builder.batchNormalization(builder.input, named: "norm")
                    _ = try builder.add(x, builder.input, named: "sum")
                }
            ),
        ]

    @Test("chains are fused and correct", arguments: chains.indices, [Mode.training, .inference])
    func chainsAreFusedAndCorrect(_ index: Int, _ mode: Mode) throws {
        let chain = Self.chains[index]
        let item = try OperationCase([4, 5, 3], batch: 3, seed: UInt64(index), build: chain.build)
        let options = EngineRun.Options().with { $0.mode = mode }
        try item.expectCorrect(worst, "\(chain.name), \(mode)", options)

        let executor = Executor(model: item.model, batchCapacity: 3, computing: .both)
        #expect(executor.nodes.map(\.operation).sorted() == chain.fused.sorted(), "\(chain.name)")
        let fused = try item.run(options)
        let plain = try item.run(options.with { $0.algorithms = .strict })
        #expect(plain.algorithms.count == item.model.graph.nodes.count)
        #expect(relativeDifference(fused.output, from: plain.output) < 1e-6)
        #expect(relativeDifference(fused.inputGradient, from: plain.inputGradient) < 1e-6)
        for (key, gradient) in plain.parameterGradients {
            let error = relativeDifference(fused.parameterGradients[key]?.elements ?? [], from: gradient.elements)
            #expect(worst.isWithin(1e-6, error, "parameter gradient of the chain", at: chain.name), "\(key)")
        }
        #expect(fused.model.state == plain.model.state)
    }
}
