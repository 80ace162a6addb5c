package import Foundation
import Synchronization

/// Whether this program writes files.
///
/// Of several processes that compute the same, the first alone does. The others' files go nowhere, except those in their own
/// ``ScratchFolder``s, which are read again.
package enum FileWriting {
    private static let isOff = Atomic<Bool>(false)
    private static let scratchFolders = Mutex<Set<String>>([])

    /// Leaves all files to another process from now on.
    package static func turnOff() { isOff.store(true, ordering: .relaxed) }

    /// Whether a file is left to another process.
    package static func leavesOut(_ url: URL) -> Bool {
        guard isOff.load(ordering: .relaxed) else { return false }
        let path = url.standardizedFileURL.path
        return !scratchFolders.withLock { $0.contains { path.hasPrefix($0 + "/") } }
    }

    static func add(scratchFolder url: URL) {
        _ = scratchFolders.withLock { $0.insert(url.standardizedFileURL.path) }
    }

    static func remove(scratchFolder url: URL) {
        _ = scratchFolders.withLock { $0.remove(url.standardizedFileURL.path) }
    }
}
