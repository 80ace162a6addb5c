import Foundation
import TestSupport
import Testing
import Unlearning

/// Each method's steps against PyTorch's from the paper's equations; Tests/Fixtures/README.md describes the fixture.
@Suite("Methods as published, against PyTorch", .tags(.methods))
struct PublishedMethodTests {
    /// Rates of the fixture where the published one would move weights by no more than rounding.
    static let rate = 0.01
    static let forgotten = 2

    let fixture: Fixture
    let model: Model
    let retain: TensorExamples
    let forget: TensorExamples

    init() throws {
        fixture = try Fixture("Methods/methods.safetensors")
        var builder = GraphBuilder(inputShape: [8, 8, 3])
        var x = try builder.convolution(
            builder.input, named: "conv1", channels: 6, kernelSize: 3, padding: 1, bias: false)
        x = try builder.relu(builder.batchNormalization(x, named: "bn1"), named: "relu1")
        x = try builder.convolution(x, named: "conv2", channels: 8, kernelSize: 3, stride: 2, padding: 1, bias: false)
        x = try builder.relu(builder.batchNormalization(x, named: "bn2"), named: "relu2")
        x = try builder.globalAveragePool(x, named: "pool")
        _ = try builder.linear(x, named: "fc", outputs: 4)
        var model = try GeneratedNumbers.model(try builder.graph())
        model.metadata.normalization = Normalization(mean: [0.5], standardDeviation: [0.25])
        self.model = model
        let brightness = GeneratedNumbers.uniform("methods.brightness", count: 20 * 3)
        let pixels = GeneratedNumbers.uniform("methods.input", count: 20 * 3 * 64).enumerated().map { index, value in
            let pixel = ((0.4 * value + 0.6 * brightness[index / 64]) * 255).rounded(.toNearestOrEven) / 255
            return Float((pixel - 0.5) / 0.25)
        }
        let images = Self.channelsLast(pixels, count: 20)
        let size = 8 * 8 * 3
        forget = try TensorExamples(
            Tensor(Array(images[..<(8 * size)]), shape: [8, 8, 8, 3]),
            labels: [Int](repeating: Self.forgotten, count: 8))
        retain = try TensorExamples(
            Tensor(Array(images[(8 * size)...]), shape: [12, 8, 8, 3]), labels: (0..<12).map { [0, 1, 3][$0 % 3] })
    }

    /// PyTorch's `[count, 3, 8, 8]` as the engine has it.
    private static func channelsLast(_ values: [Float], count: Int) -> [Float] {
        (0..<count * 64 * 3).map { place in
            let (image, position, channel) = (place / 192, place % 192 / 3, place % 3)
            return values[(image * 3 + channel) * 64 + position]
        }
    }

    /// The example's method run on the fixture's problem.
    func forgetting(_ method: any UnlearningMethod) async throws -> Model {
        var unlearner = Unlearner(model: model, retaining: retain, forgetting: forget, method: method)
        unlearner.guarding = nil
        return try await unlearner.forget(classes: [Self.forgotten]).model
    }

    func running<Result: Sendable>(
        _ method: any UnlearningMethod,
        _ body: @escaping @Sendable (UnlearningRequest, UnlearningSession) throws -> Result
    ) async throws -> Result {
        let request = try UnlearningRequest(
            model: model, target: .classes([Self.forgotten]), retain: retain, forget: forget, training: nil,
            method: method)
        return try await RunContext.run(RunOptions(), progress: nil) {
            try body(request, UnlearningSession(context: $0))
        }
    }

    /// Compares how far each tensor moved, to 1e-4 beyond what `float32` can tell of the tensor itself.
    func expectMoves(
        of new: Model, _ name: String, from start: Model? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let start = start ?? model
        for (key, tensor) in new.stateDictionary where !key.hasSuffix("tracked") {
            let expected = try fixture.values("\(name).\(key)").map(Double.init)
            let old = try #require(start.stateDictionary[key]).elements.map(Double.init)
            let moved = zip(tensor.elements, old).map { Double($0) - $1 }
            let allowed = 1e-4 * euclideanNorm(expected) + 1e-7 * euclideanNorm(old)
            let difference = euclideanNorm(zip(moved, expected).map { $0 - $1 })
            #expect(
                difference <= allowed, "\(name).\(key): \(difference) of \(euclideanNorm(expected))",
                sourceLocation: sourceLocation)
        }
    }

    @Test("SCRUB, with the settings of both notebooks")
    func scrub() async throws {
        var method = SCRUB.largeScale
        method.training.learningRate = Self.rate
        #expect(method.training.epochs == 3 && method.name == "scrub" && SCRUB().name == "scrub")
        try expectMoves(of: try await forgetting(method), "scrub_large")
        // The published ten epochs shortened to three, of which the last has a tenth of the rate.
        method = .smallScale
        #expect(method.name == "scrub-small")
        method.maximizingEpochs = 1
        method.decayEpochs = [2]
        method.training.epochs = 3
        try expectMoves(of: try await forgetting(method), "scrub_small")
    }

    @Test("negative gradient, alone and with retain data (NegGrad+)")
    func negativeGradient() async throws {
        var method = NegativeGradient()
        method.training.epochs = 3
        method.training.learningRate = Self.rate
        try expectMoves(of: try await forgetting(method), "negative_gradient")
        method = NegativeGradient(retainWeight: 0.95)
        method.training.epochs = 3
        let frozen = try await forgetting(method)
        try expectMoves(of: frozen, "negative_gradient_retain")
        #expect(frozen.state == model.state)
    }

    @Test("DELETE, with batch norm in training and frozen")
    func delete() async throws {
        var method = MaskedDistillation()
        method.training.epochs = 3
        method.training.learningRate = Self.rate
        try expectMoves(of: try await forgetting(method), "delete")
        method.training.freezesBatchNorm = true
        try expectMoves(of: try await forgetting(method), "delete_frozen")
    }

    @Test("SalUn: masked weights stay to the bit in spite of weight decay")
    func saliency() async throws {
        let labels = try fixture.values("salun.labels").map { Int($0) }
        var method = SaliencyUnlearning()
        method.training.epochs = 2
        let (salun, forget, retain) = (method, forget, retain)
        let new = try await running(salun) { request, session in
            let gradients = try GradientStatistics(quantity: .gradient, examplesPerGradient: 256, stream: "test")
                .mean(of: request.model, over: forget, session)
            let mask = SaliencyUnlearning.mask(ofLargest: salun.movingShare, in: gradients)
            return try salun.train(request, retaining: retain, mask: mask, session) { epoch in
                RelabeledExamples(source: forget, classes: Array(labels[(epoch * 8)..<(epoch * 8 + 8)]))
            }
        }
        try expectMoves(of: new, "salun")
        let still = try model.parameters.reduce(0) { sum, parameter in
            let now = try #require(new.parameters[parameter.key])
            return sum + (0..<now.count).count { now[$0] == parameter.value[$0] }
        }
        let count = model.parameters.values.reduce(0) { $0 + $1.count }
        #expect(abs(still - count / 2) <= 3)
    }

    @Test("Fisher forgetting: means and variances that weights are drawn from")
    func fisher() async throws {
        let found = try await running(FisherForgetting()) { [retain] request, session in
            let information = try GradientStatistics(quantity: .square, labels: .expected, stream: "test")
                .mean(of: request.model, over: retain, session)
            return FisherForgetting(scale: 1e-6).distributions(of: request.model, information, forgetting: [2])
        }
        #expect(found.count == model.parameters.count)
        for (key, distribution) in found {
            for (kind, tensor) in [("mean", distribution.mean), ("variance", distribution.variance)] {
                let expected = try fixture.values("fisher.\(kind).\(key)").map(Double.init)
                let difference = euclideanNorm(zip(tensor.elements, expected).map { Double($0) - $1 })
                #expect(difference <= 1e-4 * euclideanNorm(expected), "\(kind).\(key)")
            }
        }
    }

    @Test("boundary shrink: the label beyond the boundary, within the range of pixels")
    func boundaryShrink() async throws {
        let expected = try fixture.values("boundary_shrink.labels").map { Int($0) }
        // Biases that make all classes likely.
        var bias = try #require(model.parameters["fc.bias"])
        for (index, more) in [Float(0.6), 0.9, 0, -0.6].enumerated() { bias[index] += more }
        let likely = try model.replacing(["fc.bias": bias])
        let labels = try await running(BoundaryShrink()) { [forget] _, session in
            try BoundaryShrink().nearestLabels(of: forget, by: likely, without: [2], session)
        }
        #expect(labels == expected && Set(labels).count > 1)
        let (forget, training) = (
            forget,
            TrainingConfiguration(
                epochs: 3, batchSize: BoundaryShrink().training.batchSize,
                optimizer: BoundaryShrink().training.optimizer,
                learningRate: Self.rate)
        )
        let new = try await running(BoundaryShrink()) { request, session in
            try session.train(
                request.model, on: RelabeledExamples(source: forget, classes: expected), training, phase: .forgetting)
        }
        try expectMoves(of: new, "boundary_shrink")
    }

    @Test("a step in pixels ends at the range's ends, and at one of 256 values")
    func pixels() throws {
        let scale = try PixelScale(of: model)
        func pixel(_ value: Float, _ step: Float) -> Float {
            scale.moving((value - 0.5) / 0.25, by: step, at: 4) * 0.25 + 0.5
        }
        for (value, step, expected) in [(0.98, 0.1, 1), (0.03, -0.1, 0), (0.5, 0.1, 153.0 / 255)]
            as [(Float, Float, Float)]
        { #expect(abs(pixel(value, step) - expected) < 1e-6) }
        var unknown = model
        unknown.metadata.normalization = nil
        #expect(try PixelScale(of: unknown).moving(3, by: 0.5, at: 0) == 3.5)
    }

    @Test("bad teacher: both teachers' divergence in one batch")
    func badTeacher() async throws {
        var method = BadTeacher()
        method.training.epochs = 2
        let (badTeacher, retain) = (method, retain)
        let new = try await running(badTeacher) { request, session in
            var tensors: [String: Tensor] = [:]
            for (key, tensor) in request.model.stateDictionary {
                tensors[key] = try GeneratedNumbers.stateTensor("methods.bad.\(key)", shape: tensor.shape)
            }
            return try badTeacher.distill(request, from: request.model.replacing(tensors), retaining: retain, session)
        }
        try expectMoves(of: new, "bad_teacher")
    }

    @Test("amnesiac relabeling: incorrect labels, mixed with the retain data")
    func amnesiac() async throws {
        let labels = try fixture.values("amnesiac.labels").map { Int($0) }
        let (forget, retain, training) = (forget, retain, AmnesiacRelabeling().training)
        let new = try await running(AmnesiacRelabeling()) { request, session in
            try session.train(
                request.model, forgetting: RelabeledExamples(source: forget, classes: labels), retaining: retain,
                training, stream: "test")
        }
        try expectMoves(of: new, "amnesiac")
    }

    @Test("CF-k: the last stage goes on behind a frozen part")
    func lastStages() async throws {
        let method = LastStages(
            resetting: false,
            training: TrainingConfiguration(epochs: 3, optimizer: .sgd(momentum: 0.9), learningRate: 0.01))
        try expectMoves(of: try await forgetting(method), "last_stages")
    }

    @Test("EU-k: the last stage starts from new weights behind a frozen part")
    func resetStages() async throws {
        let method = LastStages(
            resetting: true,
            training: TrainingConfiguration(epochs: 3, optimizer: .sgd(momentum: 0.9), learningRate: 0.01))
        let reset = try ["conv2", "bn2", "fc"].reduce(into: [String: Tensor]()) { tensors, layer in
            for (key, tensor) in model.stateDictionary where key.hasPrefix("\(layer).") {
                tensors[key] = try GeneratedNumbers.stateTensor("methods.reset.\(key)", shape: tensor.shape)
            }
        }
        let new = try await running(method) { request, session in
            try method.makeModel(request, session) { last in
                // The method trains these layers and no others.
                #expect(Set(last.stateDictionary.keys) == Set(reset.keys))
                return try last.replacing(reset)
            }
        }
        try expectMoves(of: new, "last_stages_reset.moved", from: model.replacing(reset))
    }

    @Test("selective synaptic dampening, over batches in the order of classes")
    func dampening() async throws {
        let method = SelectiveSynapticDampening(selection: 1.5, dampening: 0.5, examplesPerGradient: 4)
        let new = try await forgetting(method)
        try expectMoves(of: new, "dampening")
        for (key, tensor) in new.parameters {
            let moves = try fixture.values("dampening.\(key)")
            let old = try #require(model.parameters[key])
            for index in moves.indices where moves[index] == 0 { #expect(tensor[index] == old[index]) }
        }
    }

    @Test("dampening refuses a share of forget data at which it can select nothing, and says which ratio could")
    func impossibleDampening() async throws {
        // 8 of 20 examples, in batches of 4: no weight can matter 2.5 times as much for them as for all.
        let text = await message {
            try await forgetting(SelectiveSynapticDampening(selection: 10, examplesPerGradient: 4))
        }
        #expect(
            text
                == "selection cannot be 10; the forget data are 40 % of all data, so no weight can matter 2.5 times as "
                + "much for them as for all; use less than that, or give more retain data")
        let unselected = try #require(
            await message {
                try await forgetting(SelectiveSynapticDampening(selection: 2.4999, examplesPerGradient: 4))
            })
        #expect(unselected.hasPrefix("selection cannot be 2.4999; no weight matters that many times as much"))
    }

    @Test("UNSIR: noise, impair and repair at the published rates")
    func unsir() async throws {
        let start = Self.channelsLast(
            try GeneratedNumbers.symmetric("methods.noise", shape: [4, 3, 8, 8], scale: 1.7).elements, count: 4)
        let (model, retain) = (model, retain)
        let (noise, impaired, repaired) = try await RunContext.run(RunOptions(), progress: nil) { context in
            let noise = try NoiseMaximizer(configuration: NoiseMaximizer.Configuration(imagesPerClass: 4, steps: 3))
                .noise(classes: [2], model: model, starting: [2: start], context: context)
            let impaired = try ImpairStep(configuration: ImpairStep.Configuration(noiseRepetitions: 2))
                .impair(model, noise: noise, retaining: retain, context: context).model
            let repaired = try RepairStep().repair(impaired, retaining: retain, context: context).model
            return (noise, impaired, repaired)
        }
        let expected = Self.channelsLast(try fixture.values("unsir.noise"), count: 4).map(Double.init)
        let difference = zip(try #require(noise.first).images.elements, expected).map { Double($0) - $1 }
        #expect(euclideanNorm(difference) <= 1e-4 * euclideanNorm(zip(expected, start).map { $0 - Double($1) }))
        try expectMoves(of: impaired, "unsir.impaired")
        try expectMoves(of: repaired, "unsir.repaired")
    }
}
