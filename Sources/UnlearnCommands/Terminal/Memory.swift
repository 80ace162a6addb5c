import Foundation
import NeuralGraph

/// The program's memory, as the system counts it.
enum ProcessMemory {
    /// The peak memory in bytes.
    static var peak: Int {
        var usage = rusage()
        // Linux counts in KiB, Darwin in bytes.
        #if canImport(Darwin)
            getrusage(RUSAGE_SELF, &usage)
            return usage.ru_maxrss
        #else
            getrusage(RUSAGE_SELF.rawValue, &usage)
            return usage.ru_maxrss * 1024
        #endif
    }
}

/// The machine's memory, as far as this program may use it.
struct SystemMemory: Sendable {
    /// The bytes that the machine has.
    let total: Int
    /// The bytes that are free or can be freed at once; nil where the system does not say.
    let available: Int?
    /// The control group's limit in bytes; nil without one.
    let groupLimit: Int?
    /// The address space's limit in bytes, which `ulimit -v` sets; nil without one.
    let addressSpaceLimit = AddressSpace.limit

    /// The bytes that a run can count on.
    var usable: Int { [available ?? total, groupLimit, addressSpaceLimit].compactMap(\.self).min() ?? total }

    /// Asks the system.
    init() {
        total = Int(clamping: ProcessInfo.processInfo.physicalMemory)
        available = Self.text("/proc/meminfo").flatMap(Self.available)
        groupLimit = ControlGroup.current.memory
    }

    /// The bytes available by the text of `/proc/meminfo`.
    static func available(_ text: String) -> Int? {
        let line = text.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
        return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
    }

    private static func text(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }
}
