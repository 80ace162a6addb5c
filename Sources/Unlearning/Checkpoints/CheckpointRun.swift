import NeuralGraph

/// One run's part of a checkpoint: counts its parts, which come in the same order each time.
final class CheckpointRun {
    private let store: CheckpointStore
    private let name: String
    /// The numbers of the parts that are going on, from the outermost, and that of the next one.
    private var numbers = [0]
    private var identities = 0

    init(_ checkpoint: Checkpoint) {
        store = checkpoint.store
        name = store.nextRun(in: checkpoint.scope)
    }

    /// The time that what was restored had taken.
    var restoredTime: Duration { store.restoredTime }

    /// Says what the run is of; without this, nothing is kept.
    /// - Throws: ``UnlearningError`` if the folder has another run.
    func begin(_ identity: () throws -> RunIdentity) throws {
        // Within a part everything follows from what was checked before.
        guard numbers.count == 1 else { return }
        try store.check(try identity(), at: "\(name).\(identities)")
        identities += 1
    }

    /// Restores or computes a part.
    /// - Parameter share: takes what was found of the part's result, and of its state if the result is not there.
    func part<Value>(
        _ title: String, encode: @escaping (Value) -> CheckpointContent, decode: (CheckpointContent) throws -> Value,
        share: (CheckpointContent?) -> CheckpointContent? = { $0 }, _ body: (PartProgress) throws -> Value
    ) throws -> Value {
        guard identities > 0 else { return try body(PartProgress()) }
        let path = "\(name)-" + numbers.map(Self.digits).joined(separator: ".")
        defer { numbers[numbers.count - 1] += 1 }
        if let content = share(store.finished(path, title)) {
            if let value = try? decode(content) {
                store.restored(seconds: content.seconds)
                return value
            }
            store.warnOfDamage(path, title)
        }
        let progress = PartProgress(store, path, title)
        _ = share(progress.restored)
        numbers.append(0)
        defer { numbers.removeLast() }
        let value = try body(progress)
        let seconds = progress.seconds
        try store.finish(path, title) {
            var content = encode(value)
            content.seconds = seconds
            return content
        }
        return value
    }

    /// Writes what waits, since the run ends early.
    func save() throws { try store.save() }

    private static func digits(_ number: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, 4 - text.count)) + text
    }
}

/// A part that is going on: its latest state in an earlier process, and the place for new ones.
final class PartProgress {
    /// The state to go on from; nil to start from the beginning.
    private(set) var restored: CheckpointContent?

    private let place: (store: CheckpointStore, path: String, title: String)?
    private var number = 0
    private let start = ContinuousClock.now
    private var restoredBefore = Duration.zero

    /// A part that is not kept.
    /// - Parameter restored: the state to go on from, if another process keeps the part.
    init(_ restored: CheckpointContent? = nil) {
        place = nil
        self.restored = restored
    }

    init(_ store: CheckpointStore, _ path: String, _ title: String) {
        place = (store, path, title)
        restoredBefore = store.restoredTime
        guard let (content, number) = store.progress(path, title) else { return }
        restored = content
        self.number = number
    }

    /// Puts a restored state in place; one that does not fit is left out.
    /// - Parameter body: takes all of the state or throws before it changes anything.
    /// - Returns: what the body returns; nil without a state that fits.
    func resume<Value>(_ body: (CheckpointContent) throws -> Value) -> Value? {
        guard let restored, let value = try? body(restored) else { return nil }
        self.restored = nil
        place?.store.restored(seconds: restored.seconds)
        return value
    }

    /// Seconds that the part has taken, over all processes.
    var seconds: Double {
        guard let place else { return 0 }
        return (ContinuousClock.now - start + place.store.restoredTime - restoredBefore).seconds
    }

    /// Writes the state after a step, if that is due.
    /// - Parameter isLast: whether the run is about to end early.
    func stepDone(isLast: Bool, _ content: () throws -> CheckpointContent) throws {
        guard let place, isLast || place.store.isDue else { return }
        number += 1
        var state = try content()
        state.seconds = seconds
        try place.store.save(.init(path: place.path, title: place.title, number: number, content: state))
    }
}
