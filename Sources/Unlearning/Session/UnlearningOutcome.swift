public import NeuralGraph

/// The result of ``Unlearner``: the new model and a record of the run.
public struct UnlearningOutcome: Sendable {
    /// The new model, with the original's names and shapes.
    public let model: Model
    /// The method.
    public let method: any UnlearningMethod
    /// The classes that were to be forgotten; empty if samples were.
    public let forgottenClasses: Set<Int>
    /// The number of samples that were to be forgotten; 0 if classes were.
    public let forgottenSamples: Int
    /// The noise that was learned, by class in rising order; empty if the method learns none.
    public let noise: [Noise]
    /// The loss of each step by phase; of noise, the objective.
    public let losses: [RunPhase: [Double]]
    /// Remarks for people, such as that the rate was lowered because retain accuracy fell.
    public let notes: [String]
    /// Whether retained accuracy fell by more than ten points, or the loss on held-out data rose above a guess's.
    ///
    /// ``Unlearner/guarding`` measures accuracy on held-out retain data, or on all of them where they are few, and on the
    /// validation data; ``FullRetraining`` is not judged. The command line does not write such a model without being told to.
    public let isRuined: Bool
    /// How long each phase took.
    public let phaseTimes: [RunPhase: Duration]
    /// The original's accuracy on the validation data, if there was any.
    public let accuracyBefore: Accuracy?
    /// The new model's accuracy on the validation data, if there was any.
    public let accuracyAfter: Accuracy?
    /// Accuracy on the validation data after some phases, such as ``RunPhase/impair``; empty without such data.
    public let accuracies: [RunPhase: Accuracy]
    /// The original's accuracy on the samples that were to be forgotten; nil if classes were.
    public let samplesBefore: Accuracy?
    /// The new model's accuracy on the samples that were to be forgotten; nil if classes were.
    ///
    /// A good value is near the accuracy on samples that the model never saw; 0 would give them away.
    public let samplesAfter: Accuracy?
    /// The audit of the new model, if there was one.
    public let audit: AuditResult?
    /// The seed and threads that were used.
    public let options: RunOptions

    /// Creates an outcome, for tests of an app's own.
    public init(
        model: Model, method: any UnlearningMethod = .default, forgottenClasses: Set<Int>, forgottenSamples: Int = 0,
        noise: [Noise] = [], losses: [RunPhase: [Double]] = [:], notes: [String] = [],
        isRuined: Bool = false, phaseTimes: [RunPhase: Duration] = [:], accuracyBefore: Accuracy? = nil,
        accuracyAfter: Accuracy? = nil, accuracies: [RunPhase: Accuracy] = [:],
        samplesBefore: Accuracy? = nil, samplesAfter: Accuracy? = nil, audit: AuditResult? = nil,
        options: RunOptions = RunOptions()
    ) {
        self.model = model
        self.method = method
        self.forgottenClasses = forgottenClasses
        self.forgottenSamples = forgottenSamples
        self.noise = noise
        self.losses = losses
        self.notes = notes
        self.isRuined = isRuined
        self.phaseTimes = phaseTimes
        self.accuracyBefore = accuracyBefore
        self.accuracyAfter = accuracyAfter
        self.accuracies = accuracies
        self.samplesBefore = samplesBefore
        self.samplesAfter = samplesAfter
        self.audit = audit
        self.options = options
    }

    /// The settings of UNSIR's three steps; nil if the method was another one.
    package var configuration: UNSIR.Configuration? { (method as? UNSIR)?.configuration }

    /// How long forgetting took, without measuring accuracy.
    public var totalTime: Duration { phaseTimes.values.reduce(.zero, +) }

    /// Optimizer steps of all phases.
    public var steps: Int { losses.values.reduce(0) { $0 + $1.count } }

    /// A few lines for people: classes, time, and accuracies if they were measured.
    public var summary: String {
        let classes = forgottenClasses.sorted().map { model.metadata.classNames.className($0) }
        let what =
            forgottenSamples > 0
            ? "Approximate unlearning of \(forgottenSamples) samples"
            : "Approximate class unlearning of \(classes.joined(separator: ", "))"
        var lines = ["\(what): \(steps) steps in \(totalTime.secondsText)"]
        if let before = samplesBefore, let after = samplesAfter {
            lines.append("forgotten samples: \(before.all.percentText) -> \(after.all.percentText)")
        }
        if let before = accuracyBefore, let after = accuracyAfter {
            lines.append(
                "forgotten classes: \(before.forgotten.percentText) -> \(after.forgotten.percentText)")
            lines.append("retained classes:  \(before.retained.percentText) -> \(after.retained.percentText)")
        }
        lines += notes.map { "note: \($0)" }
        if isRuined { lines.append("the retained classes are in ruins; do not use this model") }
        if let audit { lines.append(audit.summary) }
        return lines.joined(separator: "\n")
    }
}

extension UnlearningOutcome {
    init(
        model: Model, method: any UnlearningMethod, forgottenClasses: Set<Int>, forgottenSamples: Int,
        run: UnlearningSession, before: MeasuredAccuracy, after: MeasuredAccuracy, audit: AuditResult?
    ) {
        self.init(
            model: model, method: method, forgottenClasses: forgottenClasses, forgottenSamples: forgottenSamples,
            noise: run.noise, losses: run.losses, notes: run.notes, isRuined: run.isRuined, phaseTimes: run.times,
            accuracyBefore: before.validation,
            accuracyAfter: after.validation, accuracies: run.accuracies(to: after.validation),
            samplesBefore: before.samples, samplesAfter: after.samples, audit: audit,
            options: run.options)
    }
}

extension NoiseMaximizer {
    /// The mean objective of several classes at each step.
    static func meanObjectives(_ noise: [Noise]) -> [Double] {
        guard let first = noise.first else { return [] }
        return first.objectives.indices.map { step in
            noise.reduce(0) { $0 + $1.objectives[step] } / Double(noise.count)
        }
    }
}
