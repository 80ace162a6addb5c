import Foundation
import TestSupport
import Testing

/// `unlearn ledger` is a program of its own, which `unlearn` becomes.
@Suite("The program of the ledger", .tags(.commandLine, .ledger))
struct LedgerProgramTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    /// Runs a copy of `unlearn` that stands alone in a folder.
    /// - Parameters:
    ///   - path: the value of `PATH`.
    ///   - tail: shell words that are added to the arguments.
    private func runAlone(_ arguments: [String], path: String = "/nowhere", tail: String = "") throws -> Program.Ending
    {
        let copy = folder.url.appendingPathComponent("unlearn")
        if !FileManager.default.fileExists(atPath: copy.path) {
            try FileManager.default.copyItem(at: try Program.executable(), to: copy)
        }
        let wrapper = ["/usr/bin/env", "PATH=\(path)", "/bin/sh", "-c", "exec '\(copy.path)' \"$@\" \(tail)"]
        return try Program.run(arguments, under: wrapper)
    }

    private func write(_ script: String, to path: String) throws {
        let file = folder.url.appendingPathComponent(path)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(script.utf8).write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
    }

    @Test("its help, its usage errors and its completion are those of 'unlearn ledger'")
    func help() throws {
        #expect(try Program.run(["--help"]).output.contains("  ledger "))
        for (arguments, usage) in [([String](), "<subcommand>"), (["run"], "[<options>] <folder>")] {
            let help = try Program.run(["ledger"] + arguments + ["--help"]).output
            #expect(
                help.contains("USAGE: unlearn \((["ledger"] + arguments).joined(separator: " ")) \(usage)"), "\(help)")
            let examples = try #require(
                help.components(separatedBy: "EXAMPLES\n").last?.components(separatedBy: "\n\n").first)
            #expect(examples.split(separator: "\n").allSatisfy { $0.hasPrefix("  ") }, "\(examples)")
        }
        #expect(try Program.run(["help", "ledger", "add"]).output.contains("USAGE: unlearn ledger add <folder>"))
        let wrong = try Program.run(["ledger", "add", "x", "--due", "soon"])
        #expect(wrong.status == 64 && wrong.errors.contains("unlearn ledger add --help"), "\(wrong.errors)")
        let completion = try Program.run(["--generate-completion-script", "bash"])
        #expect(completion.status == 0)
        #expect(completion.output.contains("--rename-forgotten") && completion.output.contains("--reference"))
    }

    @Test("where it is missing, one line says how to build it, and every other command works")
    func missing() throws {
        for arguments in [["ledger", "run", "x", "--retain", "y", "--json"], ["ledger", "status", "x", "--json"]] {
            let ending = try runAlone(arguments)
            #expect(ending.status == 1 && ending.errorLines.count == 1, "\(ending.errors)")
            #expect(ending.errors.contains("--product unlearn-ledger"))
            let error = try #require(try ending.json()["error"] as? [String: Any])
            #expect(error["exitCode"] as? Int == 1)
        }
        let help = try runAlone(["ledger", "--help"])
        #expect(help.status == 0 && help.output.contains("--product unlearn-ledger"))
        #expect(try runAlone(["--version"]).status == 0)
        #expect(try runAlone(["--generate-completion-script", "zsh"]).output.contains("--rename-forgotten"))
        #expect(try !runAlone(["--generate-completion-script", "zsh"]).output.contains("--reference"))
    }

    @Test("arguments go to it byte by byte, and its exit code comes back")
    func handsOver() throws {
        let script = "#!/bin/sh\nfor word; do printf '%s' \"$word\" | od -An -tx1 | tr -d ' \\n'; echo; done; exit 7\n"
        try write(script, to: "folder/unlearn-ledger")
        let path = "/nowhere:\(folder.path("folder")):/usr/bin:/bin"
        let ending = try runAlone(["ledger", "add", "", "two words"], path: path, tail: "\"$(printf 'a\\377')\"")
        #expect(ending.status == 7, "\(ending.errors)")
        #expect(ending.output == "6c6564676572\n616464\n\n74776f20776f726473\n61ff\n")
        // Beside the program it goes before one of PATH.
        try write("#!/bin/sh\nexit 8\n", to: "unlearn-ledger")
        #expect(try runAlone(["ledger"], path: path).status == 8)
        #expect(try runAlone(["list", "methods"], path: path).status == 0)
    }

    @Test("a link of its name to 'unlearn' itself does not run forever")
    func loop() throws {
        _ = try runAlone(["--version"])
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("unlearn-ledger"), withDestinationPath: folder.path("unlearn"))
        let ending = try runAlone(["ledger", "status", "x"], path: folder.url.path)
        #expect(ending.status == 1 && ending.errors.contains("--product unlearn-ledger"))
    }
}
