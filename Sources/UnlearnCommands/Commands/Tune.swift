import ArgumentParser
import Foundation
import Unlearning

/// `unlearn tune`
struct Tune: ReportingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Finds the learning rate of a method for one model.",
        discussion: """
            Runs the method at a sixteenth, a quarter, one and four times its rate, unguarded, and measures each time on \
            training images that the method did not see. The best rate has the largest accuracy on the retained classes \
            minus that on the forgotten ones. Test images are left to the audit. Nothing is written.

            Accuracy says nothing about what a network still knows inside: audit the model that the best rate gives.

            EXAMPLES
              unlearn tune model.safetensors --classes 0 --retain fashion-mnist \\
                --method scrub
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

    /// The methods that have a rate.
    private static var names: [String] { UnlearningMethods.all.filter { $0 is any TrainedMethod }.map(\.name) }

    private var trained: any TrainedMethod {
        get throws {
            guard let trained = method.method as? any TrainedMethod else {
                throw ValidationError(
                    "Method '\(method.method.name)' has no rate to tune; take one of \(Self.names.joined(separator: ", "))."
                )
            }
            return trained
        }
    }

    func validate() throws {
        let trained = try trained
        try samples.check(for: [trained])
        try pictures.check(for: [retain])
    }

    func perform(_ console: Console) async throws -> TuneReport {
        let read = try model.load()
        let absent = AbsentClasses(classes: classes.list, option: "--classes")
        let images = try pictures.load(retain, split: .train, for: read, absent: absent, console)
        let original = try read.completed(from: images)
        let forgotten = try original.classIndices(of: classes.list, console)
        try original.checkForgettable(forgotten)
        let trained = try trained
        console.describe(original, flags.options, [(trained.name, .parameters, trained.training.batchSize)])
        let search = RateSearch(
            trained, samplesPerClass: samples.given ?? SampleFlags.defaultPerClass, options: flags.options)
        let trials = try await search.run(original, forgetting: forgotten, images: images) { rate, progress in
            console.report(progress, title: "rate \(rate)")
        }
        return TuneReport(method: trained, trials: trials, classes: forgotten, seed: flags.seed)
    }
}

/// The rates that were tried.
struct TuneReport: Report {
    let method: any TrainedMethod
    let trials: [RateSearch.Trial]
    let classes: Set<Int>
    let seed: UInt64

    private var best: RateSearch.Trial? { RateSearch.best(of: trials) }

    var exitCode: Int32 { best == nil ? 1 : 0 }

    enum CodingKeys: CodingKey {
        case best, defaultRate, forgottenClasses, method, seed, trials
    }

    private struct Trial: Encodable {
        let failure: String?
        let forgotten: Double?
        let learningRate: Double
        let retained: Double?

        init(_ trial: RateSearch.Trial) {
            (failure, learningRate) = (trial.failure, trial.learningRate)
            (forgotten, retained) = (trial.accuracy?.forgotten, trial.accuracy?.retained)
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(best?.learningRate, forKey: .best)
        try container.encode(method.training.learningRate, forKey: .defaultRate)
        try container.encode(classes.sorted(), forKey: .forgottenClasses)
        try container.encode(method.name, forKey: .method)
        try container.encode(seed, forKey: .seed)
        try container.encode(trials.map(Trial.init), forKey: .trials)
    }

    var text: String {
        var table = TextTable()
        table.add(["  rate", "forgotten", "retained"])
        for trial in trials {
            table.add([
                "  \(trial.learningRate)", trial.accuracy?.forgotten.percentText ?? "-",
                trial.accuracy?.retained.percentText ?? trial.failure ?? "-",
            ])
        }
        let result =
            best.map { "Best rate: \($0.learningRate) (default: \(method.training.learningRate))\n" }
            ?? "No rate gave a model.\n"
        return "Held-out training images, method \(method.name)\n" + table.text + result
    }
}
