import ArgumentParser
import Foundation
import NeuralGraph
package import Unlearning
import UnlearningReports

/// How much an audit measures, and the limits it judges by.
package struct AuditFlags: ParsableArguments {
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

    @Option(
        name: .customLong("shadow-method"),
        help: ArgumentHelp(
            "The method by which shadow models forget: the one that the audited model forgot by. (default: the preset "
                + "'default')", valueName: "name"),
        completion: MethodArgument.completion, transform: MethodArgument.init(parsing:))
    var shadowMethod: MethodArgument?

    @Option(
        name: .customLong("as"),
        help: ArgumentHelp(
            "Round the weights of all models first, as they will be deployed: fp16, bf16, int8 or int4, the integers with "
                + "a scale per output channel. (default: none, 32-bit floats)", valueName: "format"),
        completion: WordParsing.completion(WeightFormat.self), transform: WordParsing.word("format"))
    var weights: WeightFormat?

    // The option's name before 1.0, which scripts may still use.
    @Option(
        name: .customLong("least-samples"), parsing: .unconditional, help: .hidden,
        transform: NumberParsing.integer(.samples))
    var leastSamples: Int?

    @Option(
        name: .customLong("limit"),
        help: ArgumentHelp(
            "A measure's limit instead of the default one, as in linear-probe=0.05; +0.05,-0.1 sets it above and below. "
                + "Give it once for each measure; the last one counts. 'none' leaves a measure unjudged.",
            valueName: "measure=limit"),
        completion: .list(AuditConfiguration.everyMeasure.map { "\($0.identifier)=" }),
        transform: LimitArgument.init(parsing:))
    var limits: [LimitArgument] = []

    package init() {}

    /// Which options are given.
    package var given: [GivenOption] {
        [
            ("--quick", quick), ("--shadow-models", shadowModels != nil),
            ("--minimum-samples", minimumSamples != nil || leastSamples != nil), ("--limit", !limits.isEmpty),
            ("--as", weights != nil), ("--shadow-method", shadowMethod != nil),
        ]
    }

    /// The kind of audit, and a digest of all settings.
    package var settings: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let data = try encoder.encode(configuration(training: TrainingConfiguration()))
            return "\(quick ? "quick" : "full"), settings \(SHA256Digest(of: data))"
        }
    }

    /// Checks the options by themselves, whatever is audited.
    package func validate() throws {
        try refuse(
            [("--shadow-method", shadowMethod != nil)], unless: shadowModels != nil,
            "is how shadow models forget; give --shadow-models too.")
        do {
            _ = try configuration(training: TrainingConfiguration())
        } catch let error as UnlearningError {
            throw ValidationError("\(error)")
        }
    }

    /// The audit's settings.
    /// - Throws: `ValidationError` if a limit is for a measure that is not taken.
    package func configuration(training: TrainingConfiguration) throws -> AuditConfiguration {
        var configuration: AuditConfiguration = quick ? .quick : .full
        configuration.weights = weights
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
    /// The limits above and below the reference, nil where one stays as it is; without either the measure is not judged.
    let limits: (above: Double?, below: Double?)?

    init(parsing text: String) throws {
        let parts = text.split(separator: "=", omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            throw ValidationError("write a measure and its limit, as in linear-probe=0.05")
        }
        measure = String(parts[0])
        guard parts[1] != "none" else {
            limits = nil
            return
        }
        let words = parts[1].split(separator: ",", omittingEmptySubsequences: false)
        let numbers = words.compactMap { Double($0) }
        guard (1...2).contains(words.count), numbers.count == words.count, let last = numbers.last else {
            throw ValidationError(
                "a limit is a number, as in linear-probe=0.05, numbers with signs for either side, as in "
                    + "linear-probe=+0.05,-0.1, or none")
        }
        let isSigned = words.contains { $0.hasPrefix("+") || $0.hasPrefix("-") }
        guard isSigned else {
            // Two numbers were the limits of 'pass' and of 'partial', which was acceptable.
            limits = (last, last)
            return
        }
        func limit(_ sign: String) throws -> Double? {
            let side = words.filter { $0.hasPrefix(sign) }
            guard side.count <= 1 else { throw ValidationError("\(text): give each side once") }
            return side.first.flatMap { Double($0.dropFirst()) }
        }
        limits = (try limit("+"), try limit("-"))
        guard words.allSatisfy({ $0.hasPrefix("+") || $0.hasPrefix("-") }) else {
            throw ValidationError("\(text): give a sign with both numbers, or with neither")
        }
    }

    /// Sets the limits, which then do not follow from the spread of retrained models.
    ///
    /// Their references stay, or follow from the measure's direction.
    func apply(to measure: MeasureDescription, in thresholds: inout AuditThresholds) {
        guard let limits else {
            thresholds[measure.identifier] = []
            return
        }
        thresholds.setLimits(of: measure, above: limits.above, below: limits.below)
    }
}
