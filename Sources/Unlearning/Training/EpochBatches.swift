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

    /// - Parameters:
    ///   - batchSize: the wanted size; with fewer examples all make a batch.
    ///   - stream: names the random numbers.
    /// - Throws: ``UnlearningError`` if batches are single examples that the network's
    ///   batch norm cannot normalize.
    init(_ examples: any ExampleSource, named name: String, batchSize: Int, graph: Graph, stream: String) throws {
        self.examples = examples
        self.name = name
        self.stream = stream
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

    /// Calls `step` for every batch of one pass.
    /// - Parameters:
    ///   - number: counts the passes; each has another order and augmentation.
    ///   - firstBatch: how many batches are left out, since an earlier process has trained on them.
    func run(_ number: Int, from firstBatch: Int = 0, context: RunContext, _ step: (Batch) throws -> Void) throws {
        let loader = try BatchLoader(
            examples, batchSize: batchSize, order: .shuffled(seed: context.seed("\(stream).order.\(number)")),
            augmentationSeed: context.seed("\(stream).augmentation.\(number)"), dropsLast: dropsLast,
            startingAt: firstBatch)
        defer { loader.cancel() }
        while let batch = try loader.next() {
            if let index = batch.firstNonFiniteExample {
                throw UnlearningError.exampleNotFinite(data: name, index: index)
            }
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
