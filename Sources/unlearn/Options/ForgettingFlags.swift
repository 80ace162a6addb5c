import ArgumentParser
import Unlearning

/// Which classes are forgotten, and how.
struct ForgettingFlags: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The classes to forget, by number or name, with commas between them: 0,2 or \"T-shirt/top,Bag\".",
            valueName: "classes"),
        transform: ClassList.init(parsing:))
    var classes: ClassList

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Images of each class that forgetting sees; a class that has fewer gives all.",
            valueName: "number"))
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
