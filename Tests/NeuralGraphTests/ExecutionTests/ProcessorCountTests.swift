import Foundation
import NeuralGraph
import TestSupport
import Testing

@Suite("Processor count", .tags(.execution)) struct ProcessorCountTests {
    @Test(
        "quotas are rounded up",
        arguments: [
            ("200000 100000\n", 2), ("150000 100000", 2), ("1000 100000", 1), ("100000 100000\n", 1),
            ("max 100000\n", nil),
            ("-1 100000", nil), ("0 100000", nil), ("100000 0", nil), ("100000", nil), ("", nil), ("a b", nil),
            ("9223372036854775807 1", Int.max),
        ] as [(String, Int?)])
    func quotasAreRoundedUp(_ text: String, _ expected: Int?) {
        #expect(ControlGroup.processors(text) == expected)
    }

    /// A folder with control groups' files.
    private static func groups(_ files: [String: String]) throws -> URL {
        let root = TemporaryFolder.root.appending(path: "groups-\(UUID())")
        for (path, text) in files {
            let url = root.appending(path: path)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: url)
        }
        return root
    }

    @Test("the least quota of all groups counts") func theLeastQuotaOfAllGroupsCounts() throws {
        let root = try Self.groups([
            "a/cpu.max": "300000 100000\n", "a/b/cpu.max": "max 100000\n", "other/cpu.max": "100000 100000\n",
        ])
        defer { try? FileManager.default.removeItem(at: root) }
        #expect(ControlGroup(root: root.path, membership: "0::/a/b\n").processors == 3)
        #expect(ControlGroup(root: root.path, membership: "0::/other\n").processors == 1)
        #expect(ControlGroup(root: root.path, membership: "0::/\n").processors == nil)
        #expect(ControlGroup(root: root.path, membership: "nonsense\n1:cpu\n\n").processors == nil)
    }

    @Test("the first versions files are read") func theFirstVersionsFilesAreRead() throws {
        let root = try Self.groups([
            "cpu,cpuacct/x/cpu.cfs_quota_us": "250000\n", "cpu,cpuacct/x/cpu.cfs_period_us": "100000\n",
            "cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n",
        ])
        defer { try? FileManager.default.removeItem(at: root) }
        #expect(ControlGroup(root: root.path, membership: "3:cpuset:/x\n4:cpu,cpuacct:/x\n").processors == 3)
        #expect(ControlGroup(root: root.path, membership: "4:cpuacct,cpu:/x\n").processors == nil)
    }

    @Test("The least limit of memory counts, in both versions, and the word max is none")
    func memory() throws {
        let root = try Self.groups([
            "a/memory.max": "8000000000\n", "a/b/memory.max": "max\n", "a/b/c/memory.max": "9000000000\n",
            "memory/x/memory.limit_in_bytes": "9223372036854771712\n", "memory/memory.limit_in_bytes": "5000000000\n",
        ])
        defer { try? FileManager.default.removeItem(at: root) }
        func memory(_ membership: String) -> Int? { ControlGroup(root: root.path, membership: membership).memory }
        #expect(memory("0::/a/b/c\n") == 8_000_000_000)
        #expect(memory("0::/other\n") == nil)
        #expect(memory("4:cpu:/x\n5:memory:/x\n") == 5_000_000_000)
        #expect(memory("5:cpu:/x\n") == nil)
        #expect(MemoryLimit.byteCount <= Int(clamping: ProcessInfo.processInfo.physicalMemory))
        #expect(MemoryLimit.byteCount > 1 << 20)
    }
}
