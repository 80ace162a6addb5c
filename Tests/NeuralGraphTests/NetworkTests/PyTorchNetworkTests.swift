import NeuralGraph
import TestSupport
import Testing

/// Whole networks with generated weights against PyTorch's results in Double.
@Suite struct PyTorchNetworkTests {
    private let worst = WorstErrors("networks against PyTorch")

    @Test(arguments: NetworkFixture.names)
    func inference(_ name: String) throws {
        let fixture = try NetworkFixture(name, for: .inference)
        let executor = Executor(model: fixture.model, batchCapacity: fixture.batch, computing: .input)
        _ = fixture.step(executor, mode: .inference)
        try expectClose(executor.output, fixture.results.values("inference.logits"), 1e-4, "inference logits", name)
        try expectClose(
            fixture.sampledInputGradient(executor), fixture.results.values("inference.input_gradient"), 1e-3,
            "inference input gradient", name)
    }

    @Test(arguments: NetworkFixture.names)
    func training(_ name: String) throws {
        let fixture = try NetworkFixture(name)
        let executor = Executor(model: fixture.model, batchCapacity: fixture.batch, computing: .both)
        let loss = fixture.step(executor, mode: .training)
        let results = fixture.results
        try expectClose(executor.output, results.values("training.logits"), 1e-4, "training logits", name)
        try expectClose([loss.loss], results.values("training.loss"), 1e-4, "training loss", name)
        try expectClose(
            fixture.sampledInputGradient(executor), results.values("training.input_gradient"), 1e-3,
            "training input gradient", name)
        try checkParameterGradients(executor, results, name)
        try checkRunningStatistics(try executor.model(), results, name)
    }

    private func checkParameterGradients(_ executor: Executor, _ results: Fixture, _ name: String) throws {
        let gradients = try executor.parameterGradients()
        let stored = results.names.filter { $0.hasPrefix("gradient_norm.") }.map { $0.dropFirst(14) }
        #expect(Set(stored.map(String.init)) == Set(gradients.keys))
        for (key, gradient) in gradients {
            if try vanishes(key, results) {
                // Nothing but rounding is left, in relation to the gradient of what the shift is added to.
                let weight = try #require(gradients[key.replacing(/bias$/, with: "weight")])
                let error = euclideanNorm(gradient.elements) / euclideanNorm(weight.elements)
                #expect(worst.isWithin(1e-3, error, "vanishing gradients", at: "\(name), \(key)"), "\(key): \(error)")
                continue
            }
            let step = max(1, gradient.count / 64)
            let samples = stride(from: 0, to: gradient.count, by: step).prefix(64).map { gradient[$0] }
            let place = "\(name), \(key)"
            try expectClose(
                samples, results.values("gradient_samples.\(key)"), 1e-3, "gradient samples", place)
            try expectClose(
                [euclideanNorm(gradient.elements)], results.values("gradient_norm.\(key)"), 1e-3,
                "gradient norm", place)
        }
    }

    /// Whether a gradient is 0 but for rounding: that of a shift which a later batch norm takes away again.
    private func vanishes(_ key: String, _ results: Fixture) throws -> Bool {
        guard key.hasSuffix(".bias") else { return false }
        let weight = try results.scalar("gradient_norm.\(key.replacing(/bias$/, with: "weight"))")
        return try results.scalar("gradient_norm.\(key)") < 1e-9 * weight
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

    /// Batch norm over four images on 1x1 maps amplifies rounding ten thousand times in ten steps, so this trajectory is
    /// followed with the algorithms whose order of summation is PyTorch's.
    @Test(arguments: NetworkFixture.names)
    func tenStepsOfAdam(_ name: String) throws {
        try checkAdam(NetworkFixture(name), "adam", name, precision: .strict)
    }

    /// The same with larger batches and rates: the loss falls to a fraction.
    @Test(arguments: NetworkFixture.names)
    func tenStepsDownhill(_ name: String) throws {
        try checkAdam(NetworkFixture(name, for: .descent), "descent", name, precision: .fast)
    }

    private func checkAdam(
        _ fixture: NetworkFixture, _ kind: String, _ name: String, precision: Precision
    ) throws {
        let losses = try adamLosses(
            fixture, rate: fixture.results.scalar("\(kind).learning_rate"), precision: precision)
        let expected = try fixture.results.values("\(kind).losses")
        for (step, loss) in losses.enumerated() {
            try expectClose([loss], [expected[step]], 1e-3, "losses of \(kind)", "\(name), step \(step)")
        }
    }

    /// The losses before each of ten steps.
    private func adamLosses(_ fixture: NetworkFixture, rate: Double, precision: Precision) throws -> [Double] {
        let executor = Executor(
            model: fixture.model, batchCapacity: fixture.batch, computing: .parameters, precision: precision)
        let optimizer = try OptimizerConfiguration.adam.makeOptimizer(parameterCount: executor.trainableCount)
        let parameters = try #require(executor.parameters.baseAddress)
        let gradients = try #require(executor.gradients.baseAddress)
        return (0..<10).map { _ in
            let loss = fixture.step(executor, mode: .training).loss
            optimizer.step(
                parameters: parameters, gradients: gradients, count: executor.trainableCount,
                learningRate: Float(rate), threads: executor.threads)
            return loss
        }
    }

    private func expectClose<Result: BinaryFloatingPoint>(
        _ result: some Collection<Result>, _ expected: [Float], _ tolerance: Double, _ kind: String,
        _ place: String, at location: SourceLocation = #_sourceLocation
    ) throws {
        let error = relativeDifference(result, from: expected)
        #expect(
            worst.isWithin(tolerance, error, kind, at: place), "\(kind) of \(place): \(error)",
            sourceLocation: location)
    }
}
