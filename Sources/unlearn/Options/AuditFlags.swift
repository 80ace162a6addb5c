import ArgumentParser
import Foundation
import NeuralGraph
import Unlearning
import UnlearningReports

/// How much an audit measures, and the limits it judges by.
struct AuditFlags: ParsableArguments {
    @Flag(help: "Measure on fewer images, without relearning and figures.")
    var quick = false

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Shadow models to train for the likelihood ratio attack, an even number. (default: none, and no such attack)",
            valueName: "number"),
        transform: NumberParsing.integer(.samples))
    var shadowModels: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Images of the forgotten or of the retained classes that a measure needs; with fewer it is left out. "
                + "(default: 30)", valueName: "number"),
        transform: NumberParsing.integer(.samples))
    var minimumSamples: Int?

    // The option's name before 1.0, which scripts may still use.
    @Option(
        name: .customLong("least-samples"), parsing: .unconditional, help: .hidden,
        transform: NumberParsing.integer(.samples))
    var leastSamples: Int?

    @Option(
        name: .customLong("limit"),
        help: ArgumentHelp(
            "A measure's limits, as in linear-probe=0.03,0.06: pass up to the first, partial up to the second, fail "
                + "beyond. Give it once for each measure; the last one counts. 'none' leaves a measure unjudged.",
            valueName: "measure=limits"),
        completion: .list(AuditConfiguration.everyMeasure.map { "\($0.identifier)=" }),
        transform: LimitArgument.init(parsing:))
    var limits: [LimitArgument] = []

    /// Which options are given.
    var given: [GivenOption] {
        [
            ("--quick", quick), ("--shadow-models", shadowModels != nil),
            ("--minimum-samples", minimumSamples != nil || leastSamples != nil), ("--limit", !limits.isEmpty),
        ]
    }

    /// The kind of audit, and a digest of all settings.
    var settings: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let data = try encoder.encode(configuration(training: TrainingConfiguration()))
            return "\(quick ? "quick" : "full"), settings \(SHA256Digest(of: data))"
        }
    }

    /// Checks the options by themselves, whatever is audited.
    func validate() throws {
        do {
            _ = try configuration(training: TrainingConfiguration())
        } catch let error as UnlearningError {
            throw ValidationError("\(error)")
        }
    }

    /// The audit's settings.
    /// - Throws: `ValidationError` if a limit is for a measure that is not taken.
    func configuration(training: TrainingConfiguration) throws -> AuditConfiguration {
        var configuration: AuditConfiguration = quick ? .quick : .full
        if let samples = minimumSamples ?? leastSamples { configuration.minimumSamples = samples }
        if let shadowModels {
            configuration.likelihoodRatioAttack = LikelihoodRatioAttackConfiguration(
                shadowModels: shadowModels, training: training)
        }
        let measures = Audit(configuration: configuration).descriptions
        for limit in limits {
            guard let measure = measures.first(where: { $0.identifier.rawValue == limit.measure }) else {
                let names = measures.map(\.identifier.rawValue)
                throw ValidationError(
                    "there is no measure '\(limit.measure)'\(NearestName.hint(for: limit.measure, in: names)) to limit; the "
                        + "measures of this audit are: \(names.joined(separator: ", "))")
            }
            limit.apply(to: measure, in: &configuration.thresholds)
        }
        try configuration.validate()
        return configuration
    }
}

/// A measure's limits in the command line's form.
struct LimitArgument: Sendable {
    /// The measure's name.
    let measure: String
    /// The limits of pass and of partial; nil leaves the measure unjudged.
    let limits: (pass: Double, partial: Double)?

    init(parsing text: String) throws {
        let parts = text.split(separator: "=", omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            throw ValidationError("write a measure and its limits, as in linear-probe=0.03,0.06")
        }
        measure = String(parts[0])
        guard parts[1] != "none" else {
            limits = nil
            return
        }
        let numbers = parts[1].split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
        guard (1...2).contains(numbers.count), let pass = numbers[0], let partial = numbers.last ?? nil else {
            throw ValidationError("limits are one or two numbers, as in linear-probe=0.03,0.06, or none")
        }
        limits = (pass, partial)
    }

    /// Sets the limits; their reference stays, or follows from the measure's direction.
    func apply(to measure: MeasureDescription, in thresholds: inout AuditThresholds) {
        guard let limits else {
            thresholds[measure.identifier] = []
            return
        }
        thresholds.setLimits(of: measure, pass: limits.pass, partial: limits.partial)
    }
}
