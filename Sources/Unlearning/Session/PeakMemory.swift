import Foundation

/// The most memory that the process took since a moment, beyond what it held then, where the system says: on Linux. It is
/// the whole process's, so that nothing else may run meanwhile.
struct PeakMemory {
    private static let status = "/proc/self/status"
    private static let reset = "/proc/self/clear_refs"

    /// KiB at the start; nil if the count could not be started anew, since an older peak would be read.
    private let start: Double?

    /// Starts to count.
    init() {
        Self.giveBackFreedMemory()
        guard let file = FileHandle(forWritingAtPath: Self.reset) else {
            start = nil
            return
        }
        let isFresh = (try? file.write(contentsOf: Data("5".utf8))) != nil
        try? file.close()
        start = isFresh ? Self.kibibytes(of: "VmRSS") : nil
    }

    /// MiB at most since the start, beyond those of the start; nil where the system does not say.
    var mebibytes: Double? {
        guard let start, let most = Self.kibibytes(of: "VmHWM") else { return nil }
        return max(0, most - start) / 1024
    }

    /// What was freed before and is kept for later would be taken again without showing. Only GNU's C library has this call,
    /// and its module does not.
    private static func giveBackFreedMemory() {
        guard let address = dlsym(nil, "malloc_trim") else { return }
        _ = unsafeBitCast(address, to: (@convention(c) (Int) -> CInt).self)(0)
    }

    private static func kibibytes(of field: String) -> Double? {
        guard let text = try? String(contentsOfFile: status, encoding: .utf8) else { return nil }
        let line = text.split(separator: "\n").first { $0.hasPrefix("\(field):") }
        return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Double($0) }
    }
}
