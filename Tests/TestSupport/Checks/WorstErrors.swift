import Foundation
import Synchronization

/// The largest error against its tolerance that each kind of check has met. Set `SHOW_ERRORS=1` to have it printed:
/// a test that passes by a hair should be seen.
package final class WorstErrors: Sendable {
    private let title: String
    private let worst = Mutex<[String: (error: Double, tolerance: Double, place: String)]>([:])

    /// Starts a list.
    package init(_ title: String) {
        self.title = title
    }

    deinit {
        guard ProcessInfo.processInfo.environment["SHOW_ERRORS"] != nil else { return }
        worst.withLock { worst in
            for (kind, entry) in worst.sorted(by: { $0.key < $1.key }) {
                print(
                    "\(title), \(kind): worst error \(String(format: "%.2g", entry.error)) of "
                        + "\(String(format: "%.2g", entry.tolerance)) allowed, at \(entry.place)")
            }
        }
    }

    /// Notes an error and says whether it is within its tolerance. An undefined one is not.
    package func isWithin(_ tolerance: Double, _ error: Double, _ kind: String, at place: String) -> Bool {
        worst.withLock { worst in
            let share = error / tolerance
            if let known = worst[kind], share <= known.error / known.tolerance { return }
            worst[kind] = (error, tolerance, place)
        }
        return error <= tolerance
    }
}
