public import Foundation
import NeuralGraph

/// A folder from which an interrupted run goes on, to the same result as if nothing had happened.
///
/// ```swift
/// var options = RunOptions()
/// options.checkpoint = try Checkpoint(in: folder)
/// let outcome = try await Unlearner(model: model, retaining: retain, options: options).forget(classes: [3])
/// try outcome.model.writeSafetensors(to: destination)
/// try options.checkpoint?.finish()
/// ```
///
/// A program that was killed does the same again: what is finished is read, and a training goes on from its latest
/// state. The folder is locked while it is in use, and serves one run at a time. It holds weights that may know what is
/// to be forgotten, so keep it as safe as the original.
public struct Checkpoint: Sendable {
    let store: CheckpointStore
    /// What the names of its files begin with.
    let scope: String

    /// Opens a folder, or creates it.
    /// - Parameters:
    ///   - folder: a folder for nothing else; it may exist.
    ///   - interval: the time between two states that are written; zero writes one at every step.
    ///   - resuming: whether a checkpoint in the folder is used; if not, it is refused.
    ///   - warning: takes a line about a damaged file, which is computed again, or a disk that takes none.
    /// - Throws: ``UnlearningError`` if the folder cannot be used or is in use, or its checkpoint is damaged or of another
    ///   version.
    public init(
        in folder: URL, every interval: Duration = .seconds(30), resuming: Bool = true,
        warning: @escaping @Sendable (String) -> Void = { _ in }
    ) throws {
        store = try CheckpointStore(folder, every: interval, resuming: resuming, warn: warning)
        scope = ""
    }

    private init(_ store: CheckpointStore, scope: String) {
        self.store = store
        self.scope = scope
    }

    /// Removes the checkpoint's files; call it once the result is written.
    /// - Throws: ``UnlearningError`` if a file cannot be removed.
    public func finish() throws { try store.finish() }

    /// Whether an earlier process left a checkpoint in the folder.
    package var isResumed: Bool { store.isResumed }

    /// The time that what was restored had taken in earlier processes.
    package var restoredTime: Duration { store.restoredTime }

    /// The same folder with files of other names, for one of several runs that may be left out when it is done.
    package func scoped(_ name: String) -> Checkpoint { Checkpoint(store, scope: "\(scope)\(name)~") }

    /// Removes the files of this scope.
    package func removeScope() { store.remove(scope: scope) }

    /// Returns a value that all processes share, such as a request's name; the first makes it.
    package func value(_ name: String, make: () -> String) throws -> String { try store.value(name, make: make) }
}
