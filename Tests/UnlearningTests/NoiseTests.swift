import Foundation
import TestSupport
import Testing
import Unlearning

@Suite("Noise", .tags(.unlearning))
struct NoiseTests {
    /// The objective of the paper in Double, from the network's logits.
    struct Objective {
        let executor: Executor
        let label: Int
        let lambda: Double
        let mode: Mode

        init(_ model: Model, images: Int, label: Int, lambda: Double, mode: Mode) {
            executor = Executor(model: model, batchCapacity: images, algorithms: .strict)
            self.label = label
            self.lambda = lambda
            self.mode = mode
        }

        func callAsFunction(_ noise: [Double]) throws -> Double {
            for (index, value) in noise.enumerated() { executor.input[index] = Float(value) }
            let images = executor.batchCapacity
            try executor.forward(batch: images, mode: mode, updatesState: false)
            let classes = executor.graph.outputShape.count
            var crossEntropy = 0.0
            for row in 0..<images {
                let logits = executor.output[row * classes..<(row + 1) * classes].map(Double.init)
                let largest = logits.max() ?? 0
                let sum = logits.reduce(0) { $0 + exp($1 - largest) }
                crossEntropy += largest + log(sum) - logits[label]
            }
            let squares = noise.reduce(0) { $0 + $1 * $1 }
            return (-crossEntropy + lambda * squares) / Double(images)
        }
    }

    @Test(
        "one step of gradient descent is the objective's gradient, by differences",
        arguments: [(0.1, true), (0.1, false), (0, true), (3, false)])
    func gradient(lambda: Double, usesRunningStatistics: Bool) async throws {
        let model = try Model(graph: convolutionalNetwork([6, 5, 2], classes: 4), seed: 1).perturbed(seed: 2)
        let configuration = NoiseMaximizer.Configuration(
            imagesPerClass: 3, steps: 0, optimizer: .sgd, learningRate: 1, lambda: lambda,
            normalization: usesRunningStatistics ? .running : .batch)
        var maximizer = NoiseMaximizer(configuration: configuration)
        let start = try #require(try await maximizer.noise(classes: [2], model: model).first)
        maximizer.configuration.steps = 1
        let end = try #require(try await maximizer.noise(classes: [2], model: model).first)

        let noise = start.images.elements.map(Double.init)
        let gradient = zip(noise, end.images.elements).map { $0 - Double($1) }
        let norm = euclideanNorm(gradient)
        let objective = Objective(
            model, images: 3, label: 2, lambda: lambda, mode: usesRunningStatistics ? .inference : .training)
        #expect(try abs(objective(noise) - end.objectives[0]) < 1e-5 * max(1, abs(end.objectives[0])))
        var directions = [gradient.map { $0 / norm }]
        var random = SeededRandom(seed: 5, stream: "directions")
        for _ in 0..<8 {
            let direction = noise.map { _ in random.normal() }
            directions.append(direction.map { $0 / euclideanNorm(direction) })
        }
        for direction in directions {
            let step = 5e-3
            let ahead = try objective(zip(noise, direction).map { $0 + step * $1 })
            let behind = try objective(zip(noise, direction).map { $0 - step * $1 })
            let slope = zip(gradient, direction).reduce(0) { $0 + $1.0 * $1.1 }
            #expect(abs((ahead - behind) / (2 * step) - slope) < 3e-3 * norm)
        }
    }

    @Test("the model's statistics do not move meanwhile", arguments: [true, false])
    func statistics(usesRunningStatistics: Bool) async throws {
        let model = try Model(graph: convolutionalNetwork([6, 6, 1], classes: 3), seed: 1).perturbed(seed: 3)
        let before = model.stateDictionary
        var maximizer = NoiseMaximizer(
            configuration: NoiseMaximizer.Configuration(
                imagesPerClass: 8, steps: 3, normalization: usesRunningStatistics ? .running : .batch))
        let three = try await maximizer.noise(classes: [1], model: model)[0]
        maximizer.configuration.steps = 4
        let four = try await maximizer.noise(classes: [1], model: model)[0]
        // The fourth objective is that of a network that has seen nothing yet.
        let objective = Objective(
            model, images: 8, label: 1, lambda: 0.1, mode: usesRunningStatistics ? .inference : .training)
        let expected = try objective(three.images.elements.map(Double.init))
        #expect(abs(four.objectives[3] - expected) < 1e-4 * max(1, abs(expected)))
        #expect(model.stateDictionary == before)
    }

    @Test("noise raises its class's loss on the trained network and has its shape and label")
    func learned() async throws {
        let model = try await Patterns.model
        let noise = try await NoiseMaximizer(configuration: Patterns.configuration.noise)
            .noise(classes: [4, 1], model: model)
        #expect(noise.map(\.label) == [4, 1])
        for noise in noise {
            #expect(noise.images.shape == [64, 12, 12, 1])
            #expect(noise.objectives.count == 20 && noise.crossEntropies.count == 20)
            #expect(noise.crossEntropies[19] > noise.crossEntropies[0] + 1)
            #expect(noise.objectives[19] < noise.objectives[0] - 1)
            #expect(try noise.examples().labels == [Int](repeating: noise.label, count: 64))
            let logits = try await Predictor().logits(of: noise.examples(), by: model)
            let labels = [Int](repeating: noise.label, count: 64)
            #expect(try Accuracy(logits: logits, labels: labels).all == 0)
        }
    }

    @Test("a class's noise depends on the seed and the class alone")
    func independence() async throws {
        let model = try await Patterns.model
        let maximizer = NoiseMaximizer(
            configuration: NoiseMaximizer.Configuration(imagesPerClass: 16, steps: 3, normalization: .batch))
        let alone = try await maximizer.noise(classes: [2], model: model)[0].images
        let among = try await maximizer.noise(classes: [5, 2, 0], model: model)
        #expect(among[1].images == alone)
        #expect(among[0].images != alone && among[2].images != among[0].images)
        let other = try await maximizer.noise(classes: [2], model: model, options: RunOptions(seed: 1))[0].images
        #expect(other != alone)
    }

    @Test("classes that share a batch learn what they learn alone, up to rounding")
    func sharedBatch() async throws {
        let model = try await Patterns.model
        let maximizer = NoiseMaximizer(configuration: NoiseMaximizer.Configuration(imagesPerClass: 16, steps: 8))
        let together = try await maximizer.noise(classes: [5, 2, 0, 3, 1], model: model)
        #expect(together.map(\.label) == [5, 2, 0, 3, 1])
        for noise in together {
            let alone = try await maximizer.noise(classes: [noise.label], model: model)[0]
            for (a, b) in zip(noise.crossEntropies, alone.crossEntropies) {
                #expect(abs(a - b) < 1e-4 * max(1, abs(b)), "class \(noise.label)")
            }
            let difference = zip(noise.images.elements, alone.images.elements).map { Double($0) - Double($1) }
            // Adam turns a gradient of almost 0 into a whole step of either sign, so that a few pixels differ.
            #expect(euclideanNorm(difference) < 0.01 * euclideanNorm(alone.images.elements.map(Double.init)))
        }
    }

    @Test("a batch holds as many classes as its memory allows, about as many in each")
    func batchSizes() throws {
        let graph = try convolutionalNetwork([32, 32, 3], classes: 40)
        let model = Model(graph: graph, seed: 1)
        func perBatch(_ images: Int, of count: Int, _ normalization: NoiseMaximizer.Configuration.Normalization) -> Int
        {
            NoiseMaximizer(
                configuration: NoiseMaximizer.Configuration(imagesPerClass: images, normalization: normalization)
            ).classesPerBatch(of: count, model: model, algorithms: .fast)
        }
        #expect(perBatch(8, of: 5, .running) == 5)
        #expect(perBatch(8, of: 5, .batch) == 1)
        #expect(perBatch(8, of: 1, .running) == 1)
        // So many images that a class fills the batch by itself.
        #expect(perBatch(100_000, of: 5, .running) == 1)
        for images in [256, 512, 1024, 2048] {
            let size = perBatch(images, of: 39, .running)
            func bytes(_ classes: Int) -> Int {
                ExecutionSummary(
                    model: model, batchCapacity: classes * images, computing: .input, modes: [.inference], workers: 1
                ).byteCount
            }
            #expect(size == 1 || bytes(size) <= NoiseMaximizer.batchByteLimit)
            // One batch fewer would not hold them.
            let batches = (39 + size - 1) / size
            #expect(batches == 1 || bytes((39 + batches - 2) / (batches - 1)) > NoiseMaximizer.batchByteLimit * 9 / 10)
        }
    }

    @Test("without steps noise is standard normal, and nothing is divided by zero")
    func drawn() async throws {
        let model = Model(graph: try vectorNetwork(features: 50, classes: 3), seed: 0)
        let log = ProgressLog()
        let both = try await NoiseMaximizer(
            configuration: NoiseMaximizer.Configuration(imagesPerClass: 400, steps: 0)
        ).noise(classes: [0, 1], model: model, progress: log.handler)
        #expect(both[0].images != both[1].images)
        let noise = both[0]
        let values = noise.images.elements.map(Double.init)
        let mean = values.reduce(0, +) / Double(values.count)
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
        #expect(noise.images.shape == [400, 50])
        #expect(abs(mean) < 0.03 && abs(variance - 1) < 0.04)
        #expect(noise.objectives.isEmpty && log.all.isEmpty)
    }

    @Test("dropout sleeps with running statistics, and follows the seed with batch statistics")
    func dropout() async throws {
        let plain = try Model(graph: convolutionalNetwork([6, 6, 1], classes: 3), seed: 1)
        let dropping = try Model(
            graph: convolutionalNetwork([6, 6, 1], classes: 3, dropout: 0.5),
            stateDictionary: plain.stateDictionary)
        func crossEntropy(_ model: Model, _ normalization: NoiseMaximizer.Configuration.Normalization)
            async throws
            -> [Double]
        {
            try await NoiseMaximizer(
                configuration: NoiseMaximizer.Configuration(
                    imagesPerClass: 8, steps: 2, normalization: normalization)
            ).noise(classes: [0], model: model)[0].crossEntropies
        }
        #expect(try await crossEntropy(plain, .running) == crossEntropy(dropping, .running))
        #expect(try await crossEntropy(plain, .batch) != crossEntropy(dropping, .batch))
        #expect(try await crossEntropy(dropping, .batch) == crossEntropy(dropping, .batch))
    }

    @Test("batch statistics of one image on a 1x1 map are refused")
    func oneImage() async throws {
        let model = Model(graph: try vectorNetwork(features: 4, classes: 3, normalizes: true), seed: 0)
        var maximizer = NoiseMaximizer(
            configuration: NoiseMaximizer.Configuration(imagesPerClass: 1, steps: 1, normalization: .batch))
        #expect(
            await message { try await maximizer.noise(classes: [0], model: model) }
                == "noise images per class cannot be 1; batch norm 'bn' has one number a channel of each, "
                + "so give 2 or more")
        maximizer.configuration.normalization = .running
        #expect(try await maximizer.noise(classes: [0], model: model)[0].images.shape == [1, 4])
    }

    @Test("a huge learning rate is noticed")
    func diverging() async throws {
        let model = try await Patterns.model
        let maximizer = NoiseMaximizer(
            configuration: NoiseMaximizer.Configuration(imagesPerClass: 4, steps: 3, learningRate: 3e38))
        let error = await #expect(throws: UnlearningError.self) {
            try await maximizer.noise(classes: [0], model: model)
        }
        #expect(error == .diverged(phase: .noise, step: 2, what: "the objective"))
    }
}
