import ArgumentParser
import Foundation
import Unlearning

/// `unlearn tune`
struct Tune: ReportingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Finds the learning rate, or other settings, of a method for one model.",
        discussion: """
            Runs the method at a sixteenth, a quarter, one and four times its rate, unguarded, and measures each time on \
            training images that the method did not see. The best rate has the largest accuracy on the retained classes \
            minus that on the forgotten ones. Test images are left to the audit. Nothing is written. --try names other settings \
            to try instead of rates.

            Accuracy says nothing about what a network still knows inside: audit the model that the best rate gives.

            EXAMPLES
              unlearn tune model.safetensors --classes 0 --retain fashion-mnist \\
                --method scrub
              unlearn tune model.safetensors --classes 0 --retain fashion-mnist \\
                --method scrub --try schedule=cosine --try temperature=2,epochs=5
            """)

    @OptionGroup var model: ModelFlags
    @OptionGroup var classes: ClassFlags
    @OptionGroup var samples: SampleFlags

    @Option(
        help: ArgumentHelp(
            "The data set whose training split the model was trained on: \(DatasetArgument.helpForms).",
            valueName: "data set"),
        completion: DatasetArgument.completion, transform: DatasetArgument.init(parsing:))
    var retain: DatasetArgument

    @Option(
        help: ArgumentHelp("The method: \(Self.names.joined(separator: ", ")).", valueName: "name"),
        completion: .list(Self.names), transform: MethodArgument.init(parsing:))
    var method: MethodArgument

    @OptionGroup var pictures: PictureFlags
    @OptionGroup var flags: RunFlags

    @Option(
        name: .customLong("set"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp("A setting of every run, as in 'unlearn forget'.", valueName: "key=value"),
        transform: SettingOverride.init(argument:))
    var sets: [SettingOverride] = []

    @Option(
        name: .customLong("try"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Settings to try instead of rates, besides the method's own; give it once for each set of them.",
            valueName: "key=value,..."),
        transform: TriedSettings.init(argument:))
    var tried: [TriedSettings] = []

    /// The methods that have a rate.
    private static var names: [String] { UnlearningMethods.all.filter { $0 is any TrainedMethod }.map(\.name) }

    /// The method with the settings of every run.
    private func configured() throws -> any UnlearningMethod {
        do {
            return try method.method.replacing(sets)
        } catch {
            throw ValidationError("\(error)")
        }
    }

    private func search(samplesPerClass: Int) throws -> RateSearch {
        let configured = try configured()
        guard tried.isEmpty else {
            do {
                return try RateSearch(
                    trying: [configured] + tried.map { try configured.replacing($0.overrides) },
                    samplesPerClass: samplesPerClass, options: flags.options)
            } catch {
                throw ValidationError("\(error)")
            }
        }
        guard let trained = configured as? any TrainedMethod else {
            throw ValidationError(
                "Method '\(method.method.name)' has no rate to tune; give --try, or take one of "
                    + "\(Self.names.joined(separator: ", ")).")
        }
        return RateSearch(trained, samplesPerClass: samplesPerClass, options: flags.options)
    }

    func validate() throws {
        let search = try search(samplesPerClass: 1)
        try samples.check(for: search.candidates)
        try pictures.check(for: [retain])
    }

    func perform(_ console: Console) async throws -> TuneReport {
        let read = try model.load()
        let absent = AbsentClasses(classes: classes.list, option: "--classes")
        let images = try pictures.load(retain, split: .train, for: read, absent: absent, console)
        let original = try read.completed(from: images)
        let forgotten = try original.classIndices(of: classes.list, console)
        try original.checkForgettable(forgotten)
        let configured = try configured()
        let batch = (configured as? any TrainedMethod)?.training.batchSize ?? TrainingConfiguration().batchSize
        console.describe(original, flags.options, [(configured.name, .parameters, batch)])
        let search = try search(samplesPerClass: samples.given ?? SampleFlags.defaultPerClass)
        let count = search.candidates.count
        let trials = try await search.run(original, forgetting: forgotten, images: images) { position, progress in
            console.report(progress, title: "\(position + 1) of \(count)")
        }
        return TuneReport(
            method: configured, trials: trials, tried: tried, classes: forgotten, seed: flags.seed)
    }
}

/// Settings to try, as given.
struct TriedSettings: Sendable {
    let text: String
    let overrides: [SettingOverride]

    init(argument: String) throws {
        text = argument
        overrides = try argument.split(separator: ",").map { try SettingOverride(argument: String($0)) }
    }
}

/// What was tried.
struct TuneReport: Report {
    let method: any UnlearningMethod
    let trials: [RateSearch.Trial]
    /// What each trial but the first sets besides; empty if rates were tried.
    let tried: [TriedSettings]
    let classes: Set<Int>
    let seed: UInt64

    private var best: Int? { RateSearch.best(of: trials) }
    private var rate: Double? { (method as? any TrainedMethod)?.training.learningRate }

    var exitCode: Int32 { best == nil ? 1 : 0 }

    enum CodingKeys: CodingKey {
        case best, bestTrial, defaultRate, forgottenClasses, method, seed, trials
    }

    private struct Trial: Encodable {
        let failure: String?
        let forgotten: Double?
        let learningRate: Double?
        let retained: Double?
        let settings: [String: JSONValue]?

        init(_ trial: RateSearch.Trial, _ tried: TriedSettings?) {
            (failure, learningRate) = (trial.failure, trial.learningRate)
            (forgotten, retained) = (trial.accuracy?.forgotten, trial.accuracy?.retained)
            settings = tried.map { Dictionary($0.overrides.map { ($0.key, $0.value) }) { $1 } }
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(best.flatMap { trials[$0].learningRate }, forKey: .best)
        try container.encodeIfPresent(best, forKey: .bestTrial)
        try container.encodeIfPresent(rate, forKey: .defaultRate)
        try container.encode(classes.sorted(), forKey: .forgottenClasses)
        try container.encode(method.name, forKey: .method)
        try container.encode(seed, forKey: .seed)
        try container.encode(trials.indices.map { Trial(trials[$0], tried(at: $0)) }, forKey: .trials)
    }

    /// What a trial sets besides; nil for the first and for rates.
    private func tried(at position: Int) -> TriedSettings? {
        tried.isEmpty || position == 0 ? nil : tried[position - 1]
    }

    /// A trial's settings in words.
    private func title(_ position: Int) -> String {
        tried.isEmpty ? "\(trials[position].learningRate ?? 0)" : tried(at: position)?.text ?? "as they are"
    }

    var text: String {
        var table = TextTable()
        let what = tried.isEmpty ? "rate" : "settings"
        table.add(["  \(what)", "forgotten", "retained"])
        for (position, trial) in trials.enumerated() {
            table.add([
                "  \(title(position))", trial.accuracy?.forgotten.percentText ?? "-",
                trial.accuracy?.retained.percentText ?? trial.failure ?? "-",
            ])
        }
        let standard = tried.isEmpty ? " (default: \(rate ?? 0))" : ""
        let result = best.map { "Best \(what): \(title($0))\(standard)\n" } ?? "No \(what) gave a model.\n"
        return "Held-out training images, method \(method.name)\n" + table.text + result
    }
}
