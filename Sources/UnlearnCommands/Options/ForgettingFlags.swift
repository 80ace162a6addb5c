package import ArgumentParser
import NeuralGraph
package import Unlearning
import UnlearningReports

/// How many images forgetting sees.
struct SampleFlags: ParsableArguments {
    @Option(
        name: .customLong("samples-per-class"), parsing: .unconditional,
        help: ArgumentHelp(
            "Images of each class that forgetting sees; a class that has fewer gives all. (default: 1000)",
            valueName: "number"),
        transform: NumberParsing.integer(.samples))
    var given: Int?

    /// The number where none is given.
    static let defaultPerClass = 1000

    /// Refuses a number of images that no method asks for.
    func check(for methods: [any UnlearningMethod]) throws {
        let isUsed = methods.contains(where: \.requirements.drawsSamples)
        let names = methods.map { "'\($0.name)'" }.joined(separator: ", ")
        let allData = methods.contains { $0.requirements.contains(.allRetainData) }
        try refuse(
            [("--samples-per-class", given != nil)], unless: isUsed,
            "has no effect on \(names), which \(allData ? "sees all images" : "sees no images"); leave it out.")
    }
}

/// Which classes are forgotten, or which samples.
struct ClassFlags: ParsableArguments {
    @Option(
        name: .customLong("classes"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "The classes to forget, by number or name: a comma-separated list, or the option several times, as in 0,2 or "
                + "\"T-shirt/top,Bag\". A name with commas needs its own quotes: '\"tench, Tinca tinca\"'.",
            valueName: "classes"),
        transform: ClassList.init(parsing:))
    var lists: [ClassList] = []

    @OptionGroup var samples: SamplesFlag

    /// The classes to forget.
    var list: ClassList { ClassList(joining: lists) }

    func validate() throws {
        guard lists.isEmpty == (samples.file != nil) else {
            throw ValidationError(
                lists.isEmpty
                    ? "Say what to forget: classes by --classes, or single images by --samples."
                    : "--classes and --samples exclude each other; give one.")
        }
    }

    /// Refuses samples where the method forgets whole classes alone.
    func check(_ method: any UnlearningMethod, named name: String) throws {
        guard samples.file != nil, !method.supportsSamples else { return }
        let others = UnlearningMethods.all.filter(\.supportsSamples).map(\.name)
        throw ValidationError(
            "--samples: method '\(name)' forgets whole classes alone; give one of these by --method: "
                + others.joined(separator: ", "))
    }

    /// Refuses exact forgetting by shards in a comparison: retrained from the same seed, its reference is the same network.
    func checkComparable(_ method: any UnlearningMethod, named name: String) throws {
        guard method.requirements.contains(.shards) else { return }
        throw ValidationError(
            "method '\(name)' makes the network that a comparison would retrain as its reference; use forget, and audit "
                + "against networks from train --shards --exclude-classes with other seeds.")
    }
}

/// Which classes are forgotten, and how many images forgetting sees.
struct TargetFlags: ParsableArguments {
    @OptionGroup var what: ClassFlags
    @OptionGroup private var samples: SampleFlags

    /// The classes to forget.
    var classes: ClassList { what.list }
    /// Images of each class, if that was said.
    var givenSamples: Int? { samples.given }

    /// Refuses a number of images that no method asks for.
    func checkSamples(for methods: [any UnlearningMethod]) throws { try samples.check(for: methods) }
}

/// The method that a model is made to forget by: a preset's, or one by its name.
struct MethodNameFlags: ParsableArguments {
    @Option(
        name: .customLong("preset"),
        help: ArgumentHelp(
            "fast, noiseless, default or thorough (from quick to slow), paper (UNSIR as published) or paper-safe (UNSIR at a tenth of "
                + "the rates). (default: default)",
            valueName: "preset"),
        completion: WordParsing.completion(UnlearningPreset.self), transform: WordParsing.word("preset"))
    var preset: UnlearningPreset?

    @Option(
        name: .customLong("method"),
        help: ArgumentHelp(
            "The method, instead of a preset: \(UnlearningMethods.names.joined(separator: ", ")).", valueName: "name"),
        completion: MethodArgument.completion, transform: MethodArgument.init(parsing:))
    var named: MethodArgument?

    /// The method without the settings of `--set`.
    var method: any UnlearningMethod { named?.method ?? (preset ?? .default).method }

    func validate() throws {
        if named != nil, preset != nil {
            throw ValidationError("--method and --preset exclude each other; give one.")
        }
    }
}

/// The method that a model is made to forget by, and its settings.
package struct MethodFlags: ParsableArguments {
    @OptionGroup var name: MethodNameFlags
    @OptionGroup package var configuration: ConfigurationFlags

    package init() {}

    package func validate() throws {
        // With a file, what the options mean shows only once it is read.
        guard configuration.file == nil else { return }
        do {
            _ = try MethodChoice(self, samples: nil, ConfigurationFile())
        } catch {
            throw ValidationError("\(error)")
        }
    }
}

/// Which classes are forgotten, and by which method.
struct ForgettingFlags: ParsableArguments {
    @OptionGroup var target: TargetFlags
    @OptionGroup var method: MethodFlags
}

/// The method that options and a configuration's file choose, with its settings.
package struct MethodChoice: Sendable {
    /// The name among the listed methods.
    package let name: String
    package let method: any UnlearningMethod
    /// The preset, unless a method was named.
    let preset: UnlearningPreset?
    /// Images of each class that forgetting sees, if that was said.
    let givenSamples: Int?

    package var samplesPerClass: Int { givenSamples ?? SampleFlags.defaultPerClass }

    /// - Throws: `UnlearningError` if a setting is wrong, and `CommandError` if a name in the file is.
    init(_ flags: MethodFlags, samples: Int?, _ file: ConfigurationFile) throws {
        let base: any UnlearningMethod
        (base, preset) = try Self.base(flags, file)
        name = base.name
        let configured = try file.naming { try base.replacing(file.settings) }
        method = try configured.replacing(flags.configuration.sets)
        givenSamples = samples ?? file.samplesPerClass
    }

    private static func base(
        _ flags: MethodFlags, _ file: ConfigurationFile
    ) throws -> (any UnlearningMethod, UnlearningPreset?) {
        if let method = flags.name.named?.method { return (method, nil) }
        if let preset = flags.name.preset { return (preset.method, preset) }
        return try file.naming {
            if let name = file.method { return (try UnlearningMethods.named(name), nil) }
            guard let name = file.preset else { return (UnlearningPreset.default.method, .default) }
            guard let preset = UnlearningPreset(rawValue: name) else {
                let known = UnlearningPreset.allCases.map(\.rawValue)
                throw CommandError(
                    "there is no preset '\(name)'\(NearestName.hint(for: name, in: known)); use one of: "
                        + known.joined(separator: ", "))
            }
            return (preset.method, preset)
        }
    }

    /// What the run is set to.
    /// - Parameter training: how a network is trained, if one is.
    func configuration(
        command: String, _ options: RunOptions, training: TrainingConfiguration? = nil
    ) throws -> RunConfiguration {
        return RunConfiguration(
            command: command, method: name, settings: try JSONValue(encoding: method), training: training,
            seed: options.seed, precision: options.precision,
            samplesPerClass: method.requirements.drawsSamples ? samplesPerClass : nil)
    }
}
