import ImageDatasets
import NeuralGraph

/// Trains shadow models and attacks every audited model with them.
///
/// A shadow model is trained as the original was: on all training examples, of which those of the forgotten classes
/// that the audit asks about are taken together with the test examples of these classes, and a random half of them is
/// shown. Half of the shadow models have seen each example. They then forget the classes as the audited model did. The
/// original is attacked with what the shadow models said before forgetting, the others with what they said after.
struct LikelihoodRatioAttackSection: AuditSection {
    let measures = [LikelihoodRatioAttack.measure]
    let requirements: [EvidenceRequirement] = [
        .forgottenClasses, .forgottenTraining, .retainedTraining, .forgottenTest,
    ]

    func cost(_ plan: AuditPlan) -> Int {
        guard let attack = plan.configuration.likelihoodRatioAttack else { return 0 }
        return attack.shadowModels * attack.training.epochs * 3 * plan.trainingCount
    }

    func examine(_ evidence: AuditEvidence, into findings: inout AuditFindings) throws {
        guard let configuration = evidence.configuration.likelihoodRatioAttack, let training = evidence.training else {
            let reason = "it was not asked for; it trains shadow models, which takes long"
            findings.results.append(MeasureResult(LikelihoodRatioAttack.measure, omitted: reason))
            return
        }
        let pool = try CombinedExamples([
            ExampleSubset(training.examples, indices: training.forgotten),
            ExampleSubset(evidence.test.examples, indices: evidence.test.forgotten),
        ])
        let members = training.forgotten.count
        let shown = Self.halves(examples: pool.count, models: configuration.shadowModels, context: evidence.context)
        var before = ShadowAnswers(examples: pool.count)
        var after = before
        for number in 0..<configuration.shadowModels {
            let shadow = try trained(
                number, showing: shown[number], of: pool, training: training, evidence, configuration)
            try before.add(Self.confidences(shadow, pool, evidence.context), shown: shown[number])
            let unlearned = try forgot(shadow, training: training, evidence, configuration)
            try after.add(Self.confidences(unlearned, pool, evidence.context), shown: shown[number])
        }
        let labels = pool.labels
        func curve(_ model: ModelEvidence, _ shadows: ShadowAnswers) -> ReceiverOperatingCharacteristic {
            let answers =
                LikelihoodRatioAttack.confidences(
                    model.training?.predictions[training.forgotten] ?? model.test.predictions,
                    labels: Array(labels[..<members]))
                + LikelihoodRatioAttack.confidences(
                    model.test.predictions[evidence.test.forgotten], labels: Array(labels[members...]))
            let scores = LikelihoodRatioAttack.scores(
                attacked: answers, seen: shadows.seen, unseen: shadows.unseen)
            return ReceiverOperatingCharacteristic(
                members: Array(scores[..<members]), others: Array(scores[members...]))
        }
        let curves = PerModel(
            original: curve(evidence.models.original, before), unlearned: curve(evidence.models.unlearned, after),
            retrained: evidence.models.retrained.map { curve($0, after) })
        add(curves, shadowModels: configuration.shadowModels, into: &findings)
    }

    private func add(
        _ curves: PerModel<ReceiverOperatingCharacteristic>, shadowModels: Int, into findings: inout AuditFindings
    ) {
        let areas = curves.map { MeasureValue($0.area) }
        let rows = [(0.001, "TPR at 0.1 % FPR"), (0.01, "TPR at 1 % FPR")].map { rate, name in
            MeasureRow(name: name, values: curves.map { $0.truePositiveRate(atFalsePositiveRate: rate) }.byModel)
        }
        findings.results.append(
            MeasureResult(
                LikelihoodRatioAttack.measure, original: areas.original, unlearned: areas.unlearned,
                retrained: areas.retrained, rows: rows, rowKind: .variants,
                note: "\(shadowModels) shadow models, half of which saw each example."))
    }

    /// For each model, which examples it is shown: each example is shown to half of the models, drawn at random.
    private static func halves(examples: Int, models: Int, context: RunContext) -> [[Bool]] {
        var random = SeededRandom(seed: context.options.seed, stream: "shadow halves")
        var shown = [[Bool]](repeating: [Bool](repeating: false, count: examples), count: models)
        for example in 0..<examples {
            var order = Array(0..<models)
            random.draw(models, toFrontOf: &order)
            for model in order.prefix(models / 2) { shown[model][example] = true }
        }
        return shown
    }

    private func trained(
        _ number: Int, showing shown: [Bool], of pool: CombinedExamples, training: AuditSamples,
        _ evidence: AuditEvidence, _ configuration: LikelihoodRatioAttackConfiguration
    ) throws -> Model {
        let source = training.examples.source
        let asked = Set(training.forgotten.map { training.examples.indices[$0] })
        let others = try ExampleSubset(source, indices: (0..<source.count).filter { !asked.contains($0) })
        let half = try ExampleSubset(pool, indices: shown.indices.filter { shown[$0] })
        let untrained = Model(
            graph: evidence.models.original.model.graph, seed: evidence.context.seed("shadow.\(number)"))
        return try TrainingLoop(
            examples: CombinedExamples([others, half]), examplesName: "training", configuration: configuration.training,
            phase: .training, stream: "shadow.\(number)"
        ).run(untrained, context: evidence.context).model
    }

    private func forgot(
        _ model: Model, training: AuditSamples, _ evidence: AuditEvidence,
        _ configuration: LikelihoodRatioAttackConfiguration
    ) throws -> Model {
        let retain = try ExampleSubset(training.examples, indices: training.retained)
        return try Unlearner(
            model: model, retaining: retain, method: configuration.method, options: evidence.context.options
        ).run(evidence.forgottenClasses, context: evidence.context).model
    }

    private static func confidences(
        _ model: Model, _ pool: CombinedExamples, _ context: RunContext
    ) throws -> [Double] {
        let outputs = try Predictor().outputs(of: pool, by: model, context: context) { _, _, _ in
            try context.checkCancellation()
        }
        return LikelihoodRatioAttack.confidences(try Predictions(logits: outputs.logits), labels: pool.labels)
    }
}

/// What shadow models said about each example, by whether they had seen it.
private struct ShadowAnswers {
    var seen: [[Double]]
    var unseen: [[Double]]

    init(examples: Int) {
        seen = [[Double]](repeating: [], count: examples)
        unseen = seen
    }

    mutating func add(_ answers: [Double], shown: [Bool]) {
        for (index, answer) in answers.enumerated() {
            if shown[index] { seen[index].append(answer) } else { unseen[index].append(answer) }
        }
    }
}
