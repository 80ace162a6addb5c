import Foundation
import TestSupport
import Testing
import Unlearning

@Suite("The measures of features and weights as an audit takes them", .tags(.audit))
struct RepresentationAuditTests {
    private static let forgotten = 2

    /// A network trained without the class, once for all tests.
    private static let retraining = Task {
        var model = Model(graph: try convolutionalNetwork(Patterns.shape, classes: Patterns.classes), seed: 7)
        model.metadata.classNames = Patterns.train.classNames
        return try await Trainer(
            configuration: TrainingConfiguration(epochs: 4, batchSize: 20, learningRate: 0.005)
        ).train(model, on: model.prepare(Patterns.train.excluding(classes: [forgotten]))).model
    }

    private func audit(
        _ unlearned: Model, original: Model? = nil, retrained: [Model] = [],
        configuration: AuditConfiguration = AuditConfiguration(bootstrap: nil, relearning: nil),
        options: RunOptions = RunOptions()
    ) async throws -> AuditResult {
        let reference: Model
        if let original { reference = original } else { reference = try await Patterns.model }
        return try await Audit(configuration: configuration, options: options).run(
            original: reference, unlearned: unlearned, retrained: retrained, forgotten: [Self.forgotten],
            data: AuditData(test: Patterns.test, training: Patterns.train))
    }

    private func measure(_ identifier: MeasureIdentifier, in result: AuditResult) throws -> MeasureResult {
        try #require(result.measures.first { $0.measure.identifier == identifier }, "\(identifier)")
    }

    @Test("a model whose only change is the last layer's bias is caught by features, not by predictions")
    func changedBiasIsCaught() async throws {
        let model = try await Patterns.model
        let retrained = try await Self.retraining.value
        let masked = try model.replacing("fc.bias", at: Self.forgotten, with: -1000)
        let result = try await audit(masked, retrained: [retrained])
        #expect(try measure(.forgetAccuracyTest, in: result).unlearned?.value == 0)
        for identifier in [.headShareBias, .headShareLayer] as [MeasureIdentifier] {
            let share = try measure(identifier, in: result)
            #expect(share.unlearned?.value == 1 && share.verdict == .leak)
        }
        let probe = try measure(.linearProbe, in: result)
        #expect(probe.unlearned == probe.original)
        #expect(try measure(.kernelAlignment, in: result).unlearned.map { abs($0.value - 1) < 1e-9 } == true)
        let distance = try measure(.weightDistance, in: result)
        #expect(distance.rows.filter { ($0.values.unlearned ?? 0) > 0 }.map(\.name) == ["fc"])
        // A network that never saw the class has its forgetting in the features.
        let honest = try await audit(retrained)
        #expect(try measure(.headShareBias, in: honest).verdict == .pass)
        #expect(try #require(measure(.prototypeRelearning, in: result).unlearned?.value) > 0.8)
    }

    @Test("every measure and figure of features and weights is there, for all models")
    func everyMeasureAndFigure() async throws {
        let model = try await Patterns.model
        let retrained = try await Self.retraining.value
        let outcome = try await Patterns.unlearner(forgetting: [Self.forgotten]).forget(classes: [Self.forgotten])
        let masked = try model.replacing("fc.bias", at: Self.forgotten, with: -1000)
        let result = try await audit(outcome.model, retrained: [retrained, masked])
        let stages = ["relu0", "relu1", "flatten"]
        #expect(model.graph.stages() == stages)
        for identifier in [.linearProbe, .nearestCentroid, .kernelAlignment] as [MeasureIdentifier] {
            let measure = try measure(identifier, in: result)
            #expect(measure.rows.map(\.name) == stages && measure.rowKind == .layers)
            #expect(measure.rows.last?.values.unlearned == measure.unlearned?.value)
            #expect(measure.rows.last?.values.retrained == measure.retrained?.mean)
            #expect(measure.retrained?.values.count == 2)
            for row in measure.rows { #expect(row.values.unlearned.map { (0...1).contains($0) } == true) }
        }
        // The second of the retrained models is the original up to its answers.
        #expect(
            try measure(.weightDistance, in: result).retrained?.values[1].value
                == WeightDistance(from: model, to: masked).total)
        #expect(try abs(#require(measure(.kernelAlignment, in: result).retrained).values[1].value - 1) < 1e-9)
        #expect(
            try measure(.linearProbe, in: result).retrained?.values[1] == measure(.linearProbe, in: result).original)
        let layers = result.figures.layers.map(\.name)
        #expect(layers == ["conv0", "relu0", "conv1", "relu1", "conv2", "flatten", "fc"])
        for layer in result.figures.layers {
            let isStage = stages.contains(layer.name)
            #expect((layer.weightDistance.unlearned != nil) == !isStage, "\(layer.name)")
            #expect((layer.alignment.unlearned != nil) == isStage, "\(layer.name)")
            #expect((layer.probeRecall.original != nil) == isStage, "\(layer.name)")
            #expect((layer.centroidRecall.retrained != nil) == isStage, "\(layer.name)")
            // Retained classes are what the network was trained on: a stage that knew nothing of them would be at a third.
            let kept = layer.retainedProbeAccuracy
            #expect(
                (kept?.original.map { $0 > 0.5 && $0 <= 1 } == true) == isStage,
                "\(layer.name): \(String(describing: kept))")
        }
        #expect(result.figures.embeddings.map(\.model) == [.original, .unlearned, .retrained])
        for embedding in result.figures.embeddings {
            #expect(embedding.x.count == 300 && embedding.y.count == 300 && embedding.labels.count == 300)
            #expect(embedding.explainedVariance.count == 2 && (embedding.x + embedding.y).allSatisfy(\.isFinite))
        }
        #expect(result.figures.attention.count == 6)
        for picture in result.figures.attention {
            #expect(picture.label == Self.forgotten && picture.predicted.original == Self.forgotten)
            #expect((picture.image.width, picture.image.height, picture.image.channels) == (12, 12, 1))
            #expect(picture.image.pixels.count == 144 && picture.heat.unlearned?.pixels.count == 144)
            #expect(Set(picture.image.pixels).count > 50)
        }
    }

    @Test("heat maps show the pictures of the data set, converted back from the network's input")
    func picturesAreTheData() async throws {
        var model = try await Patterns.model
        model.metadata.normalization = Patterns.test.normalization
        let result = try await audit(model, original: model)
        var known: Set<Data> = []
        for index in 0..<Patterns.test.count where Patterns.test.label(at: index) == Self.forgotten {
            known.insert(Data(try Patterns.test.pixels(at: index)))
        }
        #expect(result.figures.attention.isEmpty == false)
        for picture in result.figures.attention { #expect(known.contains(picture.image.pixels)) }
        // With nothing lost there is no share of it.
        let share = try measure(.headShareBias, in: result)
        #expect(share.omission?.contains("0.01") == true && share.unlearned == nil)
    }

    @Test("very wide features are sampled evenly, from the first example to the last")
    func wideFeatures() {
        #expect(StageFeatures.manageableRows(of: 10_000, width: 512) == Array(0..<10_000))
        let rows = StageFeatures.manageableRows(of: 10_000, width: 25_088)
        #expect(rows.count == 1594 && Set(rows).count == 1594 && rows == rows.sorted())
        #expect(rows.first == 0 && rows.last.map { $0 > 9_900 && $0 < 10_000 } == true)
        #expect(StageFeatures.manageableRows(of: 10, width: 1 << 40) == [0, 5])
        #expect(StageFeatures.manageableRows(of: 0, width: 0).isEmpty)
    }

    @Test("results do not depend on the number of threads, and runs agree")
    func threadsAndRunsAgree() async throws {
        let unlearned = try await Self.retraining.value
        func comparable(_ threads: Int) async throws -> [MeasureResult] {
            try await audit(
                unlearned, configuration: AuditConfiguration(relearning: nil),
                options: RunOptions(seed: 3, threadCount: threads)
            ).measures
        }
        let one = try await comparable(1)
        #expect(try await comparable(3) == one)
        let probe = try #require(one.first { $0.measure.identifier == .linearProbe }?.unlearned)
        let interval = try #require(probe.interval)
        #expect(interval.lower <= probe.value && probe.value <= interval.upper && interval.level == 0.95)
    }

    @Test("settings leave features and figures out")
    func whatIsNotAskedForIsNotThere() async throws {
        let model = try await Patterns.model
        var configuration = AuditConfiguration(bootstrap: nil, relearning: nil, makesFigures: false)
        let plain = try await audit(model, configuration: configuration)
        #expect(plain.figures == AuditFigures())
        #expect(try measure(.linearProbe, in: plain).isOmitted == false)
        configuration.examinesRepresentation = false
        configuration.makesFigures = true
        let outputs = try await audit(model, configuration: configuration)
        #expect(outputs.measures.allSatisfy { $0.measure.group != .representation })
        #expect(outputs.figures.attention.isEmpty && outputs.figures.layers.isEmpty)
    }

    @Test("without training examples probes are left out, and other measures are taken")
    func withoutTrainingExamples() async throws {
        let model = try await Patterns.model
        let result = try await Audit(configuration: AuditConfiguration(bootstrap: nil, relearning: nil)).run(
            original: model, unlearned: Self.retraining.value, forgotten: [Self.forgotten],
            data: AuditData(test: Patterns.test))
        for identifier in [.linearProbe, .nearestCentroid, .prototypeRelearning] as [MeasureIdentifier] {
            #expect(try measure(identifier, in: result).omission?.contains("no training data") == true)
        }
        for identifier in [.headShareBias, .headShareLayer, .weightDistance, .kernelAlignment] as [MeasureIdentifier] {
            #expect(try measure(identifier, in: result).unlearned != nil)
        }
        #expect(result.figures.embeddings.count == 2 && result.figures.attention.count == 6)
    }

    @Test("networks without a linear last layer, without stages or of other layers leave measures out with reasons")
    func otherNetworks() async throws {
        var builder = GraphBuilder(inputShape: Patterns.shape)
        var x = try builder.convolution(builder.input, named: "conv", channels: 8, kernelSize: 3, stride: 2)
        x = try builder.relu(x, named: "relu")
        x = try builder.convolution(x, named: "classes", channels: Patterns.classes, kernelSize: 3)
        _ = try builder.globalAveragePool(x, named: "mean")
        let convolutional = Model(graph: try builder.graph(), seed: 3)
        let result = try await audit(convolutional.perturbed(seed: 1), original: convolutional)
        for identifier in [.headShareBias, .headShareLayer, .prototypeRelearning] as [MeasureIdentifier] {
            #expect(try measure(identifier, in: result).omission == HeadShare.noHead)
        }
        #expect(try measure(.linearProbe, in: result).rows.map(\.name) == ["relu", "classes"])
        #expect(result.figures.attention.isEmpty == false)

        var other = GraphBuilder(inputShape: Patterns.shape)
        let flat = try other.flatten(other.input, named: "flat")
        _ = try other.linear(flat, named: "fc", outputs: Patterns.classes, bias: false)
        let linear = Model(graph: try other.graph(), seed: 3)
        let second = try await audit(linear.perturbed(seed: 1), original: linear)
        #expect(try measure(.headShareBias, in: second).isOmitted)
        #expect(try measure(.linearProbe, in: second).rows.map(\.name) == ["flat"])
        #expect(second.figures.attention.isEmpty)

        // Another network as the unlearned one: what compares layers is left out, with the reason.
        let mixed = try await audit(linear, original: convolutional)
        #expect(
            try measure(.weightDistance, in: mixed).omission?.contains("does not have the original's layers") == true)
        #expect(try measure(.kernelAlignment, in: mixed).isOmitted)
        #expect(try measure(.linearProbe, in: mixed).unlearned != nil)
    }

    @Test("features that are all equal cannot be probed, and the audit continues")
    func deadFeatures() async throws {
        let model = try await Patterns.model
        var dead = model
        for name in ["bn2.weight", "bn2.bias"] {
            dead = try dead.replacing([name: Tensor(repeating: 0, shape: [16])])
        }
        let result = try await audit(dead)
        #expect(try measure(.linearProbe, in: result).omission?.contains("linearly dependent") == true)
        #expect(try measure(.kernelAlignment, in: result).omission?.contains("the same for all images") == true)
        #expect(try measure(.weightDistance, in: result).unlearned != nil)
        #expect(result.figures.embeddings.map(\.model) == [.original, .unlearned])
    }
}
