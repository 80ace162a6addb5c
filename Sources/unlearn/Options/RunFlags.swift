import ArgumentParser
import Unlearning

/// What every command takes.
struct RunFlags: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The seed of everything random. One seed gives the same result to the bit, on any number of threads.",
            valueName: "number"))
    var seed: UInt64 = 0

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Threads that compute. (default: all processors)", valueName: "number"))
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

    /// Seed and threads.
    var options: RunOptions { RunOptions(seed: seed, threadCount: threads) }
}
