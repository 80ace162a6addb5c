import ImageDatasets
import NeuralGraph

/// Passes over examples in batches, each in an order of its own.
struct EpochBatches {
    let examples: any ExampleSource
    /// What messages call the examples.
    let name: String
    let batchSize: Int
    /// The steps of one pass.
    let stepCount: Int
    private let dropsLast: Bool
    private let stream: String
    /// The number of examples, from the first, that join the others' batches, and how many do at a time; nil for none.
    private let companions: (count: Int, batchSize: Int)?

    /// - Parameters:
    ///   - batchSize: the wanted size; with fewer examples all make a batch.
    ///   - stream: names the random numbers.
    /// - Throws: ``UnlearningError`` if batches are single examples that the network's
    ///   batch norm cannot normalize.
    init(_ examples: any ExampleSource, named name: String, batchSize: Int, graph: Graph, stream: String) throws {
        self.examples = examples
        self.name = name
        self.stream = stream
        companions = nil
        let size = min(batchSize, examples.count)
        self.batchSize = size
        if let node = graph.normalizationOfSingleNumbers {
            guard size > 1 else {
                throw UnlearningError.invalidSetting(
                    name: batchSize == 1 ? "batch size" : "number of \(name) examples", value: "1",
                    remedy: "batch norm '\(node)' has one number a channel of each, so give 2 or more")
            }
            // The shuffling leaves out another one each time.
            dropsLast = examples.count % size == 1
        } else {
            dropsLast = false
        }
        stepCount = examples.count / size + (examples.count % size == 0 || dropsLast ? 0 : 1)
    }

    /// Batches of the second examples, each joined by a batch of the first, which start over as often as needed.
    ///
    /// Positions are those in the first examples followed by the second.
    init(
        pairing first: any ExampleSource, batchSize firstSize: Int, with second: any ExampleSource, batchSize: Int,
        stream: String
    ) throws {
        examples = try CombinedExamples([first, second])
        name = "forget and retain"
        self.stream = stream
        dropsLast = false
        companions = (first.count, min(firstSize, first.count))
        let size = min(batchSize, second.count)
        self.batchSize = size + min(firstSize, first.count)
        stepCount = (second.count + size - 1) / size
    }

    /// Calls `step` for every batch of one pass.
    /// - Parameters:
    ///   - number: counts the passes; each has another order and augmentation.
    ///   - firstBatch: how many batches are left out, since an earlier process has trained on them.
    func run(_ number: Int, from firstBatch: Int = 0, context: RunContext, _ step: (Batch) throws -> Void) throws {
        if let companions {
            return try runPairs(
                number, from: firstBatch, companions: companions.count, companionSize: companions.batchSize,
                context: context, step)
        }
        let loader = try BatchLoader(
            examples, batchSize: batchSize, order: .shuffled(seed: context.seed("\(stream).order.\(number)")),
            augmentationSeed: context.seed("\(stream).augmentation.\(number)"), dropsLast: dropsLast,
            startingAt: firstBatch, part: context.ownPart, workers: context.options.threadCount)
        defer { loader.cancel() }
        while let batch = try loader.next() {
            if let index = batch.firstNonFiniteExample {
                throw UnlearningError.exampleNotFinite(data: name, index: index)
            }
            try step(batch)
        }
    }

    private func runPairs(
        _ number: Int, from firstBatch: Int, companions: Int, companionSize: Int, context: RunContext,
        _ step: (Batch) throws -> Void
    ) throws {
        func order(_ range: Range<Int>, _ name: String) -> [Int] {
            var order = Array(range)
            var random = SeededRandom(seed: context.seed("\(stream).order.\(number)"), stream: name)
            random.draw(order.count, toFrontOf: &order)
            return order
        }
        let (first, second) = (order(0..<companions, "first"), order(companions..<examples.count, "second"))
        let size = batchSize - companionSize
        let companionBatches = (companions + companionSize - 1) / companionSize
        for place in firstBatch..<stepCount {
            let start = place % companionBatches * companionSize
            let indices =
                Array(first[start..<min(start + companionSize, companions)])
                + second[place * size..<min((place + 1) * size, second.count)]
            let loader = try BatchLoader(
                ExampleSubset(examples, indices: indices), batchSize: indices.count,
                augmentationSeed: context.seed("\(stream).augmentation.\(number).\(place)"), prefetch: 0,
                part: context.ownPart, workers: context.options.threadCount)
            guard let batch = try loader.next() else { continue }
            if let index = batch.firstNonFiniteExample {
                throw UnlearningError.exampleNotFinite(data: name, index: indices[index])
            }
            for (row, index) in indices.enumerated() { batch.indices[row] = index }
            try step(batch)
        }
    }
}

extension Graph {
    /// The first batch norm that sees one number per channel in each example, as on a 1x1 map or a vector.
    ///
    /// A batch of one example has no variance there: the result would be constant and its gradient 0. PyTorch refuses
    /// it too.
    var normalizationOfSingleNumbers: String? {
        nodes.first { $0.operation is BatchNormalization && $0.shape.positions == 1 }?.name
    }
}

extension Batch {
    /// The position in its source of the first example with an infinite or undefined number.
    var firstNonFiniteExample: Int? {
        let size = exampleShape.count
        return (0..<count).first { position in
            // A maximum over bit patterns becomes vector instructions, which a search does not.
            inputs[position * size..<(position + 1) * size].reduce(0) { max($0, $1.magnitude.bitPattern) }
                >= Float.infinity.bitPattern
        }.map { indices[$0] }
    }
}
