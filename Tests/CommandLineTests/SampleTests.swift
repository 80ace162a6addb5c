import Foundation
import ModelInterchange
import TestSupport
import Testing
import Unlearning
import UnlearningReports

@Suite("Samples on the command line", .tags(.commandLine))
struct SampleTests {
    let materials: Materials
    let folder: TemporaryFolder

    init() throws {
        materials = try Materials.shared.get()
        folder = try TemporaryFolder()
    }

    private func write(_ lines: String, _ name: String = "samples.txt") throws -> String {
        try Data(lines.utf8).write(to: folder.url.appendingPathComponent(name))
        return folder.path(name)
    }

    private func forget(_ samples: String, _ extra: [String]) throws -> Program.Ending {
        try Program.run(
            [
                "forget", materials.model, "--samples", samples, "--retain", materials.dataset, "--output",
                folder.path("out.safetensors"),
            ] + extra)
    }

    @Test("forget takes positions, keeps them out of the retain data, and records them")
    func positions() throws {
        let samples = try write("# whose\n7\n\n 21 \n3\n")
        let ending = try forget(
            samples,
            [
                "--method", "scrub", "--validation", materials.dataset, "--report", folder.url.path, "--json",
                // SCRUB's published settings may ruin a network this small.
                "--keep-ruined",
            ])
        #expect([0, 2, 3].contains(ending.status), "\(ending.errors)")
        let report = try ending.json()
        #expect(report["forgottenSamples"] as? Int == 3 && report["forgottenClasses"] as? [Int] == [])
        #expect(report["samplesAccuracy"] is Double && report["samplesAccuracyBefore"] is Double)
        let metadata = try Model(contentsOf: folder.url.appendingPathComponent("out.safetensors")).metadata
        #expect(metadata.forgottenClasses == [] && metadata.requests.map(\.samples) == [3])
        let record = try #require(
            try JSONSerialization.jsonObject(
                with: Data(contentsOf: folder.url.appendingPathComponent("record.json"))) as? [String: Any])
        let listed = try #require(record["samples"] as? [String: Any])
        // Positions and classes, in rising order: labels are the last digits.
        #expect(listed["sha256"] as? String == "\(SHA256Digest(of: Data("3 3\n7 7\n21 1\n".utf8)))")
        let retained = try #require((record["forgetting"] as? [String: Any])?["retained"] as? [String: Any])
        #expect(retained["count"] as? Int == 237)
        let duplicates = try #require(record["duplicates"] as? [String: Any])
        #expect((duplicates["counts"] as? [String: Int]) == ["forget": 3, "retain": 237, "test": 80])
        let audited = try Program.run([
            "audit", materials.model, folder.path("out.safetensors"), "--dataset", materials.dataset, "--samples",
            samples,
            "--quick", "--json",
        ])
        #expect([0, 2, 3].contains(audited.status), "\(audited.errors)")
        #expect(((try audited.json()["audit"]) as? [String: Any])?["forgottenSamples"] as? Int == 3)
    }

    @Test("compare forgets samples and retrains without them")
    func compare() throws {
        let ending = try Program.run(
            [
                "compare", "--dataset", materials.dataset, "--samples", try write("0\n10\n"), "--method", "scrub",
                "--epochs",
                "1", "--report", folder.url.path, "--json",
            ] + Materials.network)
        #expect([0, 2, 3].contains(ending.status), "\(ending.errors)")
        let report = try ending.json()
        #expect(report["forgottenSamples"] as? Int == 2 && report["method"] as? String == "scrub")
        let steps = (report["rows"] as? [[String: Any]])?.compactMap { $0["steps"] as? Int }
        #expect(steps?.count == 3)
    }

    @Test("a folder's pictures are named by their paths, from the folder or from here")
    func paths() throws {
        let pictures = try PictureMaterials.shared.get()
        let list = try write("train/red/1.png\n\(pictures.pictures)/train/blue/2.png\n0\n")
        let ending = try Program.run([
            "forget", pictures.model, "--samples", list, "--retain", "folder:\(pictures.pictures)", "--method", "scrub",
            "--output", folder.path("out.safetensors"), "--keep-ruined", "--json",
        ])
        #expect(ending.status == 0, "\(ending.errors)")
        #expect(try ending.json()["forgottenSamples"] as? Int == 3)
        let wrong = try Program.run([
            "forget", pictures.model, "--samples", try write("0\ntrain/red/99.png"), "--retain",
            "folder:\(pictures.pictures)", "--method", "scrub", "--output", folder.path("other.safetensors"),
        ])
        #expect(wrong.status == 1 && wrong.errors.contains("samples.txt, line 2: 'train/red/99.png' is no picture of"))
    }

    @Test(
        "a list that is wrong is named with its line",
        arguments: [
            ("3\n240\n", "samples.txt, line 2: Fashion-MNIST (train) has no image 240; its images are 0 to 239"),
            ("-1", "has no image -1"), ("3\n4\n3", "line 3: names the same image as line 1"),
            ("one", "line 1: 'one' is no position"), ("# nothing\n", "names no sample"), ("", "names no sample"),
            ("99999999999999999999", "is no position"),
        ])
    func wrongLists(text: String, message: String) throws {
        let ending = try forget(write(text), ["--method", "scrub"])
        #expect(ending.status == 1)
        #expect(ending.errors.contains(message), "\(ending.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder.path("out.safetensors")))
    }

    @Test("what does not go with samples is wrong usage")
    func usage() throws {
        let list = try write("1")
        for (options, message) in [
            ([], "method 'default' forgets whole classes alone; give one of these by --method: fine-tune, "),
            (["--method", "unsir"], "method 'unsir' forgets whole classes alone"),
            (["--method", "scrub", "--classes", "1"], "--classes and --samples exclude each other"),
            (["--method", "scrub", "--drop-outputs"], "--drop-outputs is for classes"),
            (["--method", "scrub", "--rename-forgotten", "gone"], "--rename-forgotten is for classes"),
        ] {
            let ending = try forget(list, options)
            #expect(ending.status == 64 && ending.errors.contains(message), "\(ending.errors)")
        }
        let audit = ["audit", "a", "b", "--dataset", materials.dataset]
        #expect(try Program.run(audit).errors.contains("or the forgotten samples by --samples"))
        #expect(try Program.run(audit + ["--samples", list, "--forgotten", "1"]).status == 64)
        let missing = try forget(folder.path("none.txt"), ["--method", "scrub"])
        #expect(missing.status == 1 && missing.errors.contains("none.txt"))
    }
}
