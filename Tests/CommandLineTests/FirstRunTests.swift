import Foundation
import NeuralGraph
import TestSupport
import Testing

/// What a newcomer meets: a check of the machine, lists, completion, and hints for mistyped names.
@Suite("First run", .tags(.commandLine))
struct FirstRunTests {
    @Test("check tells what is there, and ends with 0")
    func ready() throws {
        let materials = try Materials.shared.get()
        let ending = try Program.run(["check", "--dataset", materials.dataset])
        #expect(ending.status == 0 && ending.errors.isEmpty, "\(ending.errors)")
        for part in [
            "own loops", "OpenBLAS", " kernels", " usable", "libpng 1.", "OpenSSL",
            "240 train, 80 test images of 10 classes",
            "not interactive", "\nReady.\n",
        ] {
            #expect(ending.output.contains(part), "\(part): \(ending.output)")
        }
    }

    @Test("check names what is missing with the remedy, and ends with 1")
    func missing() throws {
        let ending = try Program.run(["check", "--dataset", "fashion-mnist:/nowhere"])
        #expect(ending.status == 1)
        #expect(ending.output.contains("Missing: fashion-mnist:/nowhere: /nowhere: no such folder; run `apt install "))
        #expect(ending.output.hasSuffix("Not ready: 1 missing.\n"))
        #expect(ending.errors.hasPrefix("unlearn: error: fashion-mnist:/nowhere: ") && ending.errorLines.count == 1)
        let json = try Program.run(["check", "--dataset", "fashion-mnist:/nowhere", "--json"]).json()
        #expect(json["ready"] as? Bool == false)
        #expect((json["error"] as? [String: Any])?["exitCode"] as? Int == 1)
    }

    @Test("check reads pictures and damaged files")
    func contents() throws {
        let pictures = try PictureMaterials.shared.get()
        let folder = try Program.run(["check", "--dataset", "folder:\(pictures.pictures)"])
        #expect(folder.status == 0 && folder.output.contains("images of 3 classes"), "\(folder.output)")
        let damaged = try TemporaryFolder()
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: damaged.path("test_batch.bin")))
        let ending = try Program.run(["check", "--dataset", "cifar10:\(damaged.url.path)"])
        #expect(ending.status == 1 && ending.output.contains("Missing: cifar10:"), "\(ending.output)")
    }

    @Test("check warns where kernels or loops are below the processor's")
    func kernels() throws {
        let materials = try Materials.shared.get()
        let best = EngineEnvironment().bestVectorKernels
        guard best != "portable" else { return }
        let ending = try Program.run(
            ["check", "--dataset", materials.dataset],
            under: ["/usr/bin/env", "OPENBLAS_CORETYPE=Prescott", "UNLEARNING_KERNELS=portable"])
        #expect(ending.status == 0)
        #expect(ending.output.contains("Warning: UNLEARNING_KERNELS picks the portable loops"))
        #expect(ending.output.contains("Warning: OPENBLAS_CORETYPE=Prescott picks OpenBLAS's Prescott kernels"))
        // Portable loops are no faster than these kernels, the processor's own are.
        #expect(ending.output.contains("others by OpenBLAS's Prescott kernels"), "\(ending.output)")
        let fast = try Program.run(
            ["check", "--dataset", materials.dataset], under: ["/usr/bin/env", "OPENBLAS_CORETYPE=Prescott"])
        #expect(fast.output.contains("by own loops, since OpenBLAS's Prescott kernels are slower"), "\(fast.output)")
        let json = try Program.run(
            ["check", "--dataset", materials.dataset, "--json"], under: ["/usr/bin/env", "OPENBLAS_CORETYPE=Prescott"]
        ).json()
        #expect((json["openBLAS"] as? [String: Any])?["multiplies"] as? Bool == false)
    }

    @Test("the kernels to ask for follow from the processor's level")
    func betterKernels() {
        #expect(EngineEnvironment.betterMatrixKernels(than: "Prescott", level: "avx512") == "SkylakeX")
        #expect(EngineEnvironment.betterMatrixKernels(than: "Nehalem", level: "avx2") == "Haswell")
        #expect(EngineEnvironment.betterMatrixKernels(than: "Prescott", level: "portable") == nil)
        for kernels in ["Haswell", "Zen", "SkylakeX", "Sapphirerapids", "armv8", "unknown"] {
            #expect(EngineEnvironment.betterMatrixKernels(than: kernels, level: "avx512") == nil)
        }
    }

    @Test(
        "lists have a line for each, with what it is",
        arguments: [
            ("methods", 23, ["scrub", "retain + forget"]), ("measures", 10, ["linear-probe", "share"]),
            ("datasets", 5, ["folder", "PNG"]), ("architectures", 12, ["resnet18", "stem, width"]),
        ])
    func lists(subject: String, least: Int, parts: [String]) throws {
        let ending = try Program.run(["list", subject])
        #expect(ending.status == 0, "\(ending.errors)")
        let lines = ending.output.split(separator: "\n").dropFirst()
        #expect(lines.count >= least)
        let line = try #require(lines.first { $0.hasPrefix(parts[0] + " ") })
        #expect(line.contains(parts[1]), "\(line)")
        // Nothing is without a description.
        let column = try #require(lines.map { $0.split(separator: " ").count }.min())
        #expect(column >= (subject == "architectures" ? 3 : 4))
        #expect(ending.output.split(separator: "\n").allSatisfy { $0.count < 240 })
    }

    @Test("one entry is shown in full, and an unknown one is named")
    func entry() throws {
        let method = try Program.run(["list", "methods", "scrub"])
        #expect(
            method.output.contains("training.epochs") && method.output.contains("examples of what is to be forgotten"))
        let measure = try Program.run(["list", "measures", "linear-probe"])
        #expect(
            measure.output.contains("Alain and Bengio")
                && measure.output.contains("limits            leak if more than 0.0"),
            "\(measure.output)")
        let json = try Program.run(["list", "architectures", "resnet18", "--json"]).json()
        #expect((json["architectures"] as? [[String: Any]])?.count == 1)
        let unknown = try Program.run(["list", "methods", "scrb"])
        #expect(unknown.status == 64)
        #expect(unknown.errors.contains("there is no method 'scrb' (did you mean 'scrub'?)"), "\(unknown.errors)")
    }

    @Test(
        "a mistyped name gets a hint",
        arguments: [
            (["forgte"], 64, "There is no command 'forgte' (did you mean 'forget'?)"),
            (["help", "forgte"], 64, "There is no command 'forgte' (did you mean 'forget'?)"),
            (["list", "metods"], 64, "there is no list 'metods' (did you mean 'methods'?)"),
            (["forget", "m", "--classes", "0", "--retain", "fashion-mnst", "--output", "o"], 64, "'fashion-mnist'?"),
            (
                ["forget", "m", "--classes", "0", "--retain", "foldr:x", "--output", "o"], 64,
                "(did you mean 'folder'?)"
            ),
            (
                ["forget", "m", "--classes", "0", "--retain", "folder:x", "--output", "o", "--method", "srcub"], 64,
                "there is no method 'srcub' (did you mean 'scrub'?)"
            ),
            (
                ["forget", "m", "--classes", "0", "--retain", "folder:x", "--output", "o", "--preset", "thorogh"], 64,
                "there is no preset 'thorogh' (did you mean 'thorough'?)"
            ),
            (
                ["train", "--dataset", "folder:x", "--architecture", "resnet-81", "--epochs", "1", "--output", "o"], 64,
                "(did you mean 'resnet18'?)"
            ),
            (
                ["audit", "a", "b", "--dataset", "folder:x", "--forgotten", "0", "--limit", "linear-prob=1"], 64,
                "there is no measure 'linear-prob' (did you mean 'linear-probe'?)"
            ),
            (["evaluate", "m", "--dataset", "folder:x", "--split", "trian"], 64, "(did you mean 'train'?)"),
            (["evaluate", "m", "--dataset", "folder:x", "--splt", "test"], 64, "Did you mean '--split'?"),
        ] as [([String], Int32, String)])
    func hints(arguments: [String], status: Int32, hint: String) throws {
        let ending = try Program.run(arguments)
        #expect(ending.status == status)
        #expect(ending.errors.contains(hint), "\(ending.errors)")
    }

    @Test("a class's name gets a hint")
    func classHint() throws {
        let materials = try Materials.shared.get()
        let ending = try Program.run([
            "evaluate", materials.model, "--dataset", materials.dataset, "--forgotten", "Sneeker",
        ])
        #expect(ending.status == 1)
        #expect(ending.errors.contains("no class 'Sneeker' (did you mean 'Sneaker'?)"), "\(ending.errors)")
    }

    @Test("distances count insertions, deletions, substitutions and swaps")
    func distances() {
        func distance(_ source: String, _ target: String) -> Int {
            NearestName.distance(from: Array(source), to: Array(target))
        }
        for (source, target, expected) in [
            ("", "", 0), ("", "abc", 3), ("abc", "", 3), ("abc", "abc", 0), ("abc", "acb", 1), ("abc", "ab", 1),
            ("ab", "abc", 1), ("abc", "axc", 1), ("ca", "abc", 3), ("kitten", "sitting", 3), ("scrub", "srcub", 1),
        ] {
            #expect(distance(source, target) == expected, "\(source) \(target)")
            #expect(distance(target, source) == expected, "\(target) \(source)")
        }
        let names = ["scrub", "ssd", "salun", "T-shirt/top"]
        #expect(NearestName.nearest(to: "SCRUBS", in: names) == "scrub")
        #expect(NearestName.nearest(to: "t-shirt/tpo", in: names) == "T-shirt/top")
        #expect(NearestName.nearest(to: "amnesiac", in: names) == nil)
        #expect(NearestName.nearest(to: "s", in: names) == nil)
        #expect(NearestName.hint(for: "ssb", in: names) == " (did you mean 'ssd'?)")
        #expect(NearestName.hint(for: "zzz", in: names) == "")
    }

    @Test("completion scripts for three shells know commands, methods and files", arguments: ["bash", "zsh", "fish"])
    func completion(shell: String) throws {
        let ending = try Program.run(["--generate-completion-script", shell])
        #expect(ending.status == 0 && ending.errors.isEmpty)
        for word in ["compare-methods", "masked-teacher", "efficientnet_lite0", "safetensors", "paper-safe"] {
            #expect(ending.output.contains(word), "\(word)")
        }
        guard FileManager.default.isExecutableFile(atPath: "/bin/\(shell)") else { return }
        let folder = try TemporaryFolder()
        try Data(ending.output.utf8).write(to: URL(fileURLWithPath: folder.path("script")))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/\(shell)")
        process.arguments = ["-n", folder.path("script")]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }

    @Test("help says what the default does, and examples name commands that exist, in lines that fit a terminal")
    func help() throws {
        let program = try Program.run(["--help"])
        #expect(program.status == 0 && program.output.contains("noise"))
        for command in [
            "train", "forget", "evaluate", "audit", "predict", "compare", "compare-methods", "compare-distributions",
            "inspect", "convert", "list", "check", "methods", "tune", "replay",
        ] {
            #expect(program.output.contains("  \(command) "))
            let help = try Program.run([command, "--help"])
            #expect(help.status == 0 && help.output.contains("EXAMPLES"), "\(command)")
            let examples = try #require(
                help.output.components(separatedBy: "EXAMPLES\n").last?.components(separatedBy: "\n\n").first)
            #expect(examples.hasPrefix("  unlearn \(command)"), "\(examples)")
            // A line that is broken loses its indentation, and cannot be copied to a shell.
            #expect(examples.split(separator: "\n").allSatisfy { $0.hasPrefix("  ") }, "\(examples)")
        }
    }
}
