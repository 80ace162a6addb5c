import NeuralGraph

/// The shadow models of an attack, which several processes share in rounds.
///
/// A round is done when the first of its results is asked for; what a checkpoint has is not asked for.
final class ShadowWork {
    private let tasks: SharedTasks
    private let body: (Int, RunContext) throws -> CheckpointContent
    private var results: [Int: CheckpointContent] = [:]

    init(
        _ count: Int, on processes: any ProcessGroup, _ body: @escaping (Int, RunContext) throws -> CheckpointContent
    ) {
        tasks = SharedTasks(count, on: processes)
        self.body = body
    }

    /// What a shadow model answers. All processes ask for the same ones in the same order.
    func result(of number: Int, _ context: RunContext) throws -> CheckpointContent {
        if let result = results.removeValue(forKey: number) { return result }
        guard context.processes.count > 1, let round = tasks.rounds.first(where: { $0.contains(number) }),
            !tasks.isTogether(round)
        else { return try body(number, context) }
        let own = try tasks.own(round).map { try body($0, context.alone()).bytes }
        let answers = try tasks.exchange(own, round) { bytes in
            guard let content = CheckpointContent(bytes: bytes) else {
                throw CheckpointContent.Mismatch(name: "shadow model")
            }
            return content
        }
        for (task, answer) in zip(round, answers) { results[task] = answer }
        return try results.removeValue(forKey: number) ?? body(number, context)
    }
}
