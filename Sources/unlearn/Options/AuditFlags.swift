import ArgumentParser
import Unlearning

/// How much an audit measures, and by which limits it judges.
struct AuditFlags: ParsableArguments {
    @Flag(help: "Measure on fewer images, without relearning and figures.")
    var quick = false

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Shadow models for the likelihood ratio attack, an even number; it is left out without, since each is "
                + "trained.", valueName: "number"),
        transform: NumberParsing.whole(.samples))
    var shadowModels: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Images of the forgotten, or of the other classes, that a measure needs; with fewer it is left out. "
                + "(default: 30)", valueName: "number"),
        transform: NumberParsing.whole(.samples))
    var leastSamples: Int?

    @Option(
        name: .customLong("limit"),
        help: ArgumentHelp(
            "A measure's limits, as in linear-probe=0.03,0.06: it passes up to the first, is partial up to the second, "
                + "and fails beyond. May be given for several measures. 'none' leaves a measure unjudged.",
            valueName: "measure=limits"),
        transform: LimitArgument.init(parsing:))
    var limits: [LimitArgument] = []

    /// Which options are given.
    var given: [(String, Bool)] {
        [
            ("--quick", quick), ("--shadow-models", shadowModels != nil), ("--least-samples", leastSamples != nil),
            ("--limit", !limits.isEmpty),
        ]
    }

    /// The audit's settings.
    /// - Throws: ``CommandError`` if a limit is for a measure that there is not.
    func configuration(training: TrainingConfiguration) throws -> AuditConfiguration {
        var configuration: AuditConfiguration = quick ? .quick : .full
        if let leastSamples { configuration.leastSamples = leastSamples }
        if let shadowModels {
            configuration.likelihoodRatioAttack = LikelihoodRatioAttackConfiguration(
                shadowModels: shadowModels, training: training)
        }
        let measures = Audit(configuration: configuration).descriptions
        for limit in limits {
            guard let measure = measures.first(where: { $0.identifier.rawValue == limit.measure }) else {
                let names = measures.map(\.identifier.rawValue).joined(separator: ", ")
                throw CommandError("there is no measure '\(limit.measure)' to limit; its name is one of: \(names)")
            }
            limit.apply(to: measure, in: &configuration.thresholds)
        }
        try configuration.validate()
        return configuration
    }
}

/// A measure's limits as the command line writes them.
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

    /// Sets the limits; what they are compared with stays, or follows from what good forgetting looks like.
    func apply(to measure: MeasureDescription, in thresholds: inout AuditThresholds) {
        guard let limits else {
            thresholds[measure.identifier] = []
            return
        }
        var list = AuditThresholds.default[measure.identifier]
        if list.isEmpty {
            list =
                switch measure.direction {
                case .lower:
                    [.init(.above, .retrained, pass: 0, partial: 0), .init(.above, .zero, pass: 0, partial: 0)]
                case .higher:
                    [.init(.below, .retrained, pass: 0, partial: 0), .init(.below, .original, pass: 0, partial: 0)]
                case .closerToRetrained, .none:
                    [.init(.either, .retrained, pass: 0, partial: 0)]
                }
        }
        for index in list.indices { (list[index].pass, list[index].partial) = limits }
        thresholds[measure.identifier] = list
    }
}
