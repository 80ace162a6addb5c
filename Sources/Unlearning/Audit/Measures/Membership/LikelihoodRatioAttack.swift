import Foundation
import ImageDatasets
import NeuralGraph

/// The settings of the likelihood ratio attack's shadow models.
public struct LikelihoodRatioAttackConfiguration: Sendable, Codable, Hashable {
    /// The number of shadow models, even, from 2 to 1,000; half of them see each example.
    public var shadowModels: Int
    /// The training of each shadow model; use the original's settings.
    public var training: TrainingConfiguration
    /// UNSIR's settings if the audited model was made to forget by it; nil for the default method.
    public var unlearning: UNSIR.Configuration?

    /// Creates a configuration.
    public init(
        shadowModels: Int = 16, training: TrainingConfiguration = TrainingConfiguration(epochs: 3),
        unlearning: UNSIR.Configuration? = nil
    ) {
        self.shadowModels = shadowModels
        self.training = training
        self.unlearning = unlearning
    }

    /// The method by which each shadow model forgets the classes.
    var method: any UnlearningMethod {
        unlearning.map { UNSIR(configuration: $0) } ?? PrototypeRepair.default
    }

    /// Checks every setting.
    /// - Throws: ``UnlearningError``.
    package func validate() throws {
        guard (2...1000).contains(shadowModels), shadowModels % 2 == 0 else {
            throw UnlearningError.invalidSetting(
                name: "shadow models", value: "\(shadowModels)", remedy: "use an even number from 2 to 1000")
        }
        try training.validate()
        try unlearning?.validate()
    }
}

extension LikelihoodRatioAttackConfiguration {
    /// Reads settings, with defaults for those that are missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let defaults = LikelihoodRatioAttackConfiguration()
        shadowModels = try container.decode(.shadowModels, or: defaults.shadowModels)
        training = try container.decode(.training, or: defaults.training)
        unlearning = try container.decodeIfPresent(UNSIR.Configuration.self, forKey: .unlearning)
    }
}

/// The likelihood ratio attack (LiRA; Carlini et al. 2022, arXiv 2112.03570) on unlearning (U-LiRA; Hayes et al. 2024,
/// arXiv 2403.01218).
///
/// Shadow models that did and did not see an example give the distributions of confidence in both cases, as Gaussians,
/// which then weigh the attacked model's confidence. The area under the ROC curve (AUC) is 0 to 1, and 1/2 is guessing;
/// the true positive rate (TPR) at a small false positive rate (FPR) is what a careful attacker finds. The target is
/// the retrained models' value.
package enum LikelihoodRatioAttack {
    /// Computes a model's confidence in each example's label, `φ = log p_y - log Σ_{j≠y} p_j`, any number.
    package static func confidences(_ predictions: Predictions, labels: [Int]) -> [Double] {
        labels.enumerated().map { row, label in
            let others = (0..<predictions.classes).filter { $0 != label }.map { predictions.logProbability(row, $0) }
            let largest = others.max() ?? 0
            let sum = others.reduce(0) { $0 + exp($1 - largest) }
            return predictions.logProbability(row, label) - largest - log(sum)
        }
    }

    /// Computes the logarithm of each example's likelihood ratio; values above 0 suggest that it was seen.
    ///
    /// With fewer than 64 models per case, the standard deviations are those over all examples, as Carlini et al.
    /// advise.
    /// - Parameters:
    ///   - attacked: the attacked model's φ of each example.
    ///   - seen: for each example φ of shadow models that saw it, one or more.
    ///   - unseen: for each example φ of shadow models that did not, one or more.
    package static func scores(attacked: [Double], seen: [[Double]], unseen: [[Double]]) -> [Double] {
        let seenDeviations = deviations(seen)
        let unseenDeviations = deviations(unseen)
        return attacked.indices.map { index in
            logDensity(attacked[index], mean: Statistics.mean(seen[index]) ?? 0, deviation: seenDeviations[index])
                - logDensity(
                    attacked[index], mean: Statistics.mean(unseen[index]) ?? 0, deviation: unseenDeviations[index])
        }
    }

    /// The number of models per case from which on each example has a standard deviation of its own.
    private static let modelsForOwnDeviation = 64
    /// The minimum standard deviation, since equal confidences of few models do not mean certainty.
    private static let minimumDeviation = 1e-3

    private static func deviations(_ values: [[Double]]) -> [Double] {
        let squares = values.map { values in
            let mean = Statistics.mean(values) ?? 0
            return values.map { ($0 - mean) * ($0 - mean) }
        }
        let all = Statistics.mean(squares.flatMap { $0 }) ?? 0
        return squares.map { squares in
            let variance = squares.count < modelsForOwnDeviation ? all : Statistics.mean(squares) ?? all
            return max(minimumDeviation, variance.squareRoot())
        }
    }

    private static func logDensity(_ value: Double, mean: Double, deviation: Double) -> Double {
        let distance = (value - mean) / deviation
        return -0.5 * distance * distance - log(deviation) - 0.5 * log(2 * Double.pi)
    }

    static let description = MeasureDescription(
        .likelihoodRatioAttack, title: "Likelihood ratio attack (U-LiRA)",
        definition:
            "Area under the ROC curve of an attack that tells the forgotten classes' training images from their test "
            + "images by likelihood ratios over shadow models; 50 % is guessing.",
        source: "Hayes et al. 2024, Inexact Unlearning Needs More Careful Evaluations (arXiv 2403.01218)",
        group: .membership, unit: .share, direction: .closerToRetrained)
}

/// The ROC curve of a score that tells members from others.
package struct ReceiverOperatingCharacteristic: Sendable, Hashable {
    private let members: [Double]
    private let others: [Double]

    /// Compares scores, of which higher ones suggest membership. Neither list may be empty.
    package init(members: [Double], others: [Double]) {
        precondition(!members.isEmpty && !others.isEmpty, "a curve needs members and others")
        self.members = members.sorted()
        self.others = others.sorted()
    }

    /// The area under the curve, 0 to 1: the probability that a member scores higher than another example, ties
    /// counting half.
    package var area: Double {
        var below = 0
        var notAbove = 0
        var sum = 0.0
        for score in members {
            while below < others.count, others[below] < score { below += 1 }
            while notAbove < others.count, others[notAbove] <= score { notAbove += 1 }
            sum += Double(below) + 0.5 * Double(notAbove - below)
        }
        return sum / (Double(members.count) * Double(others.count))
    }

    /// Computes the largest true positive rate of a threshold with at most a given false positive rate, 0 to 1.
    package func truePositiveRate(atFalsePositiveRate rate: Double) -> Double {
        // At most this many others may be above the threshold, which is the next one's score.
        let allowed = Int((rate * Double(others.count)).rounded(.down))
        guard allowed < others.count else { return 1 }
        let threshold = others[others.count - 1 - allowed]
        return Double(members.count { $0 > threshold }) / Double(members.count)
    }
}

/// Trains shadow models and attacks every audited model with them.
///
/// The examples in question are the audit's training and test examples of the forgotten classes. Each shadow model is
/// trained like the original on a random half of them and on all other training examples, so that half of the shadow
/// models see each example. It then forgets the classes like the audited model, by the same method with the same retain
/// data, and with the half that it saw where the method needs images of the classes. The original is attacked with the
/// shadow models before they forget, the other models with them afterwards.
struct LikelihoodRatioAttackMeasure: BuiltInMeasure {
    let descriptions = [LikelihoodRatioAttack.description]
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
            findings.results.append(MeasureResult(LikelihoodRatioAttack.description, omitted: reason))
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
                LikelihoodRatioAttack.description, original: areas.original, unlearned: areas.unlearned,
                retrained: areas.retrained, rows: rows, rowKind: .variants,
                note: "\(shadowModels) shadow models, half of which saw each example"))
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
