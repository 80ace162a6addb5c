import Foundation
import ModelFiles
public import NeuralGraph

/// A folder with the finished parts of a comparison, from which an interrupted one resumes. Files are written
/// atomically.
struct ComparisonStore: Sendable {
    /// The version of the files' structure; it rises when a field changes its meaning or goes away.
    static let schemaVersion = 1

    let folder: URL

    private struct Version: Codable {
        let schemaVersion: Int?
    }

    private struct StoredRun: Codable {
        let schemaVersion: Int
        let run: ComparedRun
    }

    /// Opens a folder, or creates it.
    /// - Parameter key: everything that the results depend on, as JSON; a folder of another key is refused.
    /// - Throws: ``ComparisonError`` if the folder has another comparison, or cannot be used.
    init(_ folder: URL, key: String) throws {
        self.folder = folder
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw ComparisonError.unusableFolder(path: folder.path, reason: error.localizedDescription)
        }
        let file = folder.appendingPathComponent("comparison.json")
        if FileManager.default.fileExists(atPath: file.path) {
            let found = try? Data(contentsOf: file)
            let version = found.flatMap { try? JSONDecoder().decode(Version.self, from: $0) }?.schemaVersion
            guard version == Self.schemaVersion else { throw ComparisonError.otherVersion(path: folder.path) }
            guard found == Data(key.utf8) else { throw ComparisonError.otherComparison(path: folder.path) }
        } else {
            try AtomicFile.write(Data(key.utf8), to: file)
        }
    }

    /// Reads a finished run; nil if there is none with these settings, or its file is damaged.
    func run(_ method: String, settings: String, seed: UInt64) -> ComparedRun? {
        guard let data = try? Data(contentsOf: file(method, seed, "json")),
            let stored = try? JSONDecoder().decode(StoredRun.self, from: data),
            stored.schemaVersion == Self.schemaVersion
        else { return nil }
        let run = stored.run
        guard run.settings == settings, run.seed == seed, run.method == method else { return nil }
        return run
    }

    func keep(_ run: ComparedRun) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        let stored = StoredRun(schemaVersion: Self.schemaVersion, run: run)
        try AtomicFile.write(encoder.encode(stored), to: file(run.method, run.seed, "json"))
    }

    /// Reads a trained model; nil if there is none, or its file is damaged.
    func model(_ name: String, seed: UInt64, like model: Model) -> Model? {
        try? Model(safetensors: file(name, seed, "safetensors"), like: model)
    }

    func keep(_ model: Model, _ name: String, seed: UInt64) throws {
        try model.writeSafetensors(to: file(name, seed, "safetensors"))
    }

    private func file(_ name: String, _ seed: UInt64, _ kind: String) -> URL {
        folder.appendingPathComponent("seed-\(seed)-\(name).\(kind)")
    }
}

/// An error that keeps a comparison from starting.
public struct ComparisonError: Error, Equatable {
    /// A kind of error. More kinds may be added.
    public struct Code: Sendable, Hashable {
        let name: String

        /// The folder holds another comparison.
        public static let otherComparison = Code(name: "other comparison")
        /// The folder cannot be created or read.
        public static let unusableFolder = Code(name: "unusable folder")
        /// No method or no seed was given.
        public static let nothingToCompare = Code(name: "nothing to compare")
    }

    /// The kind of error.
    public let code: Code
    /// The error in one line: the thing, the value and the remedy.
    public let message: String

    package static func otherComparison(path: String) -> ComparisonError {
        ComparisonError(
            code: .otherComparison,
            message:
                "\(path) has a comparison of other settings, classes or data; give another folder, or the same settings"
        )
    }

    static func otherVersion(path: String) -> ComparisonError {
        ComparisonError(
            code: .otherComparison,
            message:
                "\(path) has a comparison that another version of this package wrote, or a damaged one; give another "
                + "folder")
    }

    static func unusableFolder(path: String, reason: String) -> ComparisonError {
        ComparisonError(
            code: .unusableFolder, message: "\(path): cannot be used: \(reason); give a folder that can be written")
    }

    package static func nothingToCompare(_ what: String) -> ComparisonError {
        ComparisonError(code: .nothingToCompare, message: "there is no \(what) to compare; give at least one")
    }
}

extension ComparisonError: DescribedError {
    /// The message.
    public var description: String { message }
}
