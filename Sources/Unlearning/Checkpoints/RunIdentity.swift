import Foundation
import NeuralGraph

/// Everything that a run's result depends on, by which a checkpoint of another run is recognized.
struct RunIdentity: Codable, Equatable {
    struct Field: Codable, Equatable {
        let name: String
        let value: String
    }

    /// What is done, such as `forget`.
    let kind: String
    let fields: [Field]

    /// Describes a run.
    /// - Parameter fields: names that continue a sentence after "the", with values in a few words.
    init(_ kind: String, options: RunOptions, _ fields: [(name: String, value: String)]) {
        self.kind = kind
        let all =
            [
                ("seed", "\(options.seed)"), ("choice of algorithms", "\(options.algorithms)"),
                ("precision", "\(options.precision)"),
            ]
            // Not the number of processes, which results do not depend on.
            + (options.sharding.map { [("shard size", "\($0.size)")] } ?? [])
            + ComputingEnvironment.current.fields(options.precision) + fields
        self.fields = all.map { Field(name: $0.0, value: $0.1) }
    }

    /// The first field in which a kept identity differs; nil if it is the same run.
    func difference(to kept: RunIdentity) -> (name: String, found: String, expected: String)? {
        if kept.kind != kind { return ("work", kept.kind, kind) }
        for field in fields {
            let other = kept.fields.first { $0.name == field.name }?.value ?? "not given"
            if other != field.value { return (field.name, other, field.value) }
        }
        if let field = kept.fields.first(where: { field in !fields.contains { $0.name == field.name } }) {
            return (field.name, field.value, "not given")
        }
        return nil
    }
}

extension UnlearningError {
    static func checkpoint(_ folder: URL, _ message: String) -> Self {
        Self(.unusableCheckpoint, "\(folder.path): \(message)")
    }

    static func damagedCheckpoint(_ file: URL) -> Self {
        Self(
            .unusableCheckpoint,
            "\(file.path): is damaged, so that nothing tells which run the checkpoint is of; remove the folder and start "
                + "again")
    }

    static func otherRun(_ folder: URL, name: String, found: String, expected: String) -> Self {
        func short(_ text: String) -> String { text.count > 300 ? text.prefix(300) + "..." : text }
        return checkpoint(
            folder,
            "has the checkpoint of another run, which differs in the \(name): \(short(found)) then, \(short(expected)) now; "
                + "give the same as when it was begun, or another folder")
    }
}
