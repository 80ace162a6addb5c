/// The size of an audit, before anything is measured.
struct AuditPlan: Sendable {
    let configuration: AuditConfiguration
    let modelCount: Int
    let testCount: Int
    let trainingCount: Int
}

/// Reports an audit's finished work as a part of all its work, in forward passes of one example.
final class AuditProgress: @unchecked Sendable {
    // Unchecked, since only the run's own thread uses it, like the context.

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

    /// Reports the total of finished work, which never falls.
    func advance(to work: Int) throws {
        let isOver = done == total
        done = min(total, max(done, work))
        // The end is reported once, even where the estimates fell short of the work.
        guard !isOver else { return try context.checkCancellation() }
        try context.finished(max(1, done), of: total, in: .audit)
    }
}
