import ArgumentParser
import Foundation
import Logging
import Unlearning

/// Where a run keeps its state, so that it survives the end of the program.
struct CheckpointFlags: ParsableArguments {
    @Option(
        name: .customLong("checkpoint"),
        help: ArgumentHelp(
            "The folder for the state of the run, from which --resume goes on after an interruption. It is empty again "
                + "once the run is done.", valueName: "folder"),
        completion: .directory)
    var path: String?

    @Flag(
        help:
            "Go on from the checkpoint, to the same bytes as if nothing had happened; start where there is none.")
    var resume = false

    @Option(
        name: .customLong("checkpoint-every"), parsing: .unconditional,
        help: ArgumentHelp(
            "Seconds between two states that are written, 0 for every step. (default: 30)", valueName: "seconds"),
        transform: Self.seconds)
    var interval: Double?

    static func seconds(_ text: String) throws -> Double {
        guard let number = Double(text), (0...1e6).contains(number) else {
            throw ValidationError("use a number of seconds from 0 to 1000000, such as 60")
        }
        return number
    }

    func validate() throws {
        try refuse(
            [("--resume", resume), ("--checkpoint-every", interval != nil)], unless: path != nil,
            "is for --checkpoint; give it too.")
    }

    /// Which options are given.
    var given: [GivenOption] {
        [("--checkpoint", path != nil), ("--resume", resume), ("--checkpoint-every", interval != nil)]
    }

    /// What an interruption means for the files.
    func note(otherwise: String = "nothing was written") -> String {
        path == nil ? otherwise : "the same command with --resume goes on from here"
    }

    private var folder: URL? { path.map { URL(fileURLWithPath: $0, isDirectory: true) } }

    /// The folder for finished parts of a comparison; nil without a checkpoint.
    var comparisonFolder: URL? { folder?.appendingPathComponent("comparison", isDirectory: true) }

    /// Opens the folder, if there is one.
    /// - Parameter inputs: the files that the run reads, none of which may be in it.
    func open(_ inputs: InputFiles, _ console: Console) throws -> Checkpoint? {
        guard let folder else { return nil }
        try inputs.check(folder: folder)
        // The first process keeps the state of all.
        guard ParallelJob.isFirst else { return nil }
        do {
            let checkpoint = try Checkpoint(
                in: folder, every: .seconds(interval ?? 30), resuming: resume
            ) { console.warnOnce($0) }
            if checkpoint.isResumed { console.logger.info("resuming from \(folder.relativePath)") }
            return checkpoint
        } catch let error as UnlearningError where error.code == .unusableCheckpoint && !resume {
            throw CommandError(error.description.replacingOccurrences(of: "resume it,", with: "add --resume,"))
        }
    }
}
