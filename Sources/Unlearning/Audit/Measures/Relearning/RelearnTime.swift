import ImageDatasets
import NeuralGraph

/// Relearn time: how many optimizer steps bring a model's accuracy on the forgotten classes back to about the
/// original's. Steps, 0 or more; a model that needs far fewer than the retrained one still has the class inside.
///
/// Each step shows some training examples of the forgotten classes and some of the others to a copy of the model, with
/// Adam and cross-entropy; accuracy is measured on test examples every few steps, and the first measurement at or above
/// the target counts.
/// Sources: Tarun et al. (arXiv 2111.08947), section V; Chundawat et al. 2023, "Zero-Shot Machine Unlearning"
/// (arXiv 2201.05629), section V, for the target within a few percent of the original's accuracy.
public struct RelearnTime: Sendable {
    /// How it is tried.
    public var configuration: RelearningConfiguration

    /// Creates a trial.
    public init(configuration: RelearningConfiguration = RelearningConfiguration()) {
        self.configuration = configuration
    }

    /// What one trial gave.
    public struct Trial: Sendable, Hashable {
        /// Steps at which accuracy was measured, from 0.
        public let steps: [Int]
        /// The accuracy on the forgotten classes after so many steps, 0 to 1.
        public let accuracies: [Double]
        /// Steps until the target; nil if the limit came first.
        public let time: Int?
    }

    /// Teaches a copy of a model the forgotten classes again.
    /// - Parameters:
    ///   - model: the model, which is not changed.
    ///   - forgotten: training examples of the forgotten classes.
    ///   - retained: training examples of the others; not read if a step has none of them.
    ///   - measured: test examples of the forgotten classes.
    ///   - target: the accuracy to reach, 0 to 1.
    ///   - options: seed and threads.
    /// - Throws: ``UnlearningError`` if examples do not fit or the training diverges, and `CancellationError`.
    public func trial(
        of model: Model, forgotten: any ExampleSource, retained: any ExampleSource,
        measuring measured: any ExampleSource,
        target: Double, options: RunOptions = RunOptions()
    ) async throws -> Trial {
        try await RunContext.run(options, progress: nil) { context in
            try trial(
                of: model, forgotten: forgotten, retained: retained, measured: measured, target: target,
                context: context
            ) { _ in }
        }
    }

    func trial(
        of model: Model, forgotten: any ExampleSource, retained: any ExampleSource, measured: any ExampleSource,
        target: Double, context: RunContext, advance: (Int) throws -> Void
    ) throws -> Trial {
        try configuration.validate()
        try model.checkNumbers()
        for (examples, name) in [(forgotten, "forgotten"), (retained, "retained"), (measured, "measured")] {
            try model.check(examples, named: name)
        }
        let batchSize = configuration.forgottenPerStep + configuration.retainedPerStep
        if batchSize == 1, let node = model.graph.normalizationOfSingleNumbers {
            throw UnlearningError.invalidSetting(
                name: "examples a step", value: "1",
                remedy: "batch norm '\(node)' has one number a channel of each, so give 2 or more")
        }
        let session = try TrainState(
            model: model, batchSize: batchSize, optimizer: .adam, phase: .audit,
            context: context)
        let loader = try BatchLoader(
            lessons(forgotten: forgotten, retained: retained, context: context), batchSize: batchSize)
        defer { loader.cancel() }
        let dropoutSeed = context.seed("relearning.dropout")
        var steps: [Int] = []
        var accuracies: [Double] = []
        for step in 0...configuration.stepLimit {
            if step % configuration.stepsBetweenMeasurements == 0 || step == configuration.stepLimit {
                steps.append(step)
                accuracies.append(try session.accuracy(on: measured))
                try advance(measured.count)
                if let accuracy = accuracies.last, accuracy >= target {
                    return Trial(steps: steps, accuracies: accuracies, time: step)
                }
            }
            guard step < configuration.stepLimit, let batch = try loader.next() else { break }
            _ = try session.step(
                batch, learningRate: configuration.learningRate, seed: dropoutSeed &+ UInt64(step))
            try advance(3 * batch.count)
        }
        return Trial(steps: steps, accuracies: accuracies, time: nil)
    }

    /// What each step shows: forgotten examples, then retained ones, each list in a new order every time it is through.
    private func lessons(
        forgotten: any ExampleSource, retained: any ExampleSource, context: RunContext
    ) throws -> ExampleSubset {
        var first = EndlessOrder(count: forgotten.count, seed: context.seed("relearning.forgotten"))
        var second = EndlessOrder(count: retained.count, seed: context.seed("relearning.retained"))
        var indices: [Int] = []
        for _ in 0..<configuration.stepLimit {
            for _ in 0..<configuration.forgottenPerStep { indices.append(first.next()) }
            for _ in 0..<configuration.retainedPerStep { indices.append(forgotten.count + second.next()) }
        }
        return try ExampleSubset(CombinedExamples([forgotten, retained]), indices: indices)
    }

    static let measure = MeasureDescription(
        .relearnTime, title: "Relearn time",
        definition:
            "Optimizer steps on a copy of the model until its accuracy on the forgotten classes' test images is back "
            + "near the original's.",
        source: "Tarun et al., Fast Yet Effective Machine Unlearning (arXiv 2111.08947), section V",
        group: .relearning, unit: .steps, direction: .closerToRetrained)
}

/// Anamnesis index: `(r_u + 0.01) / (r_r + 0.01)` of the relearn times of a model and of the retrained one. 0 or more;
/// 1 is ideal, far below 1 means that information is left, far above 1 that the class was conspicuously overwritten.
///
/// Source: Chundawat et al. 2023, "Zero-Shot Machine Unlearning" (arXiv 2201.05629), section V; the two small numbers,
/// which keep it finite, are this package's.
public enum AnamnesisIndex {
    /// The index of relearn times in steps.
    public static func value(time: Double, retrained: Double) -> Double { (time + 0.01) / (retrained + 0.01) }

    static let measure = MeasureDescription(
        .anamnesisIndex, title: "Anamnesis index",
        definition: "The relearn time, plus 0.01, divided by the retrained models' mean relearn time, plus 0.01.",
        source: "Chundawat et al. 2023, Zero-Shot Machine Unlearning (arXiv 2201.05629), section V",
        group: .relearning, unit: .ratio, direction: .closerToRetrained)
}

/// Positions that go through a list again and again, in a new order each time.
private struct EndlessOrder {
    private var order: [Int]
    private var place = 0
    private var random: SeededRandom

    init(count: Int, seed: UInt64) {
        order = Array(0..<count)
        random = SeededRandom(seed: seed, stream: "endless order")
        random.draw(count, toFrontOf: &order)
    }

    mutating func next() -> Int {
        if place == order.count {
            random.draw(order.count, toFrontOf: &order)
            place = 0
        }
        defer { place += 1 }
        return order[place]
    }
}

extension TrainState {
    /// The accuracy of the model as trained so far, 0 to 1, in inference mode.
    fileprivate func accuracy(on examples: any ExampleSource) throws -> Double {
        let classes = executor.graph.outputShape.count
        let loader = try BatchLoader(examples, batchSize: executor.batchCapacity)
        defer { loader.cancel() }
        var correct = 0
        while let batch = try loader.next() {
            if let source = batch.inputs.baseAddress {
                executor.input.baseAddress?.update(from: source, count: batch.inputs.count)
            }
            executor.forward(batch: batch.count, mode: .inference)
            guard let logits = executor.output.baseAddress, let labels = batch.labels.baseAddress else { continue }
            correct +=
                CrossEntropy().evaluate(
                    logits: logits, count: batch.count, classes: classes, targets: .labels(labels), gradient: nil
                ).correct
        }
        return Double(correct) / Double(max(1, examples.count))
    }
}
