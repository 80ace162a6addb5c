import Foundation
import TestSupport
import Testing

@Suite("Ctrl-C and the terminal", .tags(.commandLine))
struct InterruptionTests {
    let materials: Materials
    let folder: TemporaryFolder

    init() throws {
        materials = try Materials.shared.get()
        folder = try TemporaryFolder()
    }

    @Test("a signal during forget leaves no file", arguments: [(SIGINT, Int32(130)), (SIGTERM, Int32(143))])
    func interrupts(signal: Int32, status: Int32) throws {
        let streams = try TemporaryFolder()
        let run = try Program.Run(
            [
                "forget", materials.model, "--classes", "0,1,2,3,4,5", "--retain", materials.dataset,
                "--preset", "paper-safe", "--output", folder.path("out.safetensors"), "--verbose",
            ], folder: streams.url)
        // The noise is learned; impairing, the longest phase, is going on.
        run.waitForErrors(containing: "noise       ")
        kill(run.process.processIdentifier, signal)
        let ending = run.ending()
        #expect(ending.status == status)
        #expect(ending.errors.hasSuffix("unlearn: interrupted, nothing was written\n"), "\(ending.errors)")
        #expect(!ending.errors.contains("impair      "))
        #expect(ending.output.isEmpty)
        #expect(folder.isEmpty)
    }

    @Test("a signal ends what is no run, such as printing to a pipe that nobody reads")
    func endsPrinting() throws {
        let streams = try TemporaryFolder()
        let pipe = Pipe()
        let descriptor = pipe.fileHandleForWriting.fileDescriptor
        let flags = fcntl(descriptor, F_GETFL)
        _ = fcntl(descriptor, F_SETFL, flags | O_NONBLOCK)
        let block = [UInt8](repeating: 0, count: 4096)
        while write(descriptor, block, block.count) > 0 {}
        _ = fcntl(descriptor, F_SETFL, flags)
        let run = try Program.Run(
            ["evaluate", materials.model, "--dataset", materials.dataset, "--verbose"], folder: streams.url,
            output: pipe.fileHandleForWriting)
        // The last line before the results.
        run.waitForErrors(containing: "peak memory")
        kill(run.process.processIdentifier, SIGTERM)
        let ending = run.ending()
        #expect(ending.status == 143)
        #expect(ending.errors.hasSuffix("unlearn: interrupted\n"), "\(ending.errors)")
    }

    @Test("a file that is there stays as it was after an interruption")
    func keepsOldFile() throws {
        let streams = try TemporaryFolder()
        let output = folder.path("out.safetensors")
        try Data("precious".utf8).write(to: URL(fileURLWithPath: output))
        let run = try Program.Run(
            ["train", "--dataset", materials.dataset, "--epochs", "1000000", "--output", output, "--verbose"]
                + Materials.network,
            folder: streams.url)
        run.waitForErrors(containing: "planned")
        kill(run.process.processIdentifier, SIGINT)
        #expect(run.ending().status == 130)
        #expect(try Data(contentsOf: URL(fileURLWithPath: output)) == Data("precious".utf8))
    }

    @Test("nothing is drawn where there is no terminal")
    func drawsNothing() throws {
        let ending = try Program.run(["evaluate", materials.model, "--dataset", materials.dataset])
        #expect(ending.status == 0)
        #expect(ending.errors.isEmpty)
        #expect(!ending.output.contains("\u{1B}"))
    }

    @Test("--verbose tells the plan on standard error and leaves standard output alone")
    func describesPlan() throws {
        let ending = try Program.run([
            "evaluate", materials.model, "--dataset", materials.dataset, "--verbose", "--json",
        ])
        #expect(try ending.json()["imageCount"] as? Int == 80)
        for part in ["layer1.0.conv1", "kernels", "MiB planned", "peak memory", "evaluation"] {
            #expect(ending.errors.contains(part))
        }
    }

    @Test("a closed pipe ends the program without a word")
    func closedPipe() throws {
        let pipe = Pipe()
        let errors = Pipe()
        let process = Process()
        process.executableURL = try Program.executable()
        process.arguments = ["evaluate", materials.model, "--dataset", materials.dataset]
        process.standardOutput = pipe.fileHandleForWriting
        process.standardError = errors
        try pipe.fileHandleForReading.close()
        try process.run()
        try pipe.fileHandleForWriting.close()
        process.waitUntilExit()
        #expect(process.terminationReason == .exit)
        #expect(process.terminationStatus == 141)
        #expect(errors.fileHandleForReading.readDataToEndOfFile().isEmpty)
    }

    @Test("--version and --help", arguments: ["train", "forget", "evaluate", "compare", "predict", "audit"])
    func helps(command: String) throws {
        #expect(try Program.run(["--version"]).output == "0.1.0\n")
        let help = try Program.run([command, "--help"])
        #expect(help.status == 0)
        #expect(help.errors.isEmpty)
        for part in ["EXAMPLES\n  unlearn \(command) ", "--threads", "--json"] {
            #expect(help.output.contains(part))
        }
        // Only where something is random.
        #expect(help.output.contains("--seed") == !["evaluate", "predict"].contains(command))
    }
}
