import Foundation
import ModelFiles
import NeuralGraph

/// The files of a checkpoint's folder, and what is to be written to them.
///
/// Results of finished parts of a run wait in memory until the interval is over, so that a fast run writes next to
/// nothing. Unchecked, since one run at a time uses it, on the thread that computes.
final class CheckpointStore: @unchecked Sendable {
    /// The version of the folder's structure; it rises when a file changes its meaning or goes away.
    static let schemaVersion = 1

    let folder: URL
    /// Whether the folder had a checkpoint when it was opened.
    private(set) var isResumed = false
    /// The time that restored results had taken when they were computed.
    private(set) var restoredTime = Duration.zero

    private let interval: Duration
    private let warn: @Sendable (String) -> Void
    private let lock: FolderLock
    private var lastSave = ContinuousClock.now
    private var lastSaveTime = Duration.zero
    private var waiting: [(path: String, name: String, content: () -> CheckpointContent)] = []
    private var runs: [String: Int] = [:]
    private var values: [String: String] = [:]

    private struct Description: Codable, Equatable {
        var schema = "unlearning-checkpoint"
        var schemaVersion = CheckpointStore.schemaVersion
        var packageVersion = PackageVersion.current
    }

    private static let descriptionName = "checkpoint.json"
    private static let valuesName = "values.json"
    private static let partSuffix = ".part"
    private static let progressSuffixes = [".progress-0", ".progress-1"]
    private static let runSuffix = ".run.json"

    init(
        _ folder: URL, every interval: Duration, resuming: Bool, warn: @escaping @Sendable (String) -> Void
    ) throws {
        self.folder = folder
        self.interval = interval
        self.warn = warn
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw UnlearningError.checkpoint(folder, "cannot be used: \(error.localizedDescription); give a folder")
        }
        lock = try FolderLock(folder)
        let description = url(Self.descriptionName)
        if FileManager.default.fileExists(atPath: description.path) {
            guard resuming || !hasResults else {
                throw UnlearningError.checkpoint(
                    folder, "has the checkpoint of an unfinished run; resume it, or give another folder")
            }
            if resuming {
                try check(description)
                isResumed = true
                values = try readValues()
                return
            }
        }
        try removeFiles()
        try AtomicFile.write(Self.json(Description()), to: description)
    }

    /// Whether work would be lost if the files were removed.
    private var hasResults: Bool {
        names(startingWith: "").contains { name in
            ([Self.partSuffix] + Self.progressSuffixes).contains { name.hasSuffix($0) }
        }
    }

    private func check(_ file: URL) throws {
        guard let data = try? Data(contentsOf: file),
            let found = try? JSONDecoder().decode(Description.self, from: data), found.schema == Description().schema
        else { throw UnlearningError.damagedCheckpoint(file) }
        let known = Description()
        for (name, found, expected) in [
            ("checkpoint's version", "\(found.schemaVersion)", "\(known.schemaVersion)"),
            ("program's version", found.packageVersion, known.packageVersion),
        ] where found != expected {
            throw UnlearningError.otherRun(folder, name: name, found: found, expected: expected)
        }
    }

    // MARK: Runs

    /// The name of the next run in a scope: counted, since a command may consist of several.
    func nextRun(in scope: String) -> String {
        let number = runs[scope, default: 0]
        runs[scope] = number + 1
        return "\(scope)\(number)"
    }

    /// Keeps what a run is of, or compares it with what an earlier process kept.
    /// - Throws: ``UnlearningError`` if the folder has another run.
    func check(_ identity: RunIdentity, at path: String) throws {
        let file = url("\(path)-\(identity.kind)\(Self.runSuffix)")
        guard FileManager.default.fileExists(atPath: file.path) else {
            // A run of another kind would be here if the folder were another command's.
            if let other = names(startingWith: "\(path)-").first(where: { $0.hasSuffix(Self.runSuffix) }) {
                let kind = other.dropFirst(path.count + 1).dropLast(Self.runSuffix.count)
                throw UnlearningError.otherRun(folder, name: "work", found: String(kind), expected: identity.kind)
            }
            return try AtomicFile.write(Self.json(identity), to: file)
        }
        guard let data = try? Data(contentsOf: file),
            let found = try? JSONDecoder().decode(RunIdentity.self, from: data)
        else { throw UnlearningError.damagedCheckpoint(file) }
        guard let difference = identity.difference(to: found) else { return }
        throw UnlearningError.otherRun(
            folder, name: difference.name, found: difference.found, expected: difference.expected)
    }

    /// Returns a value that all processes of a command share; the first makes it.
    func value(_ name: String, make: () -> String) throws -> String {
        if let value = values[name] { return value }
        let value = make()
        values[name] = value
        try AtomicFile.write(Self.json(values), to: url(Self.valuesName))
        return value
    }

    private func readValues() throws -> [String: String] {
        let file = url(Self.valuesName)
        guard FileManager.default.fileExists(atPath: file.path) else { return [:] }
        guard let data = try? Data(contentsOf: file),
            let values = try? JSONDecoder().decode([String: String].self, from: data)
        else { throw UnlearningError.damagedCheckpoint(file) }
        return values
    }

    // MARK: Parts

    /// Reads the result of a part that an earlier process finished; nil if there is none.
    func finished(_ path: String, _ name: String) -> CheckpointContent? {
        read(partFile(path, name), part: "\(path)-\(name)")
    }

    /// Reads the latest state of a part that an earlier process did not finish; nil if there is none.
    /// - Returns: the state, and how many states of this part were written up to it.
    func progress(_ path: String, _ name: String) -> (content: CheckpointContent, number: Int)? {
        Self.progressSuffixes.compactMap { suffix -> (CheckpointContent, Int)? in
            let file = url("\(path)-\(name)\(suffix)")
            guard let content = read(file, part: "\(path)-\(name)") else { return nil }
            return (content, content.integers[Self.numberKey] ?? 0)
        }.max { $0.1 < $1.1 }
    }

    private static let numberKey = "number"

    private func read(_ file: URL, part: String) -> CheckpointContent? {
        guard FileManager.default.fileExists(atPath: file.path) else { return nil }
        do {
            return try CheckpointFile.read(file, part: part)
        } catch {
            warnOfDamage("\(file.path)")
            return nil
        }
    }

    /// Warns of a part whose file is whole, but does not hold what it should.
    func warnOfDamage(_ path: String, _ name: String) { warnOfDamage(partFile(path, name).path) }

    private func warnOfDamage(_ path: String) { warn("\(path): is damaged, so this part is computed again") }

    /// Counts time that an earlier process has spent on what was restored.
    func restored(seconds: Double) { restoredTime += .seconds(seconds) }

    /// Whether the interval is over. Long writing makes it longer, so that at most a tenth of the time goes into it.
    var isDue: Bool {
        let pause = interval == .zero ? .zero : max(interval, lastSaveTime * 9)
        return ContinuousClock.now - lastSave >= pause
    }

    /// Keeps a part's result in memory, and writes it once that is due.
    func finish(_ path: String, _ name: String, content: @escaping () -> CheckpointContent) throws {
        // What it was made of is of no more use.
        waiting.removeAll { $0.path.hasPrefix(path + ".") }
        waiting.append((path, name, content))
        if isDue { try save() }
    }

    /// The state of a part that goes on.
    struct State {
        let path: String
        let title: String
        /// Counts the states of the part, over all processes.
        let number: Int
        let content: CheckpointContent
    }

    /// Writes the results that wait, then the state of the part that goes on.
    ///
    /// A disk that takes nothing ends no run: there is a warning, and another attempt after the interval.
    func save(_ state: State? = nil) throws {
        let start = ContinuousClock.now
        do {
            while let part = waiting.first {
                try CheckpointFile.write(
                    part.content(), part: "\(part.path)-\(part.name)", to: partFile(part.path, part.name))
                waiting.removeFirst()
                // What it was made of, and its own states, are of no more use.
                for name in names(startingWith: part.path + ".") { try? FileManager.default.removeItem(at: url(name)) }
                for suffix in Self.progressSuffixes {
                    try? FileManager.default.removeItem(at: url("\(part.path)-\(part.name)\(suffix)"))
                }
            }
            if let state {
                var content = state.content
                content.integers[Self.numberKey] = state.number
                let part = "\(state.path)-\(state.title)"
                // The older of the two is replaced, so that one stays good whatever happens.
                try CheckpointFile.write(
                    content, part: part, to: url(part + Self.progressSuffixes[state.number % 2]))
            }
        } catch let error as FileError {
            warn("\(error.description); the run goes on without a new checkpoint")
        }
        lastSave = .now
        lastSaveTime = lastSave - start
    }

    // MARK: Files

    /// Removes a scope's files, whose results are kept elsewhere.
    func remove(scope: String) {
        waiting.removeAll { $0.path.hasPrefix(scope) }
        for name in Self.inOrderOfRemoval(names(startingWith: scope)) {
            try? FileManager.default.removeItem(at: url(name))
        }
    }

    /// Removes everything: the run is done and its result is written.
    func finish() throws {
        waiting = []
        try removeFiles()
    }

    private func removeFiles() throws {
        // A state that a killed program was writing, where no other has been written since.
        AtomicFile.removeAbandoned(in: folder)
        for name in Self.inOrderOfRemoval(names(startingWith: "")) {
            do {
                try FileManager.default.removeItem(at: url(name))
            } catch {
                throw UnlearningError.checkpoint(
                    folder, "cannot be emptied: \(error.localizedDescription); remove it by hand")
            }
        }
    }

    /// The checkpoint's own files: results and states before what says which run they are of, and the description last, since
    /// a process may be killed in between.
    private static func inOrderOfRemoval(_ names: [String]) -> [String] {
        let groups: [(String) -> Bool] = [
            { name in ([partSuffix] + progressSuffixes).contains { name.hasSuffix($0) } },
            { $0.hasSuffix(runSuffix) }, { $0 == valuesName }, { $0 == descriptionName },
        ]
        return groups.flatMap { names.filter($0) }
    }

    private func names(startingWith prefix: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).filter { $0.hasPrefix(prefix) }
    }

    private func partFile(_ path: String, _ name: String) -> URL { url("\(path)-\(name)\(Self.partSuffix)") }

    private func url(_ name: String) -> URL { folder.appendingPathComponent(name) }

    private static func json(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        return try encoder.encode(value) + Data("\n".utf8)
    }
}

/// The lock of a folder, which its process holds until it ends, however it ends.
private final class FolderLock {
    private let descriptor: Int32

    init(_ folder: URL) throws {
        descriptor = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw UnlearningError.checkpoint(
                folder, "cannot be used: \(String(cString: strerror(errno))); give a folder")
        }
        // Not every file system has locks; without them, nothing keeps two processes apart.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
            close(descriptor)
            throw UnlearningError.checkpoint(
                folder, "is in use by another run; wait for it to end, or give another folder")
        }
    }

    deinit { close(descriptor) }
}
