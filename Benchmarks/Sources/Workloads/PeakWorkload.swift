import CMeasurement
import Unlearning

/// Multiply-adds in registers on every thread: the most floating-point operations that the machine does, which other
/// workloads are held against.
struct Peak: Workload {
    /// Several a thread and a few milliseconds each, so that a thread that is held up holds nobody up.
    private static let tasksPerThread = 8
    private static let rounds = 400_000
    private let threads: ThreadTeam
    let operations: Double

    init(threads: ThreadTeam) {
        self.threads = threads
        operations = cm_multiply_adds(1) * Double(Self.rounds * Self.tasksPerThread * threads.workers)
    }

    func run() {
        threads.forEach(threads.workers * Self.tasksPerThread) { _, _ in _ = cm_multiply_adds(Self.rounds) }
    }
}
