/// Counts an audit's finished work against all of it, in forward passes of one example.
final class AuditProgress: @unchecked Sendable {
    // Unchecked, since it is used on the run's own thread alone, as the context is.

    private let context: RunContext
    private let total: Int
    private var done = 0

    init(context: RunContext, total: Int) {
        self.context = context
        self.total = max(1, total)
    }

    /// Reports finished work, and throws if the run was cancelled.
    func advance(by work: Int) throws {
        done = min(total, done + max(0, work))
        try context.finished(max(1, done), of: total, in: .audit)
    }
}
