import ArgumentParser
import Logging
import Unlearning

/// The options that every command takes, whatever it does.
protocol CommandFlags: ParsableArguments, Sendable {
    /// What is printed.
    var printing: PrintingFlags { get }
    /// The threads asked for; nil leaves the choice to the program.
    var threads: Int? { get }
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

    /// A seed and the threads. More threads than processors would wait for each other, for the same result.
    fileprivate func options(seed: UInt64, shardSize: Int?) -> RunOptions {
        var options = RunOptions(
            seed: seed, threadCount: threads.map { min($0, ThreadTeam.processorCount) } ?? ParallelJob.threads)
        options.shardSize = shardSize
        options.processes = ParallelJob.processes
        return options
    }
}

/// What a command prints, and where.
struct PrintingFlags: ParsableArguments {
    @Flag(help: "Print one JSON object to standard output and nothing else there.")
    var json = false

    @Flag(help: "Show no progress.")
    var quiet = false

    @Flag(help: "Print algorithms, planned memory, and the end of each phase to standard error.")
    var verbose = false

    func validate() throws {
        if quiet, verbose { throw ValidationError("--quiet and --verbose exclude each other; give one.") }
    }
}

/// How batches are cut.
struct ShardFlags: ParsableArguments {
    @Option(
        name: .customLong("shard-size"), parsing: .unconditional,
        help: ArgumentHelp(
            "Images in each part of a batch, which several processes share. The same number gives the same result, bit for "
                + "bit, on any number of processes. (default: whole batches on one process, 32 on several)",
            valueName: "number"),
        transform: NumberParsing.integer(1...1_000_000))
    var shardSize: Int?
}

/// The options of a command that draws random numbers.
struct RunFlags: CommandFlags {
    @Option(
        name: .customLong("seed"), parsing: .unconditional,
        help: ArgumentHelp(
            "The seed of all random numbers. The same seed gives the same result, bit for bit, on any number of threads. "
                + "(default: 0)", valueName: "number"),
        transform: NumberParsing.integer(0...UInt64.max))
    var givenSeed: UInt64?

    @Option(parsing: .unconditional, help: ThreadFlags.help, transform: ThreadFlags.parse)
    var threads: Int?

    @OptionGroup var shards: ShardFlags
    @OptionGroup var printing: PrintingFlags

    var seed: UInt64 { givenSeed ?? 0 }

    /// Which options are given that set how to compute.
    var given: [GivenOption] {
        [
            ("--seed", givenSeed != nil), ("--threads", threads != nil), ("--shard-size", shards.shardSize != nil),
        ]
    }

    /// Seed, threads and shards.
    var options: RunOptions { options(seed: seed, shardSize: shards.shardSize) }

    /// Seed, threads and shards; the seed of a configuration's file counts where no option gives one.
    func options(_ file: ConfigurationFile) -> RunOptions {
        options(seed: givenSeed ?? file.seed ?? 0, shardSize: shards.shardSize)
    }
}

/// The options of a command that computes, but draws no random numbers.
struct ThreadFlags: CommandFlags {
    @Option(parsing: .unconditional, help: help, transform: parse)
    var threads: Int?

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

    /// Threads and shards.
    var options: RunOptions { options(seed: 0, shardSize: shards.shardSize) }
}

/// The options of a command that computes nothing.
struct PlainFlags: CommandFlags {
    // Taken to be refused with the reason.
    @Option(name: .customLong("seed"), parsing: .unconditional, help: .hidden)
    var unusedSeed: String?
    @Option(name: .customLong("threads"), parsing: .unconditional, help: .hidden)
    var unusedThreads: String?

    @OptionGroup var printing: PrintingFlags

    var threads: Int? { nil }

    func validate() throws {
        try refuse([("--seed", unusedSeed != nil)], "has no effect on a command without random numbers; leave it out.")
        try refuse(
            [("--threads", unusedThreads != nil)], "has no effect on a command that computes nothing; leave it out.")
    }
}
