import ArgumentParser
import Unlearning

/// Which classes are forgotten, and how.
struct ForgettingFlags: ParsableArguments {
    @Option(
        name: .customLong("classes"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "The classes to forget, by number or name, with commas between them or each by an option of its own: 0,2 or "
                + "\"T-shirt/top,Bag\". A name with commas goes in quotes of its own: '\"tench, Tinca tinca\"'.",
            valueName: "classes"),
        transform: ClassList.init(parsing:))
    var classLists: [ClassList]

    /// The classes to forget.
    var classes: ClassList { ClassList(joining: classLists) }
    /// The classes to forget, which need no pictures.
    var absent: AbsentClasses { AbsentClasses(classes: classes, option: "--classes") }

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Images of each class that forgetting sees; a class that has fewer gives all. (default: 1000)",
            valueName: "number"),
        transform: NumberParsing.whole(.samples))
    var samplesPerClass: Int = 1000

    @Option(
        name: .customLong("preset"),
        help: ArgumentHelp(
            "default, fast, thorough (no noise, from quick to slow), paper (UNSIR as published) or paper-safe (UNSIR at a tenth of the rates). (default: default)",
            valueName: "preset"))
    var chosenPreset: UnlearningPreset?

    /// The preset, or the default one.
    var preset: UnlearningPreset { chosenPreset ?? .default }
    /// Whether a preset was named.
    var givesPreset: Bool { chosenPreset != nil }
}

extension UnlearningPreset: ExpressibleByArgument {}
extension DatasetSplit: ExpressibleByArgument {}
