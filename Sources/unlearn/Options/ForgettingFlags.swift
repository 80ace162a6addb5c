import ArgumentParser
import Unlearning

/// Which classes are forgotten, and how many images forgetting sees.
struct TargetFlags: ParsableArguments {
    @Option(
        name: .customLong("classes"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "The classes to forget, by number or name: a comma-separated list, or the option several times, as in 0,2 or "
                + "\"T-shirt/top,Bag\". A name with commas needs its own quotes: '\"tench, Tinca tinca\"'.",
            valueName: "classes"),
        transform: ClassList.init(parsing:))
    var classLists: [ClassList]

    /// The classes to forget.
    var classes: ClassList { ClassList(joining: classLists) }
    /// The classes to forget, which need no pictures.
    var absent: AbsentClasses { AbsentClasses(classes: classes, option: "--classes") }

    @Option(
        name: .customLong("samples-per-class"), parsing: .unconditional,
        help: ArgumentHelp(
            "Images of each class that forgetting sees; a class that has fewer gives all. (default: 1000)",
            valueName: "number"),
        transform: NumberParsing.integer(.samples))
    var givenSamples: Int?

    var samplesPerClass: Int { givenSamples ?? 1000 }

    /// Refuses a number of images that no method asks for.
    func checkSamples(for methods: [any UnlearningMethod]) throws {
        let isUsed = methods.contains { !$0.requirements.isDisjoint(with: [.retainData, .forgetData]) }
        let names = methods.map { "'\($0.name)'" }.joined(separator: ", ")
        let allData = methods.contains { $0.requirements.contains(.allRetainData) }
        try refuse(
            [("--samples-per-class", givenSamples != nil)], unless: isUsed,
            "has no effect on \(names), which \(allData ? "sees all images" : "sees no images"); leave it out.")
    }
}

/// Which classes are forgotten, and by which preset.
struct ForgettingFlags: ParsableArguments {
    @OptionGroup var target: TargetFlags

    @Option(
        name: .customLong("preset"),
        help: ArgumentHelp(
            "fast, default or thorough (from quick to slow), paper (UNSIR as published) or paper-safe (UNSIR at a tenth of "
                + "the rates). (default: default)",
            valueName: "preset"),
        completion: WordParsing.completion(UnlearningPreset.self), transform: WordParsing.word("preset"))
    var chosenPreset: UnlearningPreset?

    /// The preset, or the default one.
    var preset: UnlearningPreset { chosenPreset ?? .default }
    /// Whether a preset was named.
    var givesPreset: Bool { chosenPreset != nil }
}
