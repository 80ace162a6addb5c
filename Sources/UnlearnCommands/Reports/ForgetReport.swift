import Foundation
import Unlearning

/// The outcome of forgetting.
package struct ForgetReport: Report {
    let outcome: UnlearningOutcome
    /// The file's other classifiers, which were not made to forget.
    let otherOutputs: [OtherOutput]
    package let audit: AuditFiles?
    /// The preset; nil if a method was named.
    let preset: UnlearningPreset?
    /// The file that was written; nil if the model was not worth it.
    package let output: String?
    /// The class names that were taken out of everything written.
    let removedNames: RemovedNames
    /// The classes whose outputs were removed, by their numbers before.
    let droppedOutputs: [Int]
    /// Where the configuration, the command and the log are kept, if they are.
    let runFolder: RunFolder?

    package var exitCode: Int32 { output == nil ? AuditFiles.failure : audit?.exitCode ?? 0 }

    private static let phases: [RunPhase] = [
        .noise, .synthesis, .teaching, .importance, .forgetting, .impair, .repair, .training,
    ]

    enum CodingKeys: CodingKey {
        case accuracy, accuracyAfterImpair, accuracyBefore, audit, droppedOutputs, forgottenClasses, forgottenSamples,
            method, notes,
            otherOutputs, output, phaseSeconds, phaseSteps, preset, renamed, ruined, runFolder, salt, samplesAccuracy,
            samplesAccuracyBefore, seconds, seed, steps
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        if let before = outcome.accuracyBefore, let after = outcome.accuracyAfter {
            try container.encode(AccuracyReport(after), forKey: .accuracy)
            try container.encode(AccuracyReport(before), forKey: .accuracyBefore)
            try container.encodeIfPresent(
                outcome.accuracies[.impair].map(AccuracyReport.init), forKey: .accuracyAfterImpair)
        }
        try container.encodeIfPresent(audit.map(AuditSummary.init), forKey: .audit)
        if !droppedOutputs.isEmpty { try container.encode(droppedOutputs, forKey: .droppedOutputs) }
        try container.encode(outcome.forgottenClasses.sorted(), forKey: .forgottenClasses)
        if outcome.forgottenSamples > 0 {
            try container.encode(outcome.forgottenSamples, forKey: .forgottenSamples)
            try container.encode(outcome.samplesAfter?.all, forKey: .samplesAccuracy)
            try container.encode(outcome.samplesBefore?.all, forKey: .samplesAccuracyBefore)
        }
        if !removedNames.entries.isEmpty {
            try container.encode(removedNames.entries.map(RenamedClass.init), forKey: .renamed)
            try container.encodeIfPresent(removedNames.salt, forKey: .salt)
        }
        try container.encodeIfPresent(runFolder?.url.relativePath, forKey: .runFolder)
        try container.encode(outcome.method.name, forKey: .method)
        try container.encode(outcome.notes, forKey: .notes)
        try container.encode(otherOutputs.map(OtherOutputReport.init), forKey: .otherOutputs)
        try container.encodeIfPresent(output, forKey: .output)
        let seconds = outcome.phaseTimes.map { ($0.key.rawValue, $0.value.reported) }
        try container.encode(Dictionary(uniqueKeysWithValues: seconds), forKey: .phaseSeconds)
        try container.encode(steps, forKey: .phaseSteps)
        try container.encodeIfPresent(preset, forKey: .preset)
        try container.encode(outcome.isRuined, forKey: .ruined)
        try container.encode(outcome.totalTime.reported, forKey: .seconds)
        try container.encode(outcome.options.seed, forKey: .seed)
        try container.encode(outcome.steps, forKey: .steps)
    }

    private struct RenamedClass: Encodable {
        let index: Int
        let name: String

        init(_ entry: RemovedNames.Entry) { (index, name) = (entry.index, entry.new) }
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

    /// The text with what only the reader may know: the digests' salt, which no file keeps.
    package var text: String {
        loggedText
            + (removedNames.salt.map { "Salt of the digest, which is kept nowhere: \($0)\n" } ?? "")
    }

    /// The text as a log keeps it.
    var loggedText: String {
        let names = outcome.model.metadata.classNames
        var table = TextTable()
        for phase in Self.phases where outcome.phaseTimes[phase] != nil {
            table.add([
                "  \(phase.rawValue)", "\(steps[phase.rawValue] ?? 0) steps",
                outcome.phaseTimes[phase]?.secondsText ?? "-",
            ])
        }
        table.add(["  total", "\(outcome.steps) steps", outcome.totalTime.secondsText])
        let what =
            outcome.forgottenSamples > 0
            ? "\(outcome.forgottenSamples) samples" : names.names(of: outcome.forgottenClasses)
        var text = "Forgot \(what) (\(how))\n" + table.text
        if let before = outcome.samplesBefore, let after = outcome.samplesAfter {
            text += "\nAccuracy on the samples: \(before.all.percentText) before, \(after.all.percentText) after\n"
        }
        if let before = outcome.accuracyBefore, let after = outcome.accuracyAfter {
            let accuracies = AccuracyTable(
                columns: [("before", before)]
                    + (outcome.accuracies[.impair].map { [("impaired", $0)] } ?? []) + [("after", after)],
                classNames: names)
            text += "\n" + accuracies.text + "\n"
        }
        text += outcome.notes.map { "Note: \($0)\n" }.joined()
        text += otherOutputs.map { "Warning: \($0.warning)\n" }.joined()
        if !droppedOutputs.isEmpty {
            let dropped = names.names(of: Set(droppedOutputs))
            text += "Removed the outputs of \(dropped); the classes behind them moved forward\n"
        }
        for entry in removedNames.entries { text += "Class \(entry.index) is now called '\(entry.new)'\n" }
        if let audit { text += audit.summary }
        guard let output else {
            return text
                + "Wrote nothing: the retained classes are in ruins. Take another method, or give --keep-ruined.\n"
        }
        if outcome.isRuined { text += "Warning: the retained classes are in ruins.\n" }
        return text + "Wrote \(output)\n" + (audit?.text ?? "") + (runFolder?.text ?? "")
    }
}
