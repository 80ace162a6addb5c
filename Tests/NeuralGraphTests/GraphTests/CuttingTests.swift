import NeuralGraph
import TestSupport
import Testing

/// Networks cut in two at a node.
@Suite("Cutting", .tags(.graphs)) struct CuttingTests {
    /// Whether some path leads from the input to the output without a node.
    private func isBypassed(_ position: Int, in graph: Graph) -> Bool {
        var reached: Set<Int> = [0]
        for (index, node) in graph.nodes.enumerated() where index != position {
            if node.inputs.contains(where: { reached.contains($0.index) }) { reached.insert(index + 1) }
        }
        return reached.contains(graph.nodes.count)
    }

    private func expectParts(_ item: OperationCase, _ algorithms: Algorithms = .fast) throws {
        let graph = item.model.graph
        let options = EngineRun.Options().with {
            ($0.mode, $0.algorithms, $0.request) = (.inference, algorithms, .input)
        }
        let whole = try item.run(options)
        let cutNodes = Set(graph.cutNodes.map(\.name))
        for (index, node) in graph.nodes.dropLast().enumerated() {
            #expect(cutNodes.contains(node.name) == !isBypassed(index, in: graph), "\(node.name)")
            guard cutNodes.contains(node.name) else {
                let error = #expect(throws: GraphError.self) { try item.model.cut(at: node.name) }
                #expect(error.map { "\($0)".contains("'\(node.name)'") } == true)
                continue
            }
            let (head, tail) = try item.model.cut(at: node.name)
            #expect(head.graph.outputShape == node.shape && tail.graph.inputShape == node.shape)
            #expect(head.graph.nodes.last?.name == node.name)
            #expect(Set(head.parameters.keys).isDisjoint(with: tail.parameters.keys))
            for part in [head, tail] {
                for (key, tensor) in part.stateDictionary { #expect(item.model.stateDictionary[key] == tensor) }
            }
            let first = try EngineRun(
                head, input: item.input, outputGradient: [], options.with { $0.request = .nothing })
            let second = try EngineRun(tail, input: first.output, outputGradient: item.outputGradient, options)
            #expect(second.output == whole.output, "\(node.name)")
            // Back through both: the chain rule.
            let again = try EngineRun(head, input: item.input, outputGradient: second.inputGradient, options)
            #expect(relativeDifference(again.inputGradient, from: whole.inputGradient) < 1e-6, "\(node.name)")
        }
    }

    @Test("random networks", arguments: 0..<60)
    func randomNetworks(_ seed: UInt64) throws {
        let item = try SampleNetworks.random(seed: seed)
        for algorithms in Algorithms.allCases { try expectParts(item, algorithms) }
    }

    @Test("every operation") func everyOperation() throws {
        let item = try SampleNetworks.everyOperation()
        try expectParts(item)
        // 'nowhere' has no part in the output, so no part has it.
        let (head, tail) = try item.model.cut(at: "sumrelu")
        #expect(head.parameters.count + tail.parameters.count == item.model.parameters.count - 2)
        #expect(item.model.graph.cutNodes.map(\.name).contains("nowhere") == false)
        #expect(throws: GraphError.leadsNowhere(node: "nowhere")) { try item.model.cut(at: "nowhere") }
        #expect(throws: GraphError.bypassed(node: "project", reader: "sum", source: "'relu'")) {
            try item.model.cut(at: "project")
        }
    }

    @Test("every cut of ResNet", .tags(.slow), .slow) func everyCutOfResNet() throws {
        let graph = try ResNet(.resnet18, stem: .imagenet).graph(inputShape: [16, 16, 3], classes: 10)
        var model = try GeneratedNumbers.model(graph)
        model.metadata = ModelMetadata(
            architecture: ResNet(.resnet18).identifier, classNames: ["a"],
            normalization: Normalization(mean: [0], standardDeviation: [1]))
        try expectParts(OperationCase(model, batch: 3, seed: 4))
        let (head, tail) = try model.cut(at: "layer2.1.relu2")
        #expect(Set(head.stateDictionary.keys).union(tail.stateDictionary.keys) == Set(model.stateDictionary.keys))
        #expect(head.metadata == ModelMetadata(normalization: model.metadata.normalization))
        #expect(tail.metadata == ModelMetadata(classNames: ["a"]))
    }

    @Test("names that do not fit") func namesThatDoNotFit() throws {
        let model = try SampleNetworks.everyOperation().model
        #expect(throws: GraphError.unknownNode(name: "no", known: model.graph.nodes.map(\.name))) {
            try model.cut(at: "no")
        }
        #expect(throws: GraphError.isOutput(node: "fc")) { try model.cut(at: "fc") }
    }
}
