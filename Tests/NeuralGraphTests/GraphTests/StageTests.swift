import NeuralGraph
import TestSupport
import Testing

/// The nodes that are looked at by default.
@Suite("Stage", .tags(.graphs)) struct StageTests {
    @Test("stages of ResNet") func stagesOfResNet() throws {
        let layers = (1...4).map { "layer\($0).1.relu2" }
        let imagenet = try ResNet(.resnet18, stem: .imagenet).graph(inputShape: [32, 32, 3], classes: 10)
        #expect(imagenet.stages() == ["maxpool"] + layers + ["avgpool"])
        let small = try ResNet(.resnet18, stem: .small).graph(inputShape: [32, 32, 3], classes: 10)
        #expect(small.stages() == ["relu"] + layers + ["avgpool"])
        #expect(small.blockEnds.count == 10)
        #expect(small.stages(limit: 10).count == 10)
        #expect(small.penultimate == "avgpool" && small.head?.name == "fc")
    }

    @Test("stages of all CNN") func stagesOfAllCNN() throws {
        for normalizes in [false, true] {
            let graph = try AllCNN(normalizes: normalizes).graph(inputShape: [32, 32, 3], classes: 10)
            let blocks = [0, 1, 5, 9].map { "features.\($0).relu" }
            #expect(graph.stages() == blocks + ["features.10"])
            #expect(graph.stages(limit: 2) == ["features.0.relu", "features.10"])
            #expect(graph.blockEnds.map(\.name).contains("features.3"))
            #expect(graph.penultimate == "features.10")
        }
    }

    @Test("stages of vision transformer") func stagesOfVisionTransformer() throws {
        let graph = try VisionTransformer(.tiny, patch: 8).graph(inputShape: [32, 32, 3], classes: 10)
        let stages = graph.stages()
        #expect(stages.count == 8 && stages.first == "tokens" && stages.last == "norm")
        #expect(stages[1] == "blocks.0.add2" && stages[6] == "blocks.9.add2")
        #expect(graph.penultimate == "norm" && graph.head?.name == "head")
        // The class token joins behind the first cut and before the second.
        let model = Model(graph: graph, seed: 1)
        for stage in stages {
            let (head, tail) = try model.cut(at: stage)
            #expect(head.parameters.count + tail.parameters.count == model.parameters.count, "\(stage)")
            #expect((tail.parameters["cls_token"] != nil) == (stage == "tokens"), "\(stage)")
        }
    }

    /// Where the shape stays, stages are spread evenly over the depth.
    @Test("deep networks of one shape") func deepNetworksOfOneShape() throws {
        var builder = GraphBuilder(inputShape: [5])
        var x = builder.input
        for block in 0..<30 {
            let y = try builder.linear(x, named: "linear\(block)", outputs: 5)
            x = block == 0 ? y : try builder.add(x, y, named: "sum\(block)")
        }
        _ = try builder.linear(x, named: "head", outputs: 2)
        let graph = try builder.graph()
        let stages = graph.stages()
        #expect(stages.count == 8 && Set(stages).count == 8)
        #expect(stages.first == "linear0" && stages.last == "sum29")
        #expect(stages[3] == "sum12")
        #expect(graph.stages(limit: 40).count == 30)
    }

    @Test("networks without stages") func networksWithoutStages() throws {
        var builder = GraphBuilder(inputShape: [5])
        _ = try builder.linear(builder.input, named: "only", outputs: 2)
        let single = try builder.graph()
        #expect(single.stages().isEmpty && single.penultimate == nil && single.head == nil)

        var other = GraphBuilder(inputShape: [4, 4, 3])
        let x = try other.convolution(other.input, named: "conv", channels: 2, kernelSize: 1)
        _ = try other.globalAveragePool(x, named: "pool")
        let graph = try other.graph()
        #expect(graph.stages() == ["conv"] && graph.penultimate == nil && graph.head == nil)
    }

    /// Flattening shows the same numbers again, dropout passes them on, and a branch ends a block.
    @Test("blocks") func blocks() throws {
        var builder = GraphBuilder(inputShape: [4, 4, 3])
        var x = try builder.convolution(builder.input, named: "conv", channels: 2, kernelSize: 3)
        x = try builder.batchNormalization(x, named: "norm")
        x = try builder.relu(x, named: "relu")
        let left = try builder.relu6(x, named: "left")
        x = try builder.add(left, x, named: "sum")
        x = try builder.flatten(x, named: "flat")
        x = try builder.dropout(x, named: "drop", probability: 0.5)
        x = try builder.linear(x, named: "hidden", outputs: 6)
        x = try builder.relu(x, named: "active")
        _ = try builder.linear(x, named: "head", outputs: 2)
        let graph = try builder.graph()
        #expect(graph.cutNodes.map(\.name) == ["conv", "norm", "relu", "sum", "flat", "drop", "hidden", "active"])
        #expect(graph.blockEnds.map(\.name) == ["relu", "drop", "active"])
        #expect(graph.penultimate == "active")
    }
}
