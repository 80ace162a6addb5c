import Foundation
import Unlearning

/// The outcome of forgetting.
struct ForgetReport: Report {
    let outcome: UnlearningOutcome
    /// The file's other classifiers, which were not made to forget.
    let otherOutputs: [OtherOutput]
    let audit: AuditFiles?
    /// The preset; nil if a method was named.
    let preset: UnlearningPreset?
    let output: String

    var exitCode: Int32 { audit?.exitCode ?? 0 }

    private static let phases: [RunPhase] = [
        .noise, .synthesis, .teaching, .importance, .forgetting, .impair, .repair, .training,
    ]

    enum CodingKeys: CodingKey {
        case accuracy, accuracyBefore, audit, forgottenClasses, method, notes, otherOutputs, output, phaseSeconds,
            phaseSteps, preset, seconds, seed, steps
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        if let before = outcome.accuracyBefore, let after = outcome.accuracyAfter {
            try container.encode(AccuracyReport(after), forKey: .accuracy)
            try container.encode(AccuracyReport(before), forKey: .accuracyBefore)
        }
        try container.encodeIfPresent(audit.map(AuditSummary.init), forKey: .audit)
        try container.encode(outcome.forgottenClasses.sorted(), forKey: .forgottenClasses)
        try container.encode(outcome.method.name, forKey: .method)
        try container.encode(outcome.notes, forKey: .notes)
        try container.encode(otherOutputs.map(OtherOutputReport.init), forKey: .otherOutputs)
        try container.encode(output, forKey: .output)
        let seconds = outcome.phaseTimes.map { ($0.key.rawValue, $0.value.reported) }
        try container.encode(Dictionary(uniqueKeysWithValues: seconds), forKey: .phaseSeconds)
        try container.encode(steps, forKey: .phaseSteps)
        try container.encodeIfPresent(preset, forKey: .preset)
        try container.encode(outcome.totalTime.reported, forKey: .seconds)
        try container.encode(outcome.options.seed, forKey: .seed)
        try container.encode(outcome.steps, forKey: .steps)
    }

    private struct OtherOutputReport: Encodable {
        let name: String
        let classCount: Int
        let shareBefore: Double?
        let shareAfter: Double?

        init(_ output: OtherOutput) {
            (name, classCount) = (output.name, output.classes)
            (shareBefore, shareAfter) = (output.shareBefore, output.shareAfter)
        }
    }

    private var steps: [String: Int] {
        Dictionary(uniqueKeysWithValues: outcome.losses.map { ($0.key.rawValue, $0.value.count) })
    }

    private var how: String { preset.map { "preset \($0.rawValue)" } ?? "method \(outcome.method.name)" }

    var text: String {
        let names = outcome.model.metadata.classNames
        var table = TextTable()
        for phase in Self.phases where outcome.phaseTimes[phase] != nil {
            table.add([
                "  \(phase.rawValue)", "\(steps[phase.rawValue] ?? 0) steps",
                outcome.phaseTimes[phase]?.secondsText ?? "-",
            ])
        }
        table.add(["  total", "\(outcome.steps) steps", outcome.totalTime.secondsText])
        var text =
            "Forgot \(names.names(of: outcome.forgottenClasses)) (\(how))\n" + table.text
        if let before = outcome.accuracyBefore, let after = outcome.accuracyAfter {
            let accuracies = AccuracyTable(
                columns: [("before", before), ("after", after)], classNames: names)
            text += "\n" + accuracies.text + "\n"
        }
        text += outcome.notes.map { "Note: \($0)\n" }.joined()
        text += otherOutputs.map { "Warning: \($0.warning)\n" }.joined()
        if let audit { text += audit.summary }
        return text + "Wrote \(output)\n" + (audit?.text ?? "")
    }
}
