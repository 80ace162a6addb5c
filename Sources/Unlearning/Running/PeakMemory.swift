import Foundation

/// The most memory that the process had in use since a moment, where the system says: on Linux.
struct PeakMemory {
    private static let status = "/proc/self/status"
    private static let reset = "/proc/self/clear_refs"

    /// Whether the count could be started anew; if not, an older peak would be read.
    private let isFresh: Bool

    /// Starts to count.
    init() {
        guard let file = FileHandle(forWritingAtPath: Self.reset) else {
            isFresh = false
            return
        }
        isFresh = (try? file.write(contentsOf: Data("5".utf8))) != nil
        try? file.close()
    }

    /// MiB at most since the start; nil where the system does not say.
    var mebibytes: Double? {
        guard isFresh, let text = try? String(contentsOfFile: Self.status, encoding: .utf8) else { return nil }
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        let kibibytes = line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Double($0) }
        return kibibytes.map { $0 / 1024 }
    }
}
