import Foundation
import Synchronization
import TestSupport
import Unlearning

/// A checkpoint's folder, and copies of it as programs that were killed at certain reports of progress would have left
/// it. Progress is reported on the thread that computes, so that nothing is written while a copy is made.
final class CheckpointFolders: Sendable {
    private let home: TemporaryFolder
    private let state = Mutex<(reports: Int, copies: [URL])>((0, []))
    private let moments: Set<Int>

    /// - Parameter moments: the reports after which the folder is copied, from 1.
    init(copyingAt moments: Set<Int> = []) throws {
        self.moments = moments
        home = try TemporaryFolder()
    }

    /// The folder that all of them are in.
    var base: URL { home.url }
    /// The folder of the run that goes on.
    var folder: URL { base.appendingPathComponent("run") }
    /// The copies in the order of the moments.
    var copies: [URL] { state.withLock { $0.copies } }
    /// How often progress was reported.
    var reports: Int { state.withLock { $0.reports } }

    var handler: ProgressHandler {
        { [self] _ in
            state.withLock { state in
                state.reports += 1
                guard moments.contains(state.reports) else { return }
                let copy = base.appendingPathComponent("copy-\(state.reports)")
                guard (try? FileManager.default.copyItem(at: folder, to: copy)) != nil else { return }
                state.copies.append(copy)
            }
        }
    }

    /// Opens the folder once the run before has let it go, which its thread does shortly after its result.
    func reopened() async throws -> Checkpoint {
        _ = try await eventually { (try? Checkpoint(in: folder)) != nil }
        return try Checkpoint(in: folder)
    }

    /// A file's content after a change.
    static func change(_ file: URL, _ body: (inout Data) -> Void) throws {
        var data = try Data(contentsOf: file)
        body(&data)
        try data.write(to: file)
    }

    /// The names of a folder's files.
    static func names(_ folder: URL) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    }
}

/// Lines of warning.
final class WarningLog: Sendable {
    private let lines = Mutex<[String]>([])

    var handler: @Sendable (String) -> Void { { line in self.lines.withLock { $0.append(line) } } }
    var all: [String] { lines.withLock { $0 } }
}
