import Foundation
import ImageDatasets
import NeuralGraph

/// A comparison whose trainings, runs and audits several processes do, each a task at a time; see ``SharedTasks``.
///
/// The first process has the folder of finished parts, and tells the others what is in it.
struct SharedComparison: Sendable {
    let comparison: MethodComparison
    let processes: any ProcessGroup
    let classes: Set<Int>
    let images: any ImageDataset
    let test: any ImageDataset
    let folder: URL?
    let progress: MethodComparison.Handler?

    /// A run of a method, or of the original, for one seed.
    private struct Piece {
        /// The position among the seeds.
        let seed: Int
        /// The position among the methods; nil for the original.
        let method: Int?
    }

    /// A seed's networks.
    private struct Networks {
        let untrained: Model
        var original: Model?
        var reference: Model?
    }

    func run(_ untrained: (_ seed: UInt64) throws -> Model) async throws -> ComparedMethods {
        var networks: [Networks] = []
        for seed in comparison.seeds {
            let model = try untrained(seed)
            try model.checkForgettable(classes)
            networks.append(Networks(untrained: model))
        }
        let key = try networks.first.map { try comparison.key($0.untrained, classes, images: images, test: test) } ?? ""
        let store = processes.isFirst ? try folder.map { try ComparisonStore($0, key: key) } : nil
        let settings = try comparison.methods.map { try MethodComparison.json($0) }
        var rows = try kept(in: store, settings: settings)
        // Seeds vary less in time than methods do: a round has one method's.
        let tasks = ([nil] + comparison.methods.indices.map(Int?.some)).flatMap { method in
            comparison.seeds.indices.filter { rows[$0][method.map { $0 + 1 } ?? 0] == nil }
                .map { Piece(seed: $0, method: method) }
        }
        try await train(&networks, seeds: Set(tasks.map(\.seed)).sorted(), store)
        let models = networks
        _ = try await SharedTasks(tasks.count, on: processes).run(
            comparison.options, encode: { [UInt8](try JSONEncoder().encode($0)) },
            decode: { try JSONDecoder().decode(ComparedRun.self, from: Data($0)) }
        ) { number, options in
            let task = tasks[number]
            return try await run(task, settings: settings, models[task.seed], options)
        } finished: { number, row in
            let task = tasks[number]
            rows[task.seed][task.method.map { $0 + 1 } ?? 0] = row
            try seeded(task.seed, comparison.options, store).keep(row)
        }
        return ComparedMethods(classes: classes, runs: rows.flatMap { $0.compactMap(\.self) })
    }

    /// The finished rows by seed, the original's first.
    private func kept(in store: ComparisonStore?, settings: [String]) throws -> [[ComparedRun?]] {
        let own = comparison.seeds.map { seed in
            [store?.run(ComparedRun.original, settings: "{}", seed: seed)]
                + zip(comparison.methods, settings).map { store?.run($0.name, settings: $1, seed: seed) }
        }
        let bytes = processes.broadcast([UInt8](try JSONEncoder().encode(own)))
        return try JSONDecoder().decode([[ComparedRun?]].self, from: Data(bytes))
    }

    /// Trains original and reference for the seeds that still have work.
    private func train(_ networks: inout [Networks], seeds: [Int], _ store: ComparisonStore?) async throws {
        let names = [ComparedRun.original, SeededComparison.referenceName]
        var missing: [(seed: Int, name: String)] = []
        func take(_ model: Model, _ seed: Int, _ name: String) {
            if name == ComparedRun.original {
                networks[seed].original = model
            } else {
                networks[seed].reference = model
            }
        }
        for seed in seeds {
            for name in names {
                let like = networks[seed].untrained
                let found = store?.model(name, seed: comparison.seeds[seed], like: like)
                if let model = try found.shared(in: processes, like: like) {
                    take(model, seed, name)
                } else {
                    missing.append((seed, name))
                }
            }
        }
        let (wanted, untrained) = (missing, networks.map(\.untrained))
        // A model's bytes come back with the seed that says which network it is.
        let trained = try await SharedTasks(wanted.count, on: processes).run(
            comparison.options, encode: { try $0.fileContent() },
            decode: { try Model(fileContent: $0, like: untrained[0]) }
        ) { number, options in
            let (seed, name) = wanted[number]
            return try await seeded(seed, options, nil).trained(
                untrained[seed], name, without: name == ComparedRun.original ? [] : classes)
        } finished: { number, model in
            let (seed, name) = wanted[number]
            try store?.keep(model, name, seed: comparison.seeds[seed])
        }
        for (task, model) in zip(wanted, trained) {
            var model = model
            let (rate, training) = (model.metadata.learningRate, model.metadata.training)
            model.metadata = untrained[task.seed].metadata
            (model.metadata.learningRate, model.metadata.training) = (rate, training)
            take(model, task.seed, task.name)
        }
    }

    private func run(
        _ task: Piece, settings: [String], _ networks: Networks, _ options: RunOptions
    ) async throws -> ComparedRun {
        guard let model = networks.original, let reference = networks.reference else {
            throw ComparisonError.nothingToCompare("network")
        }
        let seeded = seeded(task.seed, options, nil)
        guard let method = task.method else {
            return try await seeded.measuredOriginal(nil, model: model, reference: reference)
        }
        return try await seeded.run(
            comparison.methods[method], settings: settings[method], model: model, reference: reference)
    }

    private func seeded(_ seed: Int, _ options: RunOptions, _ store: ComparisonStore?) -> SeededComparison {
        var comparison = comparison
        comparison.options = options
        return SeededComparison(
            comparison: comparison, seed: comparison.seeds[seed], classes: classes, images: images, test: test,
            store: store, progress: progress)
    }
}
