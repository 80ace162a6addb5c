public import ArgumentParser
import Logging
package import Unlearning

/// The options that every command takes, whatever it does.
package protocol CommandFlags: ParsableArguments, Sendable {
    /// What is printed.
    var printing: PrintingFlags { get }
    /// The threads asked for; nil leaves the choice to the program.
    var threads: Int? { get }
    /// The precision asked for; nil for the usual one.
    var precision: Precision? { get }
}

extension CommandFlags {
    var json: Bool { printing.json }

    /// Warns where fewer threads compute than were asked for.
    func warn(_ console: Console) {
        let processors = ThreadTeam.processorCount
        guard let threads, threads > processors else { return }
        let count = processors == 1 ? "one processor" : "\(processors) processors"
        console.logger.warning("--threads \(threads): this program may use \(count), so no more threads compute")
    }

    /// A seed, precision, threads and shards. More threads than processors would wait for each other, for the same result.
    fileprivate func options(seed: UInt64, precision: Precision, shardSize: Int?) -> RunOptions {
        var options = RunOptions(
            seed: seed, threadCount: threads.map { min($0, ThreadTeam.processorCount) } ?? ParallelJob.threads,
            precision: precision)
        options.shardSize = shardSize
        options.processes = ParallelJob.processes
        return options
    }
}

extension Precision: ExpressibleByArgument {
    fileprivate static let help = ArgumentHelp(
        "What the factors of products are rounded to, and activations for the gradients: float32 or bfloat16, which takes "
            + "less memory and is faster on processors that have instructions for it. (default: float32)",
        valueName: "precision")
}

/// Which settings options give. A configuration's file sets the others.
package struct GivenSettings: Sendable {
    package var seed: Bool
    package var precision: Bool

    package init(seed: Bool = true, precision: Bool = true) {
        (self.seed, self.precision) = (seed, precision)
    }

    /// Options with what a file sets and no option gives.
    package func options(_ options: RunOptions, _ file: ConfigurationFile) -> RunOptions {
        var options = options
        if !seed, let seed = file.seed { options.seed = seed }
        if !precision, let precision = file.precision { options.precision = precision }
        return options
    }
}

/// What a command prints, and where.
package struct PrintingFlags: ParsableArguments {
    @Flag(help: "Print one JSON object to standard output and nothing else there.")
    var json = false

    @Flag(help: "Show no progress.")
    var quiet = false

    @Flag(help: "Print algorithms, planned memory, and the end of each phase to standard error.")
    var verbose = false

    package init() {}

    package func validate() throws {
        if quiet, verbose { throw ValidationError("--quiet and --verbose exclude each other; give one.") }
    }
}

/// How batches are cut.
package struct ShardFlags: ParsableArguments {
    @Option(
        name: .customLong("shard-size"), parsing: .unconditional,
        help: ArgumentHelp(
            "Images in each part of a batch, which several processes share. The same number gives the same result, bit for "
                + "bit, on any number of processes. (default: whole batches on one process, 32 on several)",
            valueName: "number"),
        transform: NumberParsing.integer(1...1_000_000))
    package var shardSize: Int?

    package init() {}
}

/// The options of a command that draws random numbers.
package struct RunFlags: CommandFlags {
    @Option(
        name: .customLong("seed"), parsing: .unconditional,
        help: ArgumentHelp(
            "The seed of all random numbers. The same seed gives the same result, bit for bit, on any number of threads. "
                + "(default: 0)", valueName: "number"),
        transform: NumberParsing.integer(0...UInt64.max))
    package var givenSeed: UInt64?

    @Option(parsing: .unconditional, help: ThreadFlags.help, transform: ThreadFlags.parse)
    package var threads: Int?

    @Option(help: Precision.help)
    package var precision: Precision?

    @OptionGroup package var shards: ShardFlags
    @OptionGroup package var printing: PrintingFlags

    package init() {}

    var seed: UInt64 { givenSeed ?? 0 }

    /// Which options are given that set how to compute.
    var given: [GivenOption] {
        [
            ("--seed", givenSeed != nil), ("--threads", threads != nil), ("--precision", precision != nil),
            ("--shard-size", shards.shardSize != nil),
        ]
    }

    /// Which settings are given by options.
    package var givenSettings: GivenSettings { GivenSettings(seed: givenSeed != nil, precision: precision != nil) }

    /// Seed, precision, threads and shards.
    package var options: RunOptions {
        options(seed: seed, precision: precision ?? .float32, shardSize: shards.shardSize)
    }

    /// Seed, precision, threads and shards; what a configuration's file sets counts where no option gives it.
    func options(_ file: ConfigurationFile) -> RunOptions { givenSettings.options(options, file) }
}

/// The options of a command that computes, but draws no random numbers.
struct ThreadFlags: CommandFlags {
    @Option(parsing: .unconditional, help: help, transform: parse)
    var threads: Int?

    @Option(help: Precision.help)
    var precision: Precision?

    // Taken to be refused with the reason.
    @Option(name: .customLong("seed"), parsing: .unconditional, help: .hidden)
    var unusedSeed: String?

    @OptionGroup var shards: ShardFlags
    @OptionGroup var printing: PrintingFlags

    static let help = ArgumentHelp(
        "Threads that compute, no more than there are processors. (default: all processors)", valueName: "number")
    static let parse = NumberParsing.integer(1...RunOptions.mostThreads)

    func validate() throws {
        try refuse([("--seed", unusedSeed != nil)], "has no effect on a command without random numbers; leave it out.")
    }

    /// Threads, precision and shards.
    var options: RunOptions {
        options(seed: 0, precision: precision ?? .float32, shardSize: shards.shardSize)
    }
}

/// The options of a command that computes nothing.
package struct PlainFlags: CommandFlags {
    // Taken to be refused with the reason.
    @Option(name: .customLong("seed"), parsing: .unconditional, help: .hidden)
    var unusedSeed: String?
    @Option(name: .customLong("threads"), parsing: .unconditional, help: .hidden)
    var unusedThreads: String?
    @Option(name: .customLong("precision"), parsing: .unconditional, help: .hidden)
    var unusedPrecision: String?

    @OptionGroup package var printing: PrintingFlags

    package init() {}

    package var precision: Precision? { nil }

    package var threads: Int? { nil }

    package func validate() throws {
        try refuse([("--seed", unusedSeed != nil)], "has no effect on a command without random numbers; leave it out.")
        try refuse(
            [("--threads", unusedThreads != nil), ("--precision", unusedPrecision != nil)],
            "has no effect on a command that computes nothing; leave it out.")
    }
}
