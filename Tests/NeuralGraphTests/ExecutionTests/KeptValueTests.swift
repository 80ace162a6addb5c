import NeuralGraph
import TestSupport
import Testing

/// The values of inner nodes, kept through a pass, against a network that ends there.
@Suite("Kept value", .tags(.execution)) struct KeptValueTests {
    /// A network up to a node, built separately.
    private func prefix(of model: Model, upTo last: Int) throws -> Model {
        var builder = GraphBuilder(inputShape: model.graph.inputShape)
        var dictionary: [String: Tensor] = [:]
        for node in model.graph.nodes[...last] {
            _ = try builder.add(node.operation, named: node.name, node.inputs)
            for key in node.parameters.map({ node.key($0.name) }) + node.state.map({ node.key($0.name) }) {
                dictionary[key] = model.stateDictionary[key]
            }
        }
        return try Model(graph: builder.graph(), stateDictionary: dictionary)
    }

    private func expectKeptValues(
        _ item: OperationCase, keeping nodes: [Int], _ request: GradientRequest, _ algorithms: Algorithms,
        mode: Mode = .inference
    ) throws {
        let names = nodes.map { item.model.graph.nodes[$0].name }
        let executor = try Executor(
            model: item.model, batchCapacity: item.batch + 2, computing: request, algorithms: algorithms,
            keeping: Set(names))
        let plain = try item.run(
            EngineRun.Options().with {
                ($0.request, $0.algorithms, $0.capacity, $0.mode) = (request, algorithms, item.batch + 2, mode)
            })
        let run = try EngineRun(
            executor, input: item.input, outputGradient: item.outputGradient,
            EngineRun.Options().with { ($0.request, $0.mode) = (request, mode) })
        #expect(run.output == plain.output)
        #expect(run.inputGradient == plain.inputGradient)
        #expect(run.parameterGradients == plain.parameterGradients)
        for (node, name) in zip(nodes, names) {
            let part = try EngineRun(
                prefix(of: item.model, upTo: node), input: item.input, outputGradient: [],
                EngineRun.Options().with {
                    ($0.request, $0.algorithms, $0.capacity, $0.mode) = (.nothing, algorithms, item.batch + 2, mode)
                })
            let value = try executor.value(of: name)
            #expect(value.count == (item.batch + 2) * item.model.graph.nodes[node].shape.count)
            #expect(Array(value.prefix(part.output.count)) == part.output, "\(name)")
        }
    }

    @Test("every node of random networks", arguments: 0..<40)
    func everyNodeOfRandomNetworks(_ seed: UInt64) throws {
        let item = try SampleNetworks.random(seed: seed)
        let all = Array(item.model.graph.nodes.indices)
        var random = SeededRandom(seed: seed, stream: "kept")
        for algorithms in Algorithms.allCases {
            try expectKeptValues(item, keeping: all, .nothing, algorithms)
            try expectKeptValues(item, keeping: all.filter { _ in Bool.random(using: &random) }, .nothing, algorithms)
            try expectKeptValues(item, keeping: [random.pick(all)], .both, algorithms, mode: .training)
        }
    }

    @Test("every node alone", arguments: [GradientRequest.nothing, .input, .both], Algorithms.allCases)
    func everyNodeAlone(_ request: GradientRequest, _ algorithms: Algorithms) throws {
        let item = try SampleNetworks.everyOperation()
        for node in item.model.graph.nodes.indices { try expectKeptValues(item, keeping: [node], request, algorithms) }
    }

    @Test("stages of ResNet") func stagesOfResNet() throws {
        let graph = try ResNet(.resnet18, stem: .imagenet).graph(inputShape: [32, 32, 3], classes: 10)
        let item = try OperationCase(GeneratedNumbers.model(graph), batch: 16, seed: 3)
        let stages = Set(graph.stages())
        try expectKeptValues(
            item, keeping: graph.nodes.indices.filter { stages.contains(graph.nodes[$0].name) }, .nothing, .fast)
    }

    @Test("kept nodes end their fusion") func keptNodesEndTheirFusion() throws {
        let model = try SampleNetworks.everyOperation().model
        func operations(_ kept: Set<String>) throws -> [String] {
            try Executor(model: model, batchCapacity: 1, keeping: kept).nodes.map(\.operation)
        }
        let fused = Executor(model: model, batchCapacity: 1).nodes.map(\.operation)
        #expect(try operations([]) == fused)
        #expect(try operations(["relu", "sumrelu"]) == fused)
        #expect(try operations(["norm"]).count == fused.count + 1)
        #expect(try operations(["sum"]).count == fused.count + 2)
    }

    @Test("memory is accounted for") func memoryIsAccountedFor() throws {
        let item = try SampleNetworks.everyOperation()
        let names = Set(item.model.graph.nodes.map(\.name))
        let executor = try Executor(
            model: item.model, batchCapacity: 5, threads: ThreadTeam(workers: 3), keeping: names)
        let summary = try ExecutionSummary(model: item.model, batchCapacity: 5, workers: 3, keeping: names)
        #expect(summary.byteCount == executor.byteCount)
        #expect(executor.byteCount > Executor(model: item.model, batchCapacity: 5).byteCount)
    }

    @Test("unknown names are answered") func unknownNamesAreAnswered() throws {
        let model = try SampleNetworks.everyOperation().model
        let known = model.graph.nodes.map(\.name)
        #expect(throws: GraphError.unknownNode(name: "relv", known: known)) {
            try Executor(model: model, batchCapacity: 1, keeping: ["relu", "relv"])
        }
        #expect(throws: GraphError.unknownNode(name: "", known: known)) {
            try ExecutionSummary(model: model, batchCapacity: 1, keeping: [""])
        }
        let executor = try Executor(model: model, batchCapacity: 1, keeping: ["relu"])
        let error = #expect(throws: GraphError.notKept(node: "norm")) { try executor.value(of: "norm") }
        #expect(error.map { "\($0)".contains("'norm'") } == true)
    }
}
