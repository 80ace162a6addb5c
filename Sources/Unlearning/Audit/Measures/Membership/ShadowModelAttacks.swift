import ImageDatasets
import NeuralGraph

/// Trains shadow models and attacks every audited model with them, in two ways: U-LiRA and RULI.
///
/// The examples in question are the audit's training and test examples of the forgotten classes. Each shadow model is
/// trained like the original on a random half of them and on all other training examples, so that half of the shadow
/// models see each example. It then forgets the classes like the audited model, by the same method with the same retain
/// data, and with the half that it saw where the method needs images of the classes. The original is attacked with the
/// shadow models before they forget, the other models with them afterwards.
struct ShadowModelAttacks: BuiltInMeasure {
    let descriptions = [LikelihoodRatioAttack.description, RectifiedLikelihoodAttack.description]
    let requirements: [EvidenceRequirement] = [
        .forgottenClasses, .forgottenTraining, .retainedTraining, .forgottenTest,
    ]

    func cost(_ plan: AuditPlan) -> Int {
        guard let attack = plan.configuration.likelihoodRatioAttack else { return 0 }
        return attack.shadowModels * attack.training.epochs * 3 * plan.trainingCount
    }

    func examine(_ evidence: AuditEvidence, into findings: inout AuditFindings) throws {
        guard let configuration = evidence.configuration.likelihoodRatioAttack, let training = evidence.training else {
            let reason = "the settings leave it out, since it trains shadow models, which takes long"
            findings.results += descriptions.map { MeasureResult($0, omitted: reason) }
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
        let work = ShadowWork(configuration.shadowModels, on: evidence.context.processes) { number, context in
            let evidence = evidence.with(context)
            let shadow = try trained(
                number, showing: shown[number], of: pool, training: training, evidence, configuration)
            let half = try ExampleSubset(pool, indices: shown[number].indices.filter { shown[number][$0] })
            let unlearned = try forgot(shadow, seen: half, training: training, evidence, configuration)
            return CheckpointContent(doubles: [
                "trained": try Self.confidences(shadow, pool, context),
                "unlearned": try Self.confidences(unlearned, pool, context),
            ])
        }
        for number in 0..<configuration.shadowModels {
            let answers = try evidence.context.part(
                "shadow", encode: { CheckpointContent(doubles: ["trained": $0.trained, "unlearned": $0.unlearned]) },
                decode: {
                    (
                        trained: try $0.doubles("trained", count: pool.count),
                        unlearned: try $0.doubles("unlearned", count: pool.count)
                    )
                }
            ) { _ in
                let answers = try work.result(of: number, evidence.context)
                return (
                    trained: try answers.doubles("trained", count: pool.count),
                    unlearned: try answers.doubles("unlearned", count: pool.count)
                )
            }
            before.add(answers.trained, shown: shown[number])
            after.add(answers.unlearned, shown: shown[number])
        }
        let labels = pool.labels
        let attacked = evidence.models.map { model in
            LikelihoodRatioAttack.confidences(
                model.training?.predictions[training.forgotten] ?? model.test.predictions,
                labels: Array(labels[..<members]))
                + LikelihoodRatioAttack.confidences(
                    model.test.predictions[evidence.test.forgotten], labels: Array(labels[members...]))
        }
        func scores(_ score: ([Double], ShadowAnswers) -> [Double]) -> PerModel<[Double]> {
            PerModel(
                original: score(attacked.original, before), unlearned: score(attacked.unlearned, after),
                retrained: attacked.retrained.map { score($0, after) })
        }
        addLikelihoodRatios(
            scores { LikelihoodRatioAttack.scores(attacked: $0, seen: $1.seen, unseen: $1.unseen) }, members: members,
            shadowModels: configuration.shadowModels, into: &findings)
        addRectified(
            scores { RectifiedLikelihoodAttack.scores(attacked: $0, unlearned: $1.seen, unseen: $1.unseen) },
            vulnerable: RectifiedLikelihoodAttack.vulnerable(
                seen: before.seen, unseen: before.unseen, members: members),
            members: members, into: &findings)
    }

    private func addLikelihoodRatios(
        _ scores: PerModel<[Double]>, members: Int, shadowModels: Int, into findings: inout AuditFindings
    ) {
        let curves = scores.map { ReceiverOperatingCharacteristic(scores: $0, members: members) }
        let areas = curves.map { MeasureValue($0.area) }
        let rows = [(0.001, "TPR at 0.1 % FPR"), (0.01, "TPR at 1 % FPR")].map { rate, name in
            MeasureRow(name: name, values: curves.map { $0.truePositiveRate(atFalsePositiveRate: rate) }.byModel)
        }
        findings.results.append(
            MeasureResult(
                LikelihoodRatioAttack.description, original: areas.original, unlearned: areas.unlearned,
                retrained: areas.retrained, rows: rows, rowKind: .variants,
                note: "\(shadowModels) shadow models, half of which saw each example"))
    }

    private func addRectified(
        _ scores: PerModel<[Double]>, vulnerable: [Int], members: Int, into findings: inout AuditFindings
    ) {
        let curves = scores.map { ReceiverOperatingCharacteristic(scores: $0, members: members) }
        let vulnerableMembers = vulnerable.count { $0 < members }
        let vulnerableCurves = scores.map { scores in
            ReceiverOperatingCharacteristic(scores: vulnerable.map { scores[$0] }, members: vulnerableMembers)
        }
        let areas = curves.map { MeasureValue($0.area) }
        let rows = [
            ("TPR at 1 % FPR", curves.map { $0.truePositiveRate(atFalsePositiveRate: 0.01) }),
            ("vulnerable images: area under the curve", vulnerableCurves.map(\.area)),
            (
                "vulnerable images: TPR at 1 % FPR",
                vulnerableCurves.map { $0.truePositiveRate(atFalsePositiveRate: 0.01) }
            ),
        ].map { MeasureRow(name: $0, values: $1.byModel) }
        findings.results.append(
            MeasureResult(
                RectifiedLikelihoodAttack.description, original: areas.original, unlearned: areas.unlearned,
                retrained: areas.retrained, rows: rows, rowKind: .variants,
                note:
                    "with U-LiRA's shadow models; \(vulnerable.count) of \(scores.unlearned.count) images are vulnerable"
            ))
    }

    /// Draws the examples that each model sees, so that a random half of the models sees each example.
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
        let source = training.subset.source
        let asked = Set(training.forgotten.map { training.subset.indices[$0] })
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
        _ model: Model, seen: any ExampleSource, training: AuditSamples, _ evidence: AuditEvidence,
        _ configuration: LikelihoodRatioAttackConfiguration
    ) throws -> Model {
        let retain: any LabeledData =
            try evidence.forgetting?.retaining ?? ExampleSubset(training.examples, indices: training.retained)
        let method = evidence.forgetting?.method ?? configuration.method
        return try Unlearner(
            model: model, retaining: retain, forgetting: seen, method: method, training: configuration.training,
            options: evidence.context.options
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

/// The shadow models' confidences in each example, by whether they saw it.
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

/// The shadow models of an attack, which several processes share in rounds.
///
/// A round is done when the first of its results is asked for; what a checkpoint has is not asked for.
final class ShadowWork {
    private let tasks: SharedTasks
    private let body: (Int, RunContext) throws -> CheckpointContent
    private var results: [Int: CheckpointContent] = [:]

    init(
        _ count: Int, on processes: any ProcessGroup, _ body: @escaping (Int, RunContext) throws -> CheckpointContent
    ) {
        tasks = SharedTasks(count, on: processes)
        self.body = body
    }

    /// What a shadow model answers. All processes ask for the same ones in the same order.
    func result(of number: Int, _ context: RunContext) throws -> CheckpointContent {
        if let result = results.removeValue(forKey: number) { return result }
        guard context.processes.count > 1, let round = tasks.rounds.first(where: { $0.contains(number) }),
            !tasks.isTogether(round)
        else { return try body(number, context) }
        let own = try tasks.own(round).map { try body($0, context.alone()).bytes }
        let answers = try tasks.exchange(own, round) { bytes in
            guard let content = CheckpointContent(bytes: bytes) else {
                throw CheckpointContent.Mismatch(name: "shadow model")
            }
            return content
        }
        for (task, answer) in zip(round, answers) { results[task] = answer }
        return try results.removeValue(forKey: number) ?? body(number, context)
    }
}
