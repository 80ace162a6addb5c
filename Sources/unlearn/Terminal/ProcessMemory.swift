import Foundation

/// The program's memory, as the system counts it.
enum ProcessMemory {
    /// The most bytes that were in use at one time.
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
