import ArgumentParser
import Logging
import Unlearning

/// What every command takes.
struct RunFlags: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The seed of everything random. One seed gives the same result to the bit, on any number of threads. (default: 0)",
            valueName: "number"),
        transform: NumberParsing.whole(0...UInt64.max))
    var seed: UInt64 = 0

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Threads that compute, as many as there are processors at most. (default: all processors)",
            valueName: "number"),
        transform: NumberParsing.whole(1...RunOptions.mostThreads))
    var threads: Int?

    @Flag(help: "Print one JSON object to standard output and nothing else.")
    var json = false

    @Flag(help: "Show no progress.")
    var quiet = false

    @Flag(
        help:
            "Say on standard error which algorithms are used, how much memory is needed, and each phase's end."
    )
    var verbose = false

    func validate() throws {
        if quiet, verbose { throw ValidationError("--quiet and --verbose exclude each other; give one.") }
    }

    /// Which options are given that say how to compute.
    var given: [(String, Bool)] { [("--seed", seed != 0), ("--threads", threads != nil)] }

    /// Seed and threads. More threads than processors would wait for each other, for the same result.
    var options: RunOptions {
        RunOptions(seed: seed, threadCount: threads.map { min($0, ThreadTeam.processorCount) })
    }

    /// Says what is done otherwise than it was asked for.
    func warn(_ console: Console) {
        let processors = ThreadTeam.processorCount
        guard let threads, threads > processors else { return }
        let count = processors == 1 ? "one processor" : "\(processors) processors"
        console.logger.warning("--threads \(threads): this program may use \(count), so no more threads compute")
    }
}
