/// Counts an audit's finished work against all of it, in forward passes of one example.
final class AuditProgress: @unchecked Sendable {
    // Unchecked, since it is used on the run's own thread alone, as the context is.

    /// Finished work.
    private(set) var done = 0
    private let context: RunContext
    private let total: Int

    init(context: RunContext, total: Int) {
        self.context = context
        self.total = max(1, total)
    }

    /// Reports finished work, and throws if the run was cancelled.
    func advance(by work: Int) throws {
        try advance(to: done + work)
    }

    /// Reports that so much work in all is finished; never less than before.
    func advance(to work: Int) throws {
        let isOver = done == total
        done = min(total, max(done, work))
        // The end is told once, also where the estimates were short of the work.
        guard !isOver else { return try context.checkCancellation() }
        try context.finished(max(1, done), of: total, in: .audit)
    }
}
