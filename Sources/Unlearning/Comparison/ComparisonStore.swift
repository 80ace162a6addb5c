import Foundation
import ModelInterchange
import NeuralGraph

/// A folder in which a comparison keeps what is done, so that one that was interrupted goes on. Every file is whole or not
/// there.
struct ComparisonStore: Sendable {
    let folder: URL

    /// Opens a folder, or makes it.
    /// - Parameter key: what the results depend on, as text; a folder with other results is refused.
    /// - Throws: ``ComparisonError`` if the folder has another comparison, or cannot be used.
    init(_ folder: URL, key: String) throws {
        self.folder = folder
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw ComparisonError.unusableFolder(path: folder.path, message: error.localizedDescription)
        }
        let file = folder.appendingPathComponent("comparison.json")
        if FileManager.default.fileExists(atPath: file.path) {
            let found = try? String(contentsOf: file, encoding: .utf8)
            guard found == key else { throw ComparisonError.otherComparison(path: folder.path) }
        } else {
            try AtomicFile.write(Data(key.utf8), to: file)
        }
    }

    /// A finished run with these settings, if there is one. A file that is damaged, or of other settings, counts as none.
    func run(_ method: String, settings: String, seed: UInt64) -> ComparedRun? {
        guard let data = try? Data(contentsOf: file(method, seed, "json")),
            let run = try? JSONDecoder().decode(ComparedRun.self, from: data),
            run.settings == settings, run.seed == seed, run.method == method
        else { return nil }
        return run
    }

    func keep(_ run: ComparedRun) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        try AtomicFile.write(encoder.encode(run), to: file(run.method, run.seed, "json"))
    }

    /// A model that was trained before, if it is there and whole.
    func model(_ name: String, seed: UInt64, like model: Model) -> Model? {
        guard let read = try? Model(contentsOf: file(name, seed, "safetensors"), graph: model.graph) else { return nil }
        var stored = read
        stored.metadata = model.metadata
        stored.metadata.learningRate = read.metadata.learningRate
        return stored
    }

    func keep(_ model: Model, _ name: String, seed: UInt64) throws {
        try model.write(to: file(name, seed, "safetensors"))
    }

    private func file(_ name: String, _ seed: UInt64, _ kind: String) -> URL {
        folder.appendingPathComponent("seed-\(seed)-\(name).\(kind)")
    }
}

/// What keeps a comparison from starting.
public enum ComparisonError: Error, Equatable, CustomStringConvertible, LocalizedError {
    /// The folder has results of other settings.
    case otherComparison(path: String)
    /// The folder cannot be made or read.
    case unusableFolder(path: String, message: String)
    /// No method or no seed was given.
    case nothingToCompare(String)

    /// The message as Foundation asks for it.
    public var errorDescription: String? { description }

    /// What is wrong and how to help it, in one line.
    public var description: String {
        switch self {
        case .otherComparison(let path):
            "\(path) has a comparison of other settings, classes or data; give another folder, or the same settings"
        case .unusableFolder(let path, let message):
            "\(path): cannot be used: \(message); give a folder that can be written"
        case .nothingToCompare(let what):
            "there is no \(what) to compare; give at least one"
        }
    }
}
