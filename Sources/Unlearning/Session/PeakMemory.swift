import Foundation

/// The process's peak memory since a moment, beyond what it held then; Linux only.
///
/// It counts the whole process, so nothing else may run at the same time.
struct PeakMemory {
    private static let status = "/proc/self/status"
    private static let reset = "/proc/self/clear_refs"

    /// KiB at the start; nil if the count could not be reset, since an older peak would be read.
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

    /// Returns freed memory to the system, since reusing it would not show in the peak.
    ///
    /// Only GNU's C library has this call, and its module does not declare it.
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
