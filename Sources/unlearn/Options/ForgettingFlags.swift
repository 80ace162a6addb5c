import ArgumentParser
import Unlearning

/// How many images forgetting sees.
struct SampleFlags: ParsableArguments {
    @Option(
        name: .customLong("samples-per-class"), parsing: .unconditional,
        help: ArgumentHelp(
            "Images of each class that forgetting sees; a class that has fewer gives all. (default: 1000)",
            valueName: "number"),
        transform: NumberParsing.integer(.samples))
    var given: Int?

    var perClass: Int { given ?? 1000 }

    /// Refuses a number of images that no method asks for.
    func check(for methods: [any UnlearningMethod]) throws {
        let isUsed = methods.contains { !$0.requirements.isDisjoint(with: [.retainData, .forgetData]) }
        let names = methods.map { "'\($0.name)'" }.joined(separator: ", ")
        let allData = methods.contains { $0.requirements.contains(.allRetainData) }
        try refuse(
            [("--samples-per-class", given != nil)], unless: isUsed,
            "has no effect on \(names), which \(allData ? "sees all images" : "sees no images"); leave it out.")
    }
}

/// Which classes are forgotten.
struct ClassFlags: ParsableArguments {
    @Option(
        name: .customLong("classes"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "The classes to forget, by number or name: a comma-separated list, or the option several times, as in 0,2 or "
                + "\"T-shirt/top,Bag\". A name with commas needs its own quotes: '\"tench, Tinca tinca\"'.",
            valueName: "classes"),
        transform: ClassList.init(parsing:))
    var lists: [ClassList]

    /// The classes to forget.
    var list: ClassList { ClassList(joining: lists) }
}

/// Which classes are forgotten, and how many images forgetting sees.
struct TargetFlags: ParsableArguments {
    @OptionGroup private var classFlags: ClassFlags
    @OptionGroup private var samples: SampleFlags

    /// The classes to forget.
    var classes: ClassList { classFlags.list }
    var samplesPerClass: Int { samples.perClass }

    /// Refuses a number of images that no method asks for.
    func checkSamples(for methods: [any UnlearningMethod]) throws { try samples.check(for: methods) }
}

/// The preset that a model is made to forget by.
struct PresetFlags: ParsableArguments {
    @Option(
        name: .customLong("preset"),
        help: ArgumentHelp(
            "fast, default or thorough (from quick to slow), paper (UNSIR as published) or paper-safe (UNSIR at a tenth of "
                + "the rates). (default: default)",
            valueName: "preset"),
        completion: WordParsing.completion(UnlearningPreset.self), transform: WordParsing.word("preset"))
    var chosen: UnlearningPreset?

    /// The preset, or the default one.
    var preset: UnlearningPreset { chosen ?? .default }
    /// Whether a preset was named.
    var isGiven: Bool { chosen != nil }
}

/// Which classes are forgotten, and by which preset.
struct ForgettingFlags: ParsableArguments {
    @OptionGroup var target: TargetFlags
    @OptionGroup private var presets: PresetFlags

    var preset: UnlearningPreset { presets.preset }
    /// Whether a preset was named.
    var givesPreset: Bool { presets.isGiven }
}
