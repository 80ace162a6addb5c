import Foundation
import TestSupport
import Testing

/// What a system does not give ends in one line, and not in a hang or a backtrace.
@Suite("Limits of the system", .tags(.commandLine), .deadlockLimit)
struct LimitTests {
    let materials: Materials

    init() throws { materials = try Materials.shared.get() }

    private static func limited(_ limit: String) -> [String] {
        // Debian's sh knows no limit of processes.
        ["/bin/bash", "-c", "ulimit \(limit) && exec \"$0\" \"$@\""]
    }

    private var evaluation: [String] { ["evaluate", materials.model, "--dataset", materials.dataset] }

    private func expectOneLine(_ ending: Program.Ending, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(ending.status == 1, "\(ending.errors)", sourceLocation: sourceLocation)
        #expect(ending.output.isEmpty, sourceLocation: sourceLocation)
        #expect(ending.errorLines.count == 1, "\(ending.errors)", sourceLocation: sourceLocation)
        #expect(ending.errors.hasPrefix("unlearn: error: "), "\(ending.errors)", sourceLocation: sourceLocation)
        #expect(ending.errors.contains("ulimit -"), "\(ending.errors)", sourceLocation: sourceLocation)
    }

    /// Below four, not even the libraries can be loaded.
    @Test("files", arguments: 4...12) func files(_ count: Int) throws {
        expectOneLine(try Program.run(evaluation, under: Self.limited("-n \(count)")))
    }

    @Test("few files are enough") func enoughFiles() throws {
        let ending = try Program.run(evaluation, under: Self.limited("-n 24"))
        #expect(ending.status == 0, "\(ending.errors)")
    }

    /// Where there is too little, something says so; the loader does if it is the first to run out.
    @Test("address space", arguments: (2...20).map { $0 * 50_000 })
    func addressSpace(_ kibibytes: Int) throws {
        let ending = try Program.run(evaluation + ["--threads", "2"], under: Self.limited("-v \(kibibytes)"))
        guard ending.status != 0 else {
            #expect(ending.errors.isEmpty)
            return
        }
        #expect([1, 127].contains(ending.status), "\(ending.errors)")
        #expect(ending.output.isEmpty)
        if ending.status == 1 { expectOneLine(ending) }
    }

    /// Root has no limit of processes.
    private static let asNobody =
        geteuid() == 0 ? ["/usr/bin/setpriv", "--reuid", "65534", "--clear-groups"] : []

    private static var canBeNobody: Bool {
        guard asNobody.isEmpty || FileManager.default.isExecutableFile(atPath: asNobody[0]) else { return false }
        return (try? Program.run(["--version"], under: asNobody))?.status == 0
    }

    @Test("processes", .enabled(if: canBeNobody, "the program cannot be run by a user with a limit"), arguments: 1...5)
    func processes(_ count: Int) throws {
        expectOneLine(
            try Program.run(["inspect", "/nowhere"], under: Self.limited("-u \(count)") + Self.asNobody))
    }
}
