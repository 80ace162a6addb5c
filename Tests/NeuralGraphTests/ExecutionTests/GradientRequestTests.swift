import NeuralGraph
import TestSupport
import Testing

/// What is asked for is computed, and nothing else; what is computed does not depend on what else is asked for.
@Suite("Gradient request", .tags(.execution)) struct GradientRequestTests {
    private func run(_ request: GradientRequest, _ algorithms: Algorithms = .fast) throws -> EngineRun {
        try SampleNetworks.everyOperation().run(
            EngineRun.Options().with { ($0.request, $0.algorithms) = (request, algorithms) })
    }

    @Test("requests agree", arguments: Algorithms.allCases)
    func requestsAgree(_ algorithms: Algorithms) throws {
        let both = try run(.both, algorithms)
        let input = try run(.input, algorithms)
        let parameters = try run(.parameters, algorithms)
        let nothing = try run(.nothing, algorithms)
        #expect(input.inputGradient == both.inputGradient)
        #expect(input.parameterGradients.isEmpty)
        #expect(parameters.inputGradient.isEmpty)
        #expect(parameters.parameterGradients == both.parameterGradients)
        #expect(nothing.inputGradient.isEmpty && nothing.parameterGradients.isEmpty)
        for other in [input, parameters, nothing] { #expect(other.output == both.output) }
    }

    @Test("less is asked for less is held") func lessIsAskedForLessIsHeld() throws {
        let graph = try ResNet(.resnet18, stem: .small).graph(inputShape: [16, 16, 3], classes: 10)
        let model = Model(graph: graph, seed: 1)
        func bytes(_ request: GradientRequest) -> Int {
            // Winograd's transformed weights would hide the activations.
            Executor(model: model, batchCapacity: 8, computing: request, algorithms: .strict).byteCount
        }
        let parameterBytes = model.parameterCount * MemoryLayout<Float>.stride
        #expect(bytes(.both) - bytes(.input) >= parameterBytes)
        #expect(bytes(.parameters) <= bytes(.both))
        #expect(bytes(.nothing) < bytes(.input))
        // Without a backward pass, activations share the memory of a few.
        let activations = graph.nodes.reduce(0) { $0 + $1.shape.count } * 8 * MemoryLayout<Float>.stride
        #expect(bytes(.nothing) - parameterBytes < activations / 2)
        let head = GradientRequest(
            input: false, parameters: true, frozen: Set(graph.nodes.map(\.name)).subtracting(["fc"]))
        #expect(bytes(head) < bytes(.nothing) + activations / 4)
    }

    /// The summary plans as the executor does.
    @Test(
        "summaries agree with executors", arguments: [GradientRequest.nothing, .input, .parameters, .both],
        Algorithms.allCases)
    func summariesAgreeWithExecutors(_ request: GradientRequest, _ algorithms: Algorithms) throws {
        let item = try SampleNetworks.everyOperation()
        let executor = Executor(
            model: item.model, batchCapacity: 5, computing: request, threads: ThreadTeam(workers: 3),
            algorithms: algorithms)
        let summary = ExecutionSummary(
            model: item.model, batchCapacity: 5, computing: request, workers: 3, algorithms: algorithms)
        #expect(summary.byteCount == executor.byteCount)
        #expect(summary.nodes.map(\.algorithm) == executor.nodes.map(\.algorithm))
    }

    @Test("frozen parameters and nodes have no gradient") func frozenParametersAndNodesHaveNoGradient() throws {
        let both = try run(.both)
        let frozen: Set<String> = ["conv.weight", "projectnorm.bias", "deep", "norm"]
        let some = try run(GradientRequest(input: true, parameters: true, frozen: frozen))
        let gone = Set(both.parameterGradients.keys).subtracting(some.parameterGradients.keys)
        #expect(
            gone == [
                "conv.weight", "projectnorm.bias", "deep.weight", "deep.bias", "norm.weight", "norm.bias",
            ])
        #expect(some.inputGradient == both.inputGradient)
        for (key, gradient) in some.parameterGradients { #expect(gradient == both.parameterGradients[key], "\(key)") }
    }

    @Test("everything frozen is nothing") func everythingFrozenIsNothing() throws {
        let item = try SampleNetworks.everyOperation()
        let names = Set(item.model.graph.nodes.map(\.name))
        let executor = Executor(
            model: item.model, batchCapacity: 3,
            computing: GradientRequest(input: false, parameters: true, frozen: names))
        #expect(executor.trainableCount == 0)
        #expect(executor.gradients.isEmpty && executor.outputGradient.isEmpty && executor.inputGradient.isEmpty)
    }

    /// The trainable parameters come first, in one piece that optimizers work on; the others stay as they are.
    @Test("trainable parameters come first") func trainableParametersComeFirst() throws {
        let item = try SampleNetworks.everyOperation()
        let executor = Executor(
            model: item.model, batchCapacity: 3,
            computing: GradientRequest(input: false, parameters: true, frozen: ["conv", "fc.weight"]))
        for index in 0..<executor.trainableCount { executor.parameters[index] += 1 }
        let moved = try executor.model()
        let trainable = try Set(executor.parameterGradients().keys)
        #expect(trainable.isDisjoint(with: ["conv.weight", "conv.bias", "fc.weight"]))
        for (key, tensor) in item.model.parameters {
            let expected = trainable.contains(key) ? tensor.elements.map { $0 + 1 } : tensor.elements
            #expect(moved.parameters[key]?.elements == expected, "\(key)")
        }
    }
}
