package import Foundation

/// The identity of a file or folder, the same by every path and link that leads to it.
package struct FileIdentity: Hashable, Sendable {
    private let device: UInt64
    private let node: UInt64

    /// The identity that the system's answer about a file gives.
    package init(_ status: stat) {
        device = UInt64(truncatingIfNeeded: status.st_dev)
        node = UInt64(truncatingIfNeeded: status.st_ino)
    }

    /// The identity of what a path leads to; nil if there is nothing, or it cannot be looked at.
    package init?(_ url: URL) {
        var status = stat()
        guard unsafe stat(url.path, &status) == 0 else { return nil }
        self.init(status)
    }
}
