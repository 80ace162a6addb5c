import CNeuralKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    public import Musl
#else
    public import Darwin
#endif

extension ThreadTeam {
    /// The number of processors that this program may use.
    ///
    /// It counts the online processors within the affinity mask and the control group's quota (cgroups 1 and 2).
    public static var processorCount: Int {
        var count = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        #if os(Linux)
            let allowed = Int(cnk_affinity_count())
            if allowed > 0 { count = min(count, allowed) }
            if let quota = ProcessorQuota.current { count = min(count, quota) }
        #endif
        return count
    }
}

/// A Linux control group's quota of processor time, as a number of processors.
package enum ProcessorQuota {
    /// The quota of this program; nil if it has none. Read once.
    static let current = read(root: "/sys/fs/cgroup", membership: text("/proc/self/cgroup") ?? "0::/")

    /// The least of the quotas of a program's control groups and of those around them.
    /// - Parameters:
    ///   - root: where control groups are mounted.
    ///   - membership: lines of `/proc/self/cgroup`: `0::/PATH` for version 2, `NUMBER:CONTROLLERS:/PATH` for version 1.
    package static func read(root: String, membership: String) -> Int? {
        var least: Int?
        for line in membership.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let isSecond = parts[1].isEmpty
            guard isSecond || parts[1].split(separator: ",").contains("cpu") else { continue }
            var path = parts[2]
            while true {
                let found =
                    isSecond
                    ? text("\(root)\(path)/cpu.max").flatMap { processors($0) }
                    : firstVersion("\(root)/\(parts[1])\(path)") ?? firstVersion("\(root)/cpu\(path)")
                if let found { least = min(least ?? found, found) }
                // Inside a container the path may be the host's, and only the root be there.
                guard let slash = path.lastIndex(of: "/") else { break }
                path = path[..<slash]
            }
        }
        return least
    }

    /// A quota and its period, both in microseconds, as a number of processors, rounded up; nil if there is no limit.
    package static func processors(_ quotaAndPeriod: String) -> Int? {
        let parts = quotaAndPeriod.split { $0 == " " || $0 == "\n" }
        guard parts.count == 2, let quota = Int(parts[0]), let period = Int(parts[1]), quota > 0, period > 0 else {
            return nil
        }
        return (quota - 1) / period + 1
    }

    private static func firstVersion(_ folder: String) -> Int? {
        guard let quota = text("\(folder)/cpu.cfs_quota_us"), let period = text("\(folder)/cpu.cfs_period_us") else {
            return nil
        }
        return processors("\(quota) \(period)")
    }

    /// The beginning of a small file.
    private static func text(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
            let count = systemRead(descriptor, buffer)
            return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
        }
    }
}

/// `read(2)`, whose name the type takes for its own.
private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
    read(descriptor, buffer.baseAddress, buffer.count)
}
