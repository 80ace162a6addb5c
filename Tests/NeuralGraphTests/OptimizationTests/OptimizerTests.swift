import Foundation
import NeuralGraph
import TestSupport
import Testing

@Suite("Optimizer", .tags(.optimization)) struct OptimizerTests {
    struct Trajectory: Sendable, CustomTestStringConvertible {
        let name: String
        let configuration: OptimizerConfiguration
        let learningRate: Float
        var testDescription: String { name }
    }

    static let trajectories = [
        Trajectory(name: "sgd", configuration: .sgd(momentum: 0.9, weightDecay: 0.01), learningRate: 0.1),
        Trajectory(
            name: "sgd_nesterov", configuration: .sgd(momentum: 0.9, nesterov: true, weightDecay: 0.01),
            learningRate: 0.1),
        Trajectory(name: "adam", configuration: .adam(weightDecay: 0.01), learningRate: 0.01),
        Trajectory(name: "adamw", configuration: .adamW(weightDecay: 0.1), learningRate: 0.01),
    ]

    @Test("follows PyTorch", arguments: trajectories) func followsPyTorch(_ trajectory: Trajectory) throws {
        let expected = try LossFixtures().values("\(trajectory.name).trajectory")
        var parameters = LossFixtures.symmetric("parameters", count: 16)
        let optimizer = try trajectory.configuration.makeOptimizer(parameterCount: 16)
        let threads = ThreadTeam(workers: 1)
        for step in 0..<10 {
            let noise = LossFixtures.symmetric("gradient.\(step)", count: 16)
            let gradients = zip(parameters, noise).map { $0 * 0.5 + $1 }
            try optimizer.step(&parameters, gradients, learningRate: trajectory.learningRate, threads: threads)
            let row = Array(expected[step * 16..<(step + 1) * 16])
            #expect(relativeError(parameters, row) < 1e-6, "step \(step)")
        }
    }

    /// More than a chunk, and no multiple of one or of a vector.
    private static let count = 3 * 16384 + 13

    private func parameters(
        after steps: Int, _ configuration: OptimizerConfiguration, workers: Int
    ) throws -> [Float] {
        var parameters = LossFixtures.symmetric("parameters", count: Self.count)
        let optimizer = try configuration.makeOptimizer(parameterCount: Self.count)
        let threads = ThreadTeam(workers: workers)
        for step in 0..<steps {
            var gradients = LossFixtures.symmetric("gradient.\(step)", count: Self.count)
            GradientClipping.norm(1).apply(to: &gradients, count: Self.count, threads: threads)
            try optimizer.step(&parameters, gradients, learningRate: 0.1, threads: threads)
        }
        return parameters
    }

    @Test(
        "does not depend on workers",
        arguments: [
            OptimizerConfiguration.sgd, .sgd(momentum: 0.9, nesterov: true, weightDecay: 0.1), .adam, .adamW,
        ])
    func doesNotDependOnWorkers(_ configuration: OptimizerConfiguration) throws {
        let one = try parameters(after: 3, configuration, workers: 1)
        #expect(try parameters(after: 3, configuration, workers: 2) == one)
        #expect(try parameters(after: 3, configuration, workers: 7) == one)
        #expect(one.allSatisfy { $0.isFinite })
    }

    @Test("vector tails are as the rest") func vectorTailsAreAsTheRest() throws {
        // Equal inputs must move equally wherever they stand in the vector.
        for count in [1, 3, 15, 16, 17, 33, 63] {
            var parameters = [Float](repeating: 0.3, count: count)
            let gradients = [Float](repeating: 0.7, count: count)
            let optimizer = try OptimizerConfiguration.adam(weightDecay: 0.1)
                .makeOptimizer(parameterCount: count)
            for _ in 0..<5 {
                try optimizer.step(&parameters, gradients, learningRate: 0.1, threads: ThreadTeam(workers: 1))
            }
            #expect(Set(parameters).count == 1, "\(count) parameters")
        }
    }

    /// Whole chunks of weights without a gradient are left out, which must change no bit: neither before they get one nor
    /// after, when moments and velocity go on, nor in an optimizer that goes on from a snapshot.
    @Test(
        "weights without a gradient stay as they are",
        arguments: [
            OptimizerConfiguration.sgd, .sgd(momentum: 0.9), .sgd(momentum: 0.9, nesterov: true), .adam,
            .sgd(momentum: 0.9, weightDecay: 0.1), .adam(weightDecay: 0.1), .adamW,
        ], [false, true])
    func weightsWithoutAGradientStay(_ configuration: OptimizerConfiguration, _ resumes: Bool) throws {
        let count = 6 * 16384 + 100
        // In another order, in which no chunk is without gradients: a prime that does not divide the count.
        let order = (0..<count).map { $0 * 7919 % count }
        let dead = [0..<16384, 20000..<70000, count - 150..<count]
        let start = LossFixtures.symmetric("parameters", count: count)
        var (parameters, others) = (start, order.map { start[$0] })
        var optimizer = try configuration.makeOptimizer(parameterCount: count)
        let reference = try configuration.makeOptimizer(parameterCount: count)
        let threads = ThreadTeam(workers: 2)
        for step in 0..<6 {
            var gradients = LossFixtures.symmetric("gradient.\(step)", count: count)
            // They get a gradient at one step only.
            if step != 3 {
                for range in dead { for index in range { gradients[index] = 0 } }
            }
            try optimizer.step(&parameters, gradients, learningRate: 0.1, threads: threads)
            try reference.step(&others, order.map { gradients[$0] }, learningRate: 0.1, threads: threads)
            #expect(order.map { parameters[$0].bitPattern } == others.map(\.bitPattern), "step \(step)")
            if resumes, step == 1 || step == 3 {
                let snapshot = try #require(optimizer as? any ResumableOptimizer).snapshot
                optimizer = try configuration.makeOptimizer(parameterCount: count)
                #expect(try #require(optimizer as? any ResumableOptimizer).restore(snapshot))
            }
            if step == 2, [.sgd, .adam, .sgd(momentum: 0.9)].contains(configuration) {
                #expect(dead.allSatisfy { parameters[$0] == start[$0] })
            }
        }
        #expect(parameters[100] != start[100])
    }

    @Test("a snapshot goes on as if nothing had happened", arguments: trajectories)
    func resumes(trajectory: Trajectory) throws {
        let count = 37
        func optimizer() throws -> any ResumableOptimizer {
            try #require(
                try trajectory.configuration.makeOptimizer(parameterCount: count) as? any ResumableOptimizer)
        }
        func step(_ optimizer: any Optimizer, _ parameters: inout [Float], _ number: Int) throws {
            let gradients = (0..<count).map { Float(($0 * 7 + number * 3) % 11) - 5 }
            try optimizer.step(
                &parameters, gradients, learningRate: trajectory.learningRate, threads: ThreadTeam(workers: 1))
        }
        let whole = try optimizer()
        var expected = [Float](repeating: 0.2, count: count)
        for number in 0..<4 { try step(whole, &expected, number) }
        let snapshot = whole.snapshot
        var parameters = expected
        for number in 4..<9 { try step(whole, &expected, number) }
        let resumed = try optimizer()
        #expect(resumed.restore(snapshot))
        for number in 4..<9 { try step(resumed, &parameters, number) }
        #expect(parameters == expected)
        #expect(resumed.snapshot == whole.snapshot)
        // Without the snapshot the steps would differ.
        let fresh = try optimizer()
        var others = parameters
        try step(fresh, &others, 9)
        try step(resumed, &parameters, 9)
        #expect(others != parameters)
    }

    @Test("a snapshot of another optimizer or number of parameters is refused, and changes nothing")
    func refusesSnapshot() throws {
        let adam = try #require(
            try OptimizerConfiguration.adam.makeOptimizer(parameterCount: 3) as? any ResumableOptimizer)
        let before = adam.snapshot
        for other: OptimizerConfiguration in [.sgd(momentum: 0.9), .sgd] {
            let snapshot = try #require(try other.makeOptimizer(parameterCount: 3) as? any ResumableOptimizer).snapshot
            #expect(!adam.restore(snapshot))
        }
        #expect(!adam.restore(OptimizerSnapshot(steps: 1, vectors: [[1, 2, 3], [1, 2]])))
        #expect(!adam.restore(OptimizerSnapshot(steps: -1, vectors: before.vectors)))
        #expect(adam.snapshot == before)
    }

    @Test("plain descent subtracts the gradient") func plainDescentSubtractsTheGradient() throws {
        var parameters: [Float] = [1, 2]
        let optimizer = try OptimizerConfiguration.sgd.makeOptimizer(parameterCount: 2)
        try optimizer.step(&parameters, [4, -4], learningRate: 0.25, threads: ThreadTeam(workers: 1))
        #expect(parameters == [0, 3])
        #expect(optimizer.parameterCount == 2)
    }

    @Test("undefined gradients show") func undefinedGradientsShow() throws {
        for configuration: OptimizerConfiguration in [.sgd, .sgd(momentum: 0.9), .adam, .adamW] {
            var parameters: [Float] = [1, 2]
            let optimizer = try configuration.makeOptimizer(parameterCount: 2)
            try optimizer.step(&parameters, [.nan, 0], learningRate: 0.1, threads: ThreadTeam(workers: 1))
            #expect(parameters[0].isNaN && parameters[1].isFinite)
        }
    }

    @Test("a step with another number of parameters or gradients is refused and changes nothing")
    func countsAreChecked() throws {
        for configuration: OptimizerConfiguration in [.sgd, .sgd(momentum: 0.9), .adam] {
            let optimizer = try configuration.makeOptimizer(parameterCount: 3)
            for (parameters, gradients) in [(2, 3), (3, 2), (4, 4), (0, 0)] {
                var numbers = [Float](repeating: 1, count: parameters)
                #expect(throws: OptimizationError.self) {
                    try optimizer.step(
                        &numbers, [Float](repeating: 1, count: gradients), learningRate: 1,
                        threads: ThreadTeam(workers: 1))
                }
                #expect(numbers == [Float](repeating: 1, count: parameters))
            }
        }
    }

    @Test("nothing to do is fine") func nothingToDoIsFine() throws {
        for configuration: OptimizerConfiguration in [.sgd, .adam] {
            var parameters: [Float] = []
            let optimizer = try configuration.makeOptimizer(parameterCount: 0)
            try optimizer.step(&parameters, [], learningRate: 1, threads: ThreadTeam(workers: 2))
        }
    }

    @Test(
        "settings out of range are named",
        arguments: [
            (
                OptimizerConfiguration.sgd(momentum: -1),
                "momentum: -1.0 is out of range; use 0 or more, usually 0.9"
            ),
            (.sgd(momentum: .nan), "momentum: nan is out of range; use 0 or more, usually 0.9"),
            (.sgd(nesterov: true), "nesterov: needs momentum; set one above 0"),
            (.sgd(weightDecay: -0.1), "weight decay: -0.1 is out of range; use 0 or more"),
            (.adam(beta1: 1), "beta1: 1.0 is out of range; use 0 or more and less than 1"),
            (.adam(beta2: -0.5), "beta2: -0.5 is out of range; use 0 or more and less than 1"),
            (.adamW(epsilon: -1), "epsilon: -1.0 is out of range; use 0 or more, usually 1e-8"),
            (.adamW(weightDecay: .infinity), "weight decay: inf is out of range; use 0 or more"),
        ])
    func settingsOutOfRangeAreNamed(_ configuration: OptimizerConfiguration, _ message: String) {
        let error = #expect(throws: OptimizationError.self) {
            _ = try configuration.makeOptimizer(parameterCount: 1)
        }
        #expect(error?.description == message)
    }

    @Test("negative count is refused") func negativeCountIsRefused() {
        #expect(throws: OptimizationError.self) {
            _ = try OptimizerConfiguration.adam.makeOptimizer(parameterCount: -1)
        }
    }

    @Test("configurations are stored as JSON") func configurationsAreStoredAsJSON() throws {
        for configuration in Self.trajectories.map(\.configuration) + [.sgd, .adam, .adamW] {
            let data = try JSONEncoder().encode(configuration)
            #expect(try JSONDecoder().decode(OptimizerConfiguration.self, from: data) == configuration)
        }
        #expect(OptimizerConfiguration.adam == .adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0))
    }
}

extension Optimizer {
    /// Takes a step on arrays.
    fileprivate func step(
        _ parameters: inout [Float], _ gradients: [Float], learningRate: Float, threads: ThreadTeam
    ) throws {
        var numbers = parameters.mutableSpan
        try step(parameters: &numbers, gradients: gradients.span, learningRate: learningRate, threads: threads)
    }
}
