import ImageDatasets
import NeuralGraph

/// Epochs over examples with one optimizer: what training, impairing and repairing have in common.
struct EpochRun {
    var examples: any ExampleSource
    /// What messages call the examples.
    var examplesName: String
    var configuration: TrainingConfiguration
    var phase: RunPhase
    /// Names the random streams, so that two phases of one run draw independent numbers.
    var stream: String

    /// Trains a copy of `model`.
    func run(_ model: Model, context: RunContext) throws -> TrainingOutcome {
        try configuration.validate()
        try model.checkFinite()
        try model.check(examples, named: examplesName)
        try model.checkTrainable(frozen: configuration.frozen)
        let batchSize = min(configuration.batchSize, examples.count)
        let leavesOutLast = try leavesOutLast(of: batchSize, model.graph)
        let stepsPerEpoch =
            examples.count / batchSize + (examples.count % batchSize == 0 || leavesOutLast ? 0 : 1)
        let stepCount = stepsPerEpoch * configuration.epochs
        let session = try OptimizationSession(
            model: model, batchSize: batchSize,
            loss: CrossEntropy(labelSmoothing: configuration.labelSmoothing),
            optimizer: configuration.optimizer, clipping: configuration.clipping,
            frozen: configuration.frozen,
            phase: phase, context: context)
        var losses: [Double] = []
        let dropoutSeed = context.seed("\(stream).dropout")
        for epoch in 0..<configuration.epochs {
            let loader = try BatchLoader(
                examples, batchSize: batchSize,
                order: .shuffled(seed: context.seed("\(stream).order.\(epoch)")),
                augmentationSeed: context.seed("\(stream).augmentation.\(epoch)"), dropsLast: leavesOutLast)
            defer { loader.cancel() }
            while let batch = try loader.next() {
                if let index = batch.firstNonFiniteExample {
                    throw UnlearningError.exampleNotFinite(data: examplesName, index: index)
                }
                let step = losses.count
                let value = try session.step(
                    batch,
                    learningRate: configuration.schedule.rate(
                        base: configuration.learningRate, step: step, of: stepCount),
                    seed: dropoutSeed &+ UInt64(step))
                losses.append(value.loss)
                try context.finished(
                    step + 1, of: stepCount, in: phase, loss: value.loss, correct: value.correct,
                    examples: batch.count)
            }
        }
        return TrainingOutcome(model: try session.finishedModel(), losses: losses)
    }

    /// Whether an epoch ends before its last batch, because that would be a single example that the network's batch
    /// norm cannot normalize. The shuffling leaves out another one each epoch.
    private func leavesOutLast(of batchSize: Int, _ graph: Graph) throws -> Bool {
        guard let node = graph.normalizationOfSingleNumbers else { return false }
        guard batchSize > 1 else {
            throw UnlearningError.invalidSetting(
                name: configuration.batchSize == 1 ? "batch size" : "number of \(examplesName) examples",
                value: "1", remedy: "batch norm '\(node)' has one number a channel of each, so give 2 or more"
            )
        }
        return examples.count % batchSize == 1
    }
}

extension Graph {
    /// The first batch norm that finds one number a channel in each example, as on a map of 1x1 or a vector. A batch of
    /// one has no variance there: the result would be constant and its gradient 0, where PyTorch refuses to train.
    var normalizationOfSingleNumbers: String? {
        nodes.first { $0.operation is BatchNormalization && $0.shape.positions == 1 }?.name
    }
}

extension Batch {
    /// The position in its source of the first example with an infinite or undefined number.
    fileprivate var firstNonFiniteExample: Int? {
        let size = exampleShape.count
        return (0..<count).first { position in
            // A maximum over bit patterns becomes vector instructions, which a search does not.
            inputs[position * size..<(position + 1) * size].reduce(0) { max($0, $1.magnitude.bitPattern) }
                >= Float.infinity.bitPattern
        }.map { indices[$0] }
    }
}
