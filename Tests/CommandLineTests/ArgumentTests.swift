import Foundation
import TestSupport
import Testing

/// Containers and chroots need not have /proc.
@Suite("The program's arguments", .tags(.commandLine))
struct ArgumentTests {
    /// Runs the rest in name spaces of its own, with an empty folder in place of /proc.
    private static let withoutProc = [
        "/usr/bin/unshare", "--map-root-user", "--mount", "/bin/sh", "-c",
        "mount -t tmpfs none /proc && exec \"$0\" \"$@\"",
    ]

    /// Whether the system lets its users have name spaces.
    private static var canHideProc: Bool {
        guard FileManager.default.isExecutableFile(atPath: withoutProc[0]) else { return false }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: withoutProc[0])
        process.arguments = withoutProc.dropFirst() + ["/bin/sh", "-c", "test ! -e /proc/self"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    @Test("they arrive without /proc", .enabled(if: canHideProc, "the system has no name spaces for users"))
    func arrive() throws {
        let version = try Program.run(["--version"], under: Self.withoutProc)
        #expect(version.status == 0 && version.output == "0.1.0\n", "\(version.output)\(version.errors)")
        let missing = try Program.run(["inspect", "/nowhere/ü"], under: Self.withoutProc)
        #expect(missing.status == 1)
        #expect(missing.errors == "unlearn: error: /nowhere/ü: does not exist; check the path\n")
    }
}
