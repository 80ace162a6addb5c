package import ImageDatasets
package import NeuralGraph

/// Relearn time, the number of optimizer steps until a model knows the forgotten classes about as well as the original.
///
/// A model that needs far fewer steps than a retrained one still holds the classes. Each step trains a copy of the
/// model on training examples of forgotten and of retained classes with Adam and cross-entropy. Accuracy is measured on
/// test examples every few steps, and the first measurement at or above the target counts.
/// Sources: Tarun et al. (arXiv 2111.08947), section V; Chundawat et al. 2023, "Zero-Shot Machine Unlearning"
/// (arXiv 2201.05629), section V, for the target within a few percent of the original's accuracy.
package struct RelearnTime: Sendable {
    /// The settings.
    package var configuration: RelearningConfiguration

    /// Creates a trial.
    package init(configuration: RelearningConfiguration = RelearningConfiguration()) {
        self.configuration = configuration
    }

    /// The result of one trial.
    package struct Trial: Sendable, Hashable {
        /// The steps at which accuracy was measured, from 0.
        package let steps: [Int]
        /// The accuracy on the forgotten classes after these steps, 0 to 1.
        package let accuracies: [Double]
        /// The number of steps until the target; nil if the step limit came first.
        package let time: Int?
    }

    /// Trains a copy of a model on the forgotten classes.
    /// - Parameters:
    ///   - model: the model, which stays unchanged.
    ///   - forgotten: training examples of the forgotten classes.
    ///   - retained: training examples of the retained classes; not read if a step has none of them.
    ///   - measured: test examples of the forgotten classes.
    ///   - target: the accuracy to reach, 0 to 1.
    ///   - options: seed and threads.
    /// - Throws: ``UnlearningError`` if examples do not fit or the training diverges, and `CancellationError`.
    package func trial(
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
            lessons(forgotten: forgotten, retained: retained, context: context), batchSize: batchSize,
            workers: context.options.threadCount)
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

    /// The examples of each step: forgotten ones, then retained ones, each list reshuffled whenever it is used up.
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

    package static let description = MeasureDescription(
        .relearnTime, title: "Relearn time",
        definition:
            "Optimizer steps on a copy of the model until its accuracy on the forgotten classes' test images is close to "
            + "the original's again.",
        source: "Tarun et al., Fast Yet Effective Machine Unlearning (arXiv 2111.08947), section V",
        group: .relearning, unit: .steps, direction: .closerToRetrained)
}

/// Anamnesis index, `(r_u + 0.01) / (r_r + 0.01)` of a model's and the retrained models' relearn times, 0 or more.
///
/// 1 is ideal; far below 1, information is left, and far above 1, the class was conspicuously overwritten.
/// Source: Chundawat et al. 2023, "Zero-Shot Machine Unlearning" (arXiv 2201.05629), section V; the two small terms,
/// which keep it finite, are this package's.
package enum AnamnesisIndex {
    /// Computes the index of relearn times in steps.
    package static func value(time: Double, retrained: Double) -> Double { (time + 0.01) / (retrained + 0.01) }

    package static let description = MeasureDescription(
        .anamnesisIndex, title: "Anamnesis index",
        definition: "Relearn time divided by the retrained models' mean relearn time, with 0.01 steps added to both.",
        source: "Chundawat et al. 2023, Zero-Shot Machine Unlearning (arXiv 2201.05629), section V",
        group: .relearning, unit: .ratio, direction: .closerToRetrained)
}

/// An endless sequence of a list's positions, reshuffled for each pass.
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
    /// The accuracy of the model in its current state, 0 to 1, in inference mode.
    fileprivate func accuracy(on examples: any ExampleSource) throws -> Double {
        let classes = executor.graph.outputShape.count
        let loader = try BatchLoader(
            examples, batchSize: executor.batchCapacity, workers: executor.threads.workers)
        defer { loader.cancel() }
        var correct = 0
        while let batch = try loader.next() {
            if let source = batch.inputs.baseAddress {
                executor.input.baseAddress?.update(from: source, count: batch.inputs.count)
            }
            try executor.forward(batch: batch.count, mode: .inference)
            guard let logits = executor.output.baseAddress, let labels = batch.labels.baseAddress else { continue }
            correct +=
                CrossEntropy().evaluate(
                    logits: logits, count: batch.count, classes: classes, targets: .labels(labels), gradient: nil
                ).correct
        }
        return Double(correct) / Double(max(1, examples.count))
    }
}

/// Takes the relearn time of every model, and the anamnesis index.
struct RelearningMeasures: BuiltInMeasure {
    let descriptions = [RelearnTime.description, AnamnesisIndex.description]
    let requirements: [EvidenceRequirement] = [
        .forgottenClasses, .forgottenTraining, .retainedTraining, .forgottenTest,
    ]

    func cost(_ plan: AuditPlan) -> Int {
        guard let relearning = plan.configuration.relearning else { return 0 }
        let measurements = relearning.stepLimit / relearning.stepsBetweenMeasurements + 1
        let steps = relearning.stepLimit * 3 * (relearning.forgottenPerStep + relearning.retainedPerStep)
        // The original is at the target from the start.
        return (plan.modelCount - 1) * (steps + measurements * min(relearning.measuredExamples, plan.testCount))
    }

    func examine(_ evidence: AuditEvidence, into findings: inout AuditFindings) throws {
        guard let configuration = evidence.configuration.relearning else {
            let reason = "the settings leave relearning out"
            findings.results += descriptions.map { MeasureResult($0, omitted: reason) }
            return
        }
        let trials: PerModel<RelearnTime.Trial>
        let target = target(evidence, configuration)
        do {
            trials = try self.trials(evidence, configuration, target: target)
        } catch let error as UnlearningError {
            guard case .divergence(let step, let what)? = error.detail else { throw error }
            let reason = "relearning diverged at step \(step): \(what) is not finite; use a lower relearning rate"
            findings.results += descriptions.map { MeasureResult($0, omitted: reason) }
            return
        }
        addCurves(trials, target: target, into: &findings)
        let times = trials.map { trial in
            MeasureValue(Double(trial.time ?? configuration.stepLimit), isLowerBound: trial.time == nil)
        }
        let note = String(
            "Target: forget accuracy \(Double?(target).percentText); Adam \(configuration.learningRate), "
                + "\(configuration.forgottenPerStep) forgotten and \(configuration.retainedPerStep) retained images a step, "
                + "at most \(configuration.stepLimit) steps")
        findings.results.append(
            MeasureResult(
                RelearnTime.description, original: times.original, unlearned: times.unlearned,
                retrained: times.retrained,
                note: note))
        addIndex(times, into: &findings)
    }

    private func addIndex(_ times: PerModel<MeasureValue>, into findings: inout AuditFindings) {
        guard let reference = RetrainedValue(times.retrained) else {
            let reason = EvidenceRequirement.noRetrainedModel
            findings.results.append(MeasureResult(AnamnesisIndex.description, omitted: reason))
            return
        }
        let indices = times.map { time in
            MeasureValue(
                AnamnesisIndex.value(time: time.value, retrained: reference.mean), isLowerBound: time.isLowerBound,
                isUpperBound: reference.isLowerBound)
        }
        let note =
            reference.isLowerBound
            ? "A retrained model reached the step limit before the target, so the true index may be smaller"
            : nil
        // The mean of the retrained models is 1 by definition.
        findings.results.append(
            MeasureResult(
                AnamnesisIndex.description, original: indices.original, unlearned: indices.unlearned,
                retrained: indices.retrained.map { MeasureValue($0.value) }, note: note))
    }

    /// The forget accuracy at which the classes count as learned again.
    private func target(_ evidence: AuditEvidence, _ configuration: RelearningConfiguration) -> Double {
        switch configuration.target {
        case .accuracy(let accuracy): return accuracy
        case .nearOriginal(let tolerance):
            let rows = measuredRows(evidence, configuration)
            let scores = Accuracies.scores(
                evidence.models.original.test.predictions[rows], labels: rows.map { evidence.test.labels[$0] })
            return (1 - tolerance) * (Statistics.mean(scores) ?? 0)
        }
    }

    /// The test examples to measure accuracy on, stratified by forgotten class.
    private func measuredRows(_ evidence: AuditEvidence, _ configuration: RelearningConfiguration) -> [Int] {
        evidence.test.forgottenShares(limit: configuration.measuredExamples)
    }

    private func trials(
        _ evidence: AuditEvidence, _ configuration: RelearningConfiguration, target: Double
    ) throws -> PerModel<RelearnTime.Trial> {
        guard let training = evidence.training else { throw UnlearningError.noExamples(of: "training") }
        let forgotten = try ExampleSubset(training.examples, indices: training.forgotten)
        let retained = try ExampleSubset(training.examples, indices: training.retained)
        let measured = try ExampleSubset(
            evidence.test.examples, indices: measuredRows(evidence, configuration))
        return try evidence.models.map { model in
            try RelearnTime(configuration: configuration).trial(
                of: model.model, forgotten: forgotten, retained: retained, measured: measured, target: target,
                context: evidence.context
            ) { try evidence.progress.advance(by: $0) }
        }
    }

    private func addCurves(
        _ trials: PerModel<RelearnTime.Trial>, target: Double, into findings: inout AuditFindings
    ) {
        func add(_ trial: RelearnTime.Trial, _ model: AuditedModel, _ number: Int) {
            findings.figures.relearning.append(
                RelearningCurve(
                    model: model, number: number, steps: trial.steps, accuracies: trial.accuracies, target: target))
        }
        add(trials.original, .original, 0)
        add(trials.unlearned, .unlearned, 0)
        for (number, trial) in trials.retrained.enumerated() { add(trial, .retrained, number) }
    }
}
