import NeuralGraph

/// What ``Unlearner`` hands over: the new model and how it came about.
public struct UnlearningOutcome: Sendable {
    /// The model that has forgotten. It has the original's names and shapes.
    public let model: Model
    /// The classes it was made to forget.
    public let forgottenClasses: Set<Int>
    /// The noise that was learned, by class in rising order.
    public let noise: [Noise]
    /// The loss of each step by phase; of noise, the objective.
    public let losses: [RunPhase: [Double]]
    /// How long each phase took.
    public let phaseTimes: [RunPhase: Duration]
    /// The original's accuracy on the validation data, if there was any.
    public let accuracyBefore: Accuracy?
    /// The new model's accuracy on the validation data, if there was any.
    public let accuracyAfter: Accuracy?
    /// What the audit of the new model found, if there was one.
    public let audit: AuditResult?
    /// The settings that were used.
    public let configuration: UnlearningConfiguration
    /// The seed and threads that were used.
    public let options: RunOptions

    /// How long forgetting took, without measuring accuracy.
    public var totalTime: Duration { phaseTimes.values.reduce(.zero, +) }

    /// Optimizer steps of all phases.
    public var steps: Int { losses.values.reduce(0) { $0 + $1.count } }

    /// A few lines for people: classes, time, and accuracies if they were measured.
    public var summary: String {
        let names = forgottenClasses.sorted().map { index in
            model.metadata.classNames.indices.contains(index)
                ? model.metadata.classNames[index] : "class \(index)"
        }
        var lines = [
            "Approximate class unlearning of \(names.joined(separator: ", ")): "
                + "\(steps) steps in \(totalTime.secondsText)"
        ]
        if let before = accuracyBefore, let after = accuracyAfter {
            lines.append(
                "forgotten classes: \(before.forgotten.percentText) -> \(after.forgotten.percentText)")
            lines.append("retained classes:  \(before.retained.percentText) -> \(after.retained.percentText)")
        }
        if let audit { lines.append(audit.summary) }
        return lines.joined(separator: "\n")
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
