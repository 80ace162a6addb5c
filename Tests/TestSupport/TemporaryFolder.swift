package import Foundation

/// A folder for one test's files, gone with the object.
///
/// The folders of a process are in one of its own, which goes with the process: some objects live as long as it does.
package final class TemporaryFolder: Sendable {
    package let url: URL

    package init() throws {
        url = Self.root.appendingPathComponent(UUID().uuidString, isDirectory: true)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }

    /// A file in the folder.
    package func file(_ name: String) -> URL { url.appendingPathComponent(name) }

    /// The path of a file in the folder.
    package func path(_ name: String) -> String { file(name).path }

    /// The names in the folder, hidden ones among them.
    package var content: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: url.path).sorted() }
    }

    /// Whether the folder has nothing in it, hidden files included.
    package var isEmpty: Bool { (try? content)?.isEmpty ?? false }

    private static let prefix = "unlearning-tests-"

    /// The folder of this process, and of the programs that it starts.
    package static let root: URL = {
        let base = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
        removeAbandoned(in: base)
        let folder = base.appendingPathComponent("\(prefix)\(getpid())", isDirectory: true)
        try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        atexit { try? FileManager.default.removeItem(at: TemporaryFolder.root) }
        return folder
    }()

    /// Removes what tests left behind that crashed or were killed.
    private static func removeAbandoned(in base: URL) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: base.path)) ?? [] {
            guard name.hasPrefix(prefix), let process = pid_t(name.dropFirst(prefix.count)), process > 0,
                kill(process, 0) != 0, errno == ESRCH
            else { continue }
            try? FileManager.default.removeItem(at: base.appendingPathComponent(name))
        }
    }
}

/// Replaces a file without waiting for the disk: truncating an old file makes ext4 write it out, and tests make
/// thousands.
package func overwrite(_ url: URL, with bytes: [UInt8]) throws {
    unlink(url.path)
    let file = fopen(url.path, "wb")
    guard let file else { throw CocoaError(.fileWriteUnknown) }
    defer { fclose(file) }
    guard fwrite(bytes, 1, bytes.count, file) == bytes.count else { throw CocoaError(.fileWriteUnknown) }
}
