import Foundation
import TestSupport
import Testing

@Suite("Methods on the command line", .tags(.commandLine))
struct MethodsCommandTests {
    let materials: Materials
    let folder: TemporaryFolder

    init() throws {
        materials = try Materials.shared.get()
        folder = try TemporaryFolder()
    }

    private func compare(_ extra: [String]) -> [String] {
        ["compare", "--dataset", materials.dataset, "--classes", "0,1,2,3"] + Materials.training + extra
    }

    @Test("forget takes a method by name", arguments: ["scrub", "last-row", "retrain", "eu-k"])
    func forgets(method: String) throws {
        let output = folder.path("out.safetensors")
        let ending = try Program.run([
            "forget", materials.model, "--classes", "0,1", "--retain", materials.dataset, "--validation",
            materials.dataset, "--method", method, "--output", output, "--keep-ruined", "--json",
        ])
        #expect(ending.status == 0, "\(ending.errors)")
        let report = try ending.json()
        #expect(report["method"] as? String == method && report["preset"] == nil)
        #expect(FileManager.default.fileExists(atPath: output))
        let seconds = try #require(report["phaseSeconds"] as? [String: Double])
        #expect(!seconds.isEmpty && seconds["noise"] == nil)
    }

    @Test("forget does not write a model whose retained classes are in ruins, unless it is told to")
    func ruined() throws {
        // One short epoch from new weights on a few images, which a twentieth of the others' are watched on.
        let output = folder.path("out.safetensors")
        let arguments = [
            "forget", materials.model, "--classes", "0,1", "--retain", materials.dataset, "--method", "eu-k",
            "--output",
            output,
        ]
        let refused = try Program.run(arguments + ["--json"])
        #expect(refused.status == 2, "\(refused.errors)")
        let report = try refused.json()
        #expect(report["ruined"] as? Bool == true && report["output"] == nil)
        #expect((report["notes"] as? [String])?.isEmpty == false)
        #expect(!FileManager.default.fileExists(atPath: output))
        let text = try Program.run(arguments)
        #expect(text.status == 2 && text.output.contains("Wrote nothing: the retained classes are in ruins."))
        let kept = try Program.run(arguments + ["--keep-ruined"])
        #expect(kept.status == 0 && kept.output.contains("Warning: the retained classes are in ruins."))
        #expect(FileManager.default.fileExists(atPath: output))
    }

    @Test("a preset that leaves ruins of a few images writes nothing either", arguments: [true, false])
    func ruinedByPreset(validated: Bool) throws {
        let output = folder.path("out.safetensors")
        let arguments = [
            "forget", materials.model, "--classes", "4", "--retain", materials.dataset, "--preset", "paper-safe",
            "--samples-per-class", "10", "--seed", "7", "--output", output,
        ]
        let refused = try Program.run(arguments + (validated ? ["--validation", materials.dataset] : []) + ["--json"])
        #expect(refused.status == 2, "\(refused.errors)")
        #expect(try refused.json()["ruined"] as? Bool == true)
        #expect(!FileManager.default.fileExists(atPath: output))
    }

    @Test("dampening is refused where it can select nothing")
    func impossible() throws {
        let ending = try Program.run([
            "forget", materials.model, "--classes", "0,1", "--retain", materials.dataset, "--method", "ssd", "--output",
            folder.path("out.safetensors"),
        ])
        #expect(ending.status == 1 && ending.errors.contains("so no weight can matter"), "\(ending.errors)")
    }

    @Test("compare has a row for each method, a page, and finds its work again", .tags(.slow), .slow)
    func compares() throws {
        let arguments = compare([
            "--methods", "last-row,fine-tune,retrain", "--seeds", "2", "--report", folder.url.path,
        ])
        let first = try Program.run(arguments + ["--json"])
        #expect(first.status == 0, "\(first.errors)")
        let report = try first.json()
        #expect(report["seeds"] as? [Int] == [1, 2])
        let rows = try #require(report["rows"] as? [[String: Any]])
        #expect(rows.map { $0["method"] as? String } == ["original", "last-row", "fine-tune", "retrain"])
        #expect(
            rows.map { $0["requirements"] as? [String] } == [
                [], [], ["retain-data"], ["all-retain-data", "original-training"],
            ])
        for row in rows {
            let figures = try #require(row["figures"] as? [String: [String: Double]])
            for name in [
                "forgetAccuracy", "retainAccuracy", "retainGap", "totalVariation", "probeGap", "relearnRatio",
                "membershipGap",
            ] {
                #expect(figures[name]?["mean"] != nil && figures[name]?["count"] == 2, "\(name)")
            }
        }
        let page = try String(contentsOf: folder.url.appendingPathComponent("comparison.html"), encoding: .utf8)
        for part in [
            "<h1>Unlearning methods compared: ", "Methods run unguarded", "fine-tune", "Total variation", "</html>",
        ] {
            #expect(page.contains(part))
        }
        // The second time nothing is computed: the same numbers, times included.
        let again = try Program.run(arguments + ["--json"])
        #expect(again.output == first.output)
        let text = try Program.run(arguments).output
        #expect(text.contains("probe gap") && text.contains("all retain") && text.contains("±"))
        #expect(text.contains("Methods run unguarded") && report["guarded"] as? Bool == false)
    }

    @Test("memory is each method's own, whatever ran before it", .tags(.slow), .slow)
    func memory() throws {
        for methods in ["last-row,fine-tune", "fine-tune,last-row"] {
            let ending = try Program.run(compare(["--methods", methods, "--json"]))
            #expect(ending.status == 0, "\(ending.errors)")
            let runs = try #require(try ending.json()["runs"] as? [[String: Any]])
            let edit = try #require(runs.first { $0["method"] as? String == "last-row" })
            let figures = try #require(edit["figures"] as? [String: Double])
            // It changes a row of the last layer, and holds no batch. Missing where the system does not say.
            if let memory = figures["peakMemory"] { #expect(memory < 10, "\(methods)") }
        }
    }

    @Test("an interrupted comparison continues where it stopped", .tags(.slow), .slow)
    func interrupted() throws {
        let whole = try TemporaryFolder()
        let arguments = compare(["--methods", "last-row,scrub,salun"])
        let streams = try TemporaryFolder()
        let run = try Program.Run(arguments + ["--report", folder.url.path, "--verbose"], folder: streams.url)
        run.waitForErrors(containing: "scrub")
        kill(run.process.processIdentifier, SIGINT)
        let ending = run.ending()
        #expect(ending.status == 130)
        #expect(
            ending.errors.hasSuffix("unlearn: interrupted, the same command continues from here\n"), "\(ending.errors)")
        let kept = folder.url.appendingPathComponent("comparison/seed-1-last-row.json")
        let before = try Data(contentsOf: kept)
        let finished = try Program.run(arguments + ["--report", folder.url.path, "--json"]).json()
        #expect(try Data(contentsOf: kept) == before)
        let uninterrupted = try Program.run(arguments + ["--report", whole.url.path, "--json"]).json()
        func accuracies(_ report: [String: Any]) -> [Double?] {
            (report["runs"] as? [[String: Any]] ?? []).map { ($0["figures"] as? [String: Double])?["retainAccuracy"] }
        }
        #expect(accuracies(finished).count == 4 && accuracies(finished) == accuracies(uninterrupted))
    }

    @Test(
        "what does not go together is refused",
        arguments: [
            (
                ["--methods", "scrub,amnesia"],
                "there is no method 'amnesia' (did you mean 'amnesiac'?); the methods are: default"
            ),
            (["--methods", "scrub,scrub"], "method 'scrub' is named twice"),
            (["--methods", "scrub", "--preset", "paper"], "--methods and --preset exclude each other"),
            (["--methods", "scrub", "--save", "."], "--save keeps three models"),
            (["--seeds", "3"], "--seeds is for --methods"),
            (["--methods", "scrub", "--seeds", "0"], "'--seeds': use an integer from 1 to 100"),
        ])
    func refuses(extra: [String], message: String) throws {
        let ending = try Program.run(compare(extra))
        #expect(ending.status == 64)
        #expect(ending.errors.contains(message), "\(ending.errors)")
    }

    @Test("a folder with another comparison is left alone", .tags(.slow), .slow)
    func otherComparison() throws {
        let arguments = compare(["--methods", "fine-tune", "--report", folder.url.path])
        #expect(try Program.run(arguments).status == 0)
        let other = try Program.run(arguments + ["--samples-per-class", "5"])
        #expect(other.status == 1)
        #expect(other.errors.contains("has a comparison of other settings"))
    }

    @Test("forget refuses a method beside a preset, and epochs without retraining")
    func refusesForget() throws {
        let base = [
            "forget", materials.model, "--classes", "0", "--retain", materials.dataset, "--output", folder.path("o"),
        ]
        for (extra, message) in [
            (["--method", "scrub", "--preset", "paper"], "--method and --preset exclude each other"),
            (["--method", "scrub", "--epochs", "2"], "--epochs is for --method retrain"),
        ] {
            let ending = try Program.run(base + extra)
            #expect(ending.status == 64 && ending.errors.contains(message), "\(ending.errors)")
        }
        let unknown = try Program.run(base + ["--method", "amnesia"])
        #expect(unknown.status == 64 && unknown.errors.contains("there is no method 'amnesia'"))
    }
}
