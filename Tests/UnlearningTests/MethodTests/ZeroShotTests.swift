import TestSupport
import Testing
import Unlearning

@Suite("Forgetting without any data", .tags(.methods))
struct ZeroShotTests {
    /// How far a batch's statistics are from given ones, in Double, from the definition.
    private func distance(_ x: [Double], channels: Int, mean: [Float], variance: [Float]) -> Double {
        let rows = x.count / channels
        let total = variance.reduce(0.0) { $0 + Double($1) }
        let floor = 1e-5 + 0.01 * total / Double(channels)
        var sum = 0.0
        for channel in 0..<channels {
            let values = (0..<rows).map { x[$0 * channels + channel] }
            let m = values.reduce(0, +) / Double(rows)
            let v = values.reduce(0) { $0 + ($1 - m) * ($1 - m) } / Double(rows)
            let s = Double(variance[channel]) + floor
            let shift = m - Double(mean[channel])
            sum += shift * shift / s + (v / s - 1) * (v / s - 1)
        }
        return sum / Double(channels)
    }

    @Test("matching statistics passes values on, and has the gradient of its definition", arguments: [1, 5, 19])
    func gradient(channels: Int) throws {
        var random = SeededRandom(seed: UInt64(channels))
        let mean = (0..<channels).map { _ in Float(random.normal()) }
        let variance = (0..<channels).map { _ in Float(0.2 + random.uniform()) }
        let weight: Float = 0.7
        var builder = GraphBuilder(inputShape: [2, 3, channels])
        _ = try builder.add(
            StatisticsMatching(mean: mean, variance: variance, weight: weight), named: "matching", builder.input)
        let model = Model(graph: try builder.graph(), seed: 0)
        let (batch, capacity) = (3, 4)
        let count = batch * 6 * channels
        let x = (0..<count).map { _ in 2 * random.normal() }
        for threads in [1, 3] {
            let executor = Executor(
                model: model, batchCapacity: capacity, computing: .input, threads: ThreadTeam(workers: threads))
            for index in 0..<count { executor.input[index] = Float(x[index]) }
            try executor.forward(batch: batch, mode: .inference)
            #expect((0..<count).allSatisfy { executor.output[$0] == Float(x[$0]) })
            for index in 0..<count { executor.outputGradient[index] = 0.5 }
            try executor.backward()
            var error = 0.0
            for index in 0..<count {
                func moved(_ step: Double) -> Double {
                    var moved = x
                    moved[index] += step
                    return distance(moved, channels: channels, mean: mean, variance: variance)
                }
                let expected = 0.5 + Double(weight) * (moved(1e-5) - moved(-1e-5)) / 2e-5
                error = max(error, abs(Double(executor.inputGradient[index]) - expected))
            }
            #expect(error < 1e-5)
        }
    }

    @Test("statistics of other sizes are refused")
    func wrongShape() throws {
        var builder = GraphBuilder(inputShape: [2, 2, 3])
        #expect(throws: ShapeError.self) {
            try builder.add(
                StatisticsMatching(mean: [0, 0], variance: [1, 1], weight: 1), named: "matching", builder.input)
        }
    }

    @Test("a model that matches statistics answers as before")
    func sameAnswers() async throws {
        let model = try await Patterns.model
        let test = try model.prepare(Patterns.test)
        let matched = try model.matchingStatistics(weight: 1)
        #expect(matched.graph.nodes.count == model.graph.nodes.count + 3)
        let (a, b) = (
            try await Predictor().logits(of: test, by: model), try await Predictor().logits(of: test, by: matched)
        )
        #expect(zip(a.elements, b.elements).allSatisfy { abs($0 - $1) < 1e-3 })
    }

    @Test("made inputs are of their class to the model, and have the statistics that it knows")
    func inputs() async throws {
        let model = try await Patterns.model
        func made(_ weight: Float) async throws -> TensorExamples {
            try await RunContext.run(RunOptions(seed: 2), progress: nil) { context in
                try InputSynthesizer(perClass: 20, batchSize: 60, steps: 60, statisticsWeight: weight)
                    .examples(for: model, UnlearningSession(context: context))
            }
        }
        let matched = try await made(5)
        #expect(matched.count == 120 && Set(matched.labels) == Set(0..<6))
        let accuracy = try await Evaluator().accuracy(of: model, on: matched)
        #expect(try #require(accuracy.all) > 0.95)
        let free = try await made(0)
        #expect(try distance(of: matched, model) < 0.5 * distance(of: free, model))
    }

    /// How far the first batch norm's input is from its running statistics.
    private func distance(of examples: TensorExamples, _ model: Model) throws -> Double {
        let executor = try Executor(
            model: model, batchCapacity: examples.count, modes: [.inference], keeping: ["conv0"])
        for (index, value) in examples.inputs.elements.enumerated() { executor.input[index] = value }
        try executor.forward(batch: examples.count, mode: .inference)
        let values = try executor.value(of: "conv0").map(Double.init)
        return distance(
            values, channels: 8, mean: try #require(model.state["bn0.running_mean"]).elements,
            variance: try #require(model.state["bn0.running_var"]).elements)
    }
}
