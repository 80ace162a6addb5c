#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The limits of the Linux control groups that a program belongs to (versions 1 and 2), the least of its own and all around them.
package struct ControlGroup: Sendable {
    /// This program's. Its limits are read once.
    package static let current = ControlGroup(
        root: "/sys/fs/cgroup", membership: text("/proc/self/cgroup") ?? "0::/")

    /// The quota of processor time, as a number of processors; nil without one.
    package let processors: Int?
    /// The limit of memory in bytes; nil without one.
    package let memory: Int?

    /// Reads the limits.
    /// - Parameters:
    ///   - root: where control groups are mounted.
    ///   - membership: lines of `/proc/self/cgroup`: `0::/PATH` for version 2, `NUMBER:CONTROLLERS:/PATH` for version 1.
    package init(root: String, membership: String) {
        processors = Self.least(
            of: "cpu", root: root, membership: membership,
            second: { Self.text("\($0)/cpu.max").flatMap { Self.processors($0) } },
            first: {
                guard let quota = Self.text("\($0)/cpu.cfs_quota_us"),
                    let period = Self.text("\($0)/cpu.cfs_period_us")
                else { return nil }
                return Self.processors("\(quota) \(period)")
            })
        memory = Self.least(
            of: "memory", root: root, membership: membership,
            second: { Self.text("\($0)/memory.max").flatMap { Self.bytes($0) } },
            first: { Self.text("\($0)/memory.limit_in_bytes").flatMap { Self.bytes($0) } })
    }

    /// The least limit that a controller sets.
    /// - Parameters:
    ///   - second: reads a folder of version 2.
    ///   - first: reads a folder of version 1.
    private static func least(
        of controller: String, root: String, membership: String, second: (String) -> Int?, first: (String) -> Int?
    ) -> Int? {
        var least: Int?
        for line in membership.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let isSecond = parts[1].isEmpty
            guard isSecond || parts[1].split(separator: ",").contains(Substring(controller)) else { continue }
            var path = parts[2]
            while true {
                let found =
                    isSecond
                    ? second("\(root)\(path)")
                    : first("\(root)/\(parts[1])\(path)") ?? first("\(root)/\(controller)\(path)")
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

    /// A limit of memory; nil for the word `max` and for version 1's number beyond every machine's memory.
    private static func bytes(_ text: String) -> Int? {
        guard let bytes = Int(text.split { $0 == "\n" || $0 == " " }.first ?? ""), bytes > 0, bytes < 1 << 50 else {
            return nil
        }
        return bytes
    }

    /// The beginning of a small file.
    private static func text(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
            let count = read(descriptor, buffer.baseAddress, buffer.count)
            return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
        }
    }
}

/// The memory that this program may use at most.
package enum MemoryLimit {
    /// The machine's memory in bytes, or the control group's limit where that is less, as in a container.
    package static let byteCount: Int = {
        let pages = Int(sysconf(Int32(_SC_PHYS_PAGES)))
        let machine = pages > 0 ? pages * max(1, Int(sysconf(Int32(_SC_PAGESIZE)))) : Int.max
        return min(machine, ControlGroup.current.memory ?? machine)
    }()
}
