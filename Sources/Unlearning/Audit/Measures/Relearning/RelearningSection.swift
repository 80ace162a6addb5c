import ImageDatasets
import NeuralGraph

/// Relearn time of every model, and the anamnesis index that follows.
struct RelearningSection: AuditSection {
    let measures = [RelearnTime.measure, AnamnesisIndex.measure]
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
            let reason = "relearning was not asked for"
            findings.results += measures.map { MeasureResult($0, omitted: reason) }
            return
        }
        let trials: PerModel<RelearnTime.Trial>
        let target = target(evidence, configuration)
        do {
            trials = try self.trials(evidence, configuration, target: target)
        } catch let error as UnlearningError {
            guard case .divergence(let step, let what)? = error.detail else { throw error }
            let reason = "relearning diverged at step \(step): \(what) is not finite; use a lower relearning rate"
            findings.results += measures.map { MeasureResult($0, omitted: reason) }
            return
        }
        addCurves(trials, target: target, into: &findings)
        let times = trials.map { trial in
            MeasureValue(Double(trial.time ?? configuration.stepLimit), isLowerBound: trial.time == nil)
        }
        let note = String(
            "Target: \(Double?(target).percentText) of test images; Adam \(configuration.learningRate), "
                + "\(configuration.forgottenPerStep) forgotten and \(configuration.retainedPerStep) retained images a step, "
                + "at most \(configuration.stepLimit) steps.")
        findings.results.append(
            MeasureResult(
                RelearnTime.measure, original: times.original, unlearned: times.unlearned, retrained: times.retrained,
                note: note))
        addIndex(times, into: &findings)
    }

    private func addIndex(_ times: PerModel<MeasureValue>, into findings: inout AuditFindings) {
        guard let reference = RetrainedValue(times.retrained) else {
            let reason = EvidenceRequirement.noRetrainedModel
            findings.results.append(MeasureResult(AnamnesisIndex.measure, omitted: reason))
            return
        }
        let indices = times.map { time in
            MeasureValue(
                AnamnesisIndex.value(time: time.value, retrained: reference.mean), isLowerBound: time.isLowerBound,
                isUpperBound: reference.isLowerBound)
        }
        let note =
            reference.isLowerBound
            ? "A retrained model had not learned the classes again at the step limit, so the true index may be smaller."
            : nil
        // The retrained models' own mean is 1 by definition, whatever their times are.
        findings.results.append(
            MeasureResult(
                AnamnesisIndex.measure, original: indices.original, unlearned: indices.unlearned,
                retrained: indices.retrained.map { MeasureValue($0.value) }, note: note))
    }

    /// The forget accuracy that counts as learned again.
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

    /// The test examples that accuracy is measured on: of every forgotten class its share.
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
