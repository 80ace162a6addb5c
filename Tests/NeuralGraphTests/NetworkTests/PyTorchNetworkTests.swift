import NeuralGraph
import TestSupport
import Testing

/// Whole networks with generated weights against PyTorch's results in Double.
@Suite("PyTorch network", .tags(.networks)) struct PyTorchNetworkTests {
    private let worst = WorstErrors("networks against PyTorch")

    @Test("inference", arguments: NetworkFixture.names)
    func inference(_ name: String) throws {
        let fixture = try NetworkFixture(name)
        let executor = Executor(model: fixture.model, batchCapacity: fixture.batch, computing: .nothing)
        _ = try fixture.step(executor, mode: .inference)
        try expectClose(executor.output, fixture.results.values("inference.logits"), 1e-4, "inference logits", name)
    }

    /// Rounding weights alone, computed in floats, says how far bfloat16 takes a network's logits; rounding activations too
    /// adds errors of the same kind.
    @Test("inference in bfloat16", arguments: NetworkFixture.names)
    func inferenceInBFloat16(_ name: String) throws {
        let fixture = try NetworkFixture(name)
        let exact = try fixture.results.values("inference.logits")
        func error(_ model: Model, _ precision: Precision) throws -> Double {
            let executor = Executor(
                model: model, batchCapacity: fixture.batch, computing: .nothing, precision: precision)
            _ = try fixture.step(executor, mode: .inference)
            return relativeDifference(executor.output, from: exact)
        }
        // Biases and the numbers of norms are no factors.
        let weights = try fixture.model.parameters.filter { $0.value.shape.rank > 1 }.mapValues {
            try Tensor($0.elements.roundedToBFloat16, shape: $0.shape)
        }
        let expected = try error(fixture.model.replacing(weights), .float32)
        let found = try error(fixture.model, .bfloat16)
        #expect(found > expected / 3 && found < 3 * expected, "\(name): \(found), with rounded weights \(expected)")
    }

    @Test("training", arguments: NetworkFixture.names)
    func training(_ name: String) throws {
        let fixture = try NetworkFixture(name)
        let executor = Executor(model: fixture.model, batchCapacity: fixture.batch, computing: .both)
        let loss = try fixture.step(executor, mode: .training)
        let results = fixture.results
        try expectClose(executor.output, results.values("training.logits"), 1e-4, "training logits", name)
        try expectClose([loss.loss], results.values("training.loss"), 1e-4, "training loss", name)
        try checkRunningStatistics(try executor.model(), results, name)
    }

    private func checkRunningStatistics(_ model: Model, _ results: Fixture, _ name: String) throws {
        for key in results.names where key.hasPrefix("after.") {
            let statistic = try #require(model.state[String(key.dropFirst(6))], "\(key)")
            try expectClose(
                statistic.elements, results.values(key), 1e-4, "running statistics", "\(name), \(key)")
        }
        for (key, tensor) in model.state where key.hasSuffix("num_batches_tracked") {
            #expect(tensor.elements == [1], "\(key)")
        }
    }

    /// Gradients of networks without kinks, as Transformers are: rounding moves them little.
    @Test("smooth gradients", arguments: NetworkFixture.names(withKinks: false), [Mode.training, .inference])
    func smoothGradients(_ name: String, _ mode: Mode) throws {
        let fixture = try NetworkFixture(name)
        let executor = Executor(model: fixture.model, batchCapacity: fixture.batch, computing: .both)
        _ = try fixture.step(executor, mode: mode)
        try expectGradients(
            input: fixture.inputGradient(executor),
            executor.parameterGradients().mapValues { $0.elements.map(Double.init) },
            fixture, mode, tolerance: 1e-3, name)
    }

    /// The Double reference's gradients, by its own gates, are PyTorch's: Double rounds no unit across a kink.
    @Test(
        "reference gradients", .tags(.slow), .slow, arguments: NetworkFixture.names(withKinks: true),
        [Mode.training, .inference])
    func referenceGradients(_ name: String, _ mode: Mode) throws {
        let fixture = try NetworkFixture(name)
        let found = fixture.referenceGradients(mode: mode)
        try expectClose(
            found.output, fixture.results.values("\(mode).logits"), 1e-6, "reference's logits", "\(name), \(mode)")
        try expectGradients(
            input: fixture.channelsFirst(found.input), found.parameters, fixture, mode, tolerance: 1e-6, name)
    }

    /// The engine's gradients are those of the Double reference with the engine's gates. A unit that rounding puts on the
    /// other side of its kink changes gradients by a percent, in PyTorch too, so that numbers of another run, whose sums are
    /// in another order, could only be compared by luck.
    @Test(
        "gradients", .tags(.slow), .slow, arguments: NetworkFixture.names(withKinks: true), [Mode.training, .inference])
    func gradients(_ name: String, _ mode: Mode) throws {
        let fixture = try NetworkFixture(name)
        let sources = ReferenceGates.sources(of: fixture.model.graph)
        let executor = try Executor(
            model: fixture.model, batchCapacity: fixture.batch, computing: .both, keeping: sources)
        _ = try fixture.step(executor, mode: mode)
        let reference = try fixture.referenceGradients(mode: mode, gates: fixture.gates(of: executor))
        let place = "\(name), \(mode)"
        try expectClose(executor.inputGradient, reference.input, 1e-4, "input gradient", place)
        for (key, gradient) in try executor.parameterGradients() {
            let expected = try #require(reference.parameters[key], "\(key)")
            if let weight = vanishes(key, reference.parameters) {
                let error = norm(gradient.elements) / weight
                #expect(worst.isWithin(1e-3, error, "vanishing gradients", at: "\(place), \(key)"), "\(key): \(error)")
            } else {
                try expectClose(gradient.elements, expected, 1e-3, "parameter gradient", "\(place), \(key)")
            }
        }
    }

    /// Compares gradients with the samples of a fixture.
    private func expectGradients(
        input: [Double], _ parameters: [String: [Double]], _ fixture: NetworkFixture, _ mode: Mode, tolerance: Double,
        _ name: String
    ) throws {
        let results = fixture.results
        let place = "\(name), \(mode)"
        try expectClose(
            NetworkFixture.sampled(input, count: 2048, odd: true), results.values("\(mode).input_gradient"), tolerance,
            "input gradient samples", place)
        let prefix = "\(mode).gradient_norm."
        let stored = results.names.filter { $0.hasPrefix(prefix) }.map { $0.dropFirst(prefix.count) }
        #expect(Set(stored.map(String.init)) == Set(parameters.keys))
        for (key, gradient) in parameters where vanishes(key, parameters) == nil {
            try expectClose(
                NetworkFixture.sampled(gradient, count: 64, odd: false),
                results.values("\(mode).gradient_samples.\(key)"), tolerance, "gradient samples", "\(place), \(key)")
            try expectClose(
                [norm(gradient)], results.values("\(prefix)\(key)"), tolerance, "gradient norm", "\(place), \(key)")
        }
    }

    /// The norm of the weights' gradient where that of a bias is 0 but for rounding: a shift that a batch norm takes away
    /// again. Its rounding is judged in relation to what the shift is added to.
    private func vanishes(_ key: String, _ gradients: [String: [Double]]) -> Double? {
        guard key.hasSuffix(".bias"), let bias = gradients[key],
            let weight = gradients[key.replacing(/bias$/, with: "weight")]
        else { return nil }
        return norm(bias) < 1e-6 * norm(weight) ? norm(weight) : nil
    }

    private func norm<Number: BinaryFloatingPoint>(_ values: [Number]) -> Double {
        values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    }

    /// The losses of ten steps of training, in which the loss falls by a good part. The fixture's script makes sure that
    /// rounding by any order of summation moves them by a fraction of the tolerance.
    @Test("ten steps", .tags(.slow), .slow, arguments: NetworkFixture.names, Algorithms.allCases)
    func tenSteps(_ name: String, _ algorithms: Algorithms) throws {
        let fixture = try NetworkFixture(name, for: .descent)
        let expected = try fixture.results.values("descent.losses")
        for (step, loss) in try losses(fixture, algorithms: algorithms).enumerated() {
            try expectClose([loss], [expected[step]], 1e-3, "losses", "\(name), \(algorithms), step \(step)")
        }
    }

    /// The losses before each of ten steps of Adam.
    private func losses(_ fixture: NetworkFixture, algorithms: Algorithms) throws -> [Double] {
        let results = fixture.results
        let executor = Executor(
            model: fixture.model, batchCapacity: fixture.batch, computing: .parameters, algorithms: algorithms)
        let optimizer = try OptimizerConfiguration.adam(epsilon: results.scalar("descent.epsilon"))
            .makeOptimizer(parameterCount: executor.trainableCount)
        let rate = Float(try results.scalar("descent.learning_rate"))
        return try (0..<10).map { _ in
            let loss = try fixture.step(executor, mode: .training).loss
            var parameters = executor.trainableParameters.mutableSpan
            try optimizer.step(
                parameters: &parameters, gradients: executor.gradients.span, learningRate: rate,
                threads: executor.threads)
            return loss
        }
    }

    private func expectClose<Result: BinaryFloatingPoint, Expected: BinaryFloatingPoint>(
        _ result: some Collection<Result>, _ expected: [Expected], _ tolerance: Double, _ kind: String,
        _ place: String, at location: SourceLocation = #_sourceLocation
    ) throws {
        let error = relativeDifference(result, from: expected)
        #expect(
            worst.isWithin(tolerance, error, kind, at: place), "\(kind) of \(place): \(error)",
            sourceLocation: location)
    }
}
