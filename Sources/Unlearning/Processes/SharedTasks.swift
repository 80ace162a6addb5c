import Foundation
import ModelFiles
import NeuralGraph

extension RunOptions {
    /// The options of a task that one process does on its own, with the same bits as if all did it together.
    var alone: RunOptions {
        var options = self
        (options.shardSize, options.processes) = (sharding?.size, nil)
        return options
    }

    /// The processes, if there are several.
    var severalProcesses: (any ProcessGroup)? { processes.flatMap { $0.count > 1 ? $0 : nil } }
}

/// Tasks that do not depend on each other, done by several processes in rounds of one task each.
///
/// Every process has every result in the end. A last round with tasks for half of the processes or fewer is done by all of
/// them together, one task after the other.
struct SharedTasks {
    /// One round's tasks.
    let rounds: [Range<Int>]
    private let processes: any ProcessGroup

    init(_ count: Int, on processes: any ProcessGroup) {
        self.processes = processes
        rounds = stride(from: 0, to: count, by: processes.count).map { $0..<min($0 + processes.count, count) }
    }

    /// Whether all processes do a round's tasks together.
    func isTogether(_ round: Range<Int>) -> Bool { 2 * round.count <= processes.count }

    /// This process's task of a round; nil for none.
    func own(_ round: Range<Int>) -> Int? {
        let task = round.lowerBound + processes.rank
        return round.contains(task) ? task : nil
    }

    /// Exchanges a round's results.
    /// - Parameter own: the encoded result of this process's task; nil for none.
    func exchange<Value>(_ own: [UInt8]?, _ round: Range<Int>, decode: ([UInt8]) throws -> Value) throws -> [Value] {
        try processes.gather(own ?? []).prefix(round.count).map(decode)
    }

    /// Does all tasks.
    /// - Parameters:
    ///   - options: the run's; each task gets those that it is done with.
    ///   - encode: a result as bytes for the other processes.
    ///   - decode: a result from bytes.
    ///   - body: does a task.
    ///   - finished: called for each task in order when its round is over.
    func run<Value>(
        _ options: RunOptions, encode: (Value) throws -> [UInt8], decode: ([UInt8]) throws -> Value,
        _ body: (Int, RunOptions) async throws -> Value, finished: (Int, Value) throws -> Void = { _, _ in }
    ) async throws -> [Value] {
        var results: [Value] = []
        for round in rounds {
            var values: [Value] = []
            if isTogether(round) {
                for task in round { values.append(try await body(task, options)) }
            } else {
                var bytes: [UInt8]?
                if let task = own(round) { bytes = try encode(try await body(task, options.alone)) }
                values = try exchange(bytes, round, decode: decode)
            }
            for (task, value) in zip(round, values) { try finished(task, value) }
            results += values
        }
        return results
    }
}

extension Model {
    /// The model as a safetensors file, for another process.
    func fileContent() throws -> [UInt8] {
        let folder = try ScratchFolder()
        let file = folder.url.appendingPathComponent("model.safetensors")
        try writeSafetensors(to: file)
        return try withExtendedLifetime(folder) { [UInt8](try Data(contentsOf: file)) }
    }

    /// Reads what another process sent.
    /// - Parameter model: gives graph and metadata; how the model was trained comes with the file.
    init(fileContent bytes: [UInt8], like model: Model) throws {
        let folder = try ScratchFolder()
        let file = folder.url.appendingPathComponent("model.safetensors")
        try AtomicFile.write(Data(bytes), to: file)
        self = try withExtendedLifetime(folder) { try Model(safetensors: file, like: model) }
    }
}

extension Model? {
    /// The first process's model on all of them; nil if it has none.
    /// - Parameter model: gives graph and metadata.
    package func shared(in processes: (any ProcessGroup)?, like model: Model) throws -> Model? {
        guard let processes, processes.count > 1 else { return self }
        let bytes = processes.broadcast(try self?.fileContent() ?? [])
        return bytes.isEmpty ? nil : try Model(fileContent: bytes, like: model)
    }
}
