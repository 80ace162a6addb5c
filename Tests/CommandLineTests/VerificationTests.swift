import Foundation
import ModelInterchange
import TestSupport
import Testing
import Unlearning
import UnlearningReports

@Suite("Verifying records", .tags(.commandLine))
struct VerificationTests {
    let materials: Materials
    let folder: TemporaryFolder
    /// A record of a pass, and the model that it is of.
    let record: String
    let model: String

    init() throws {
        materials = try Materials.shared.get()
        folder = try TemporaryFolder()
        (record, model) = (folder.path("record.json"), folder.path("masked.safetensors"))
        // The answers are without the class, and nothing else is judged.
        let original = try Model(contentsOf: URL(fileURLWithPath: materials.model))
        let name = try #require(original.graph.parameters.last { $0.key.hasSuffix(".bias") }?.key)
        /// The original with slightly other weights, which never answers with the class.
        func masked(_ seed: Int) throws -> Model {
            var tensors = try original.parameters.mapValues { tensor in
                let elements = tensor.elements.enumerated().map { $1 * (1 + 0.001 * sin(Float($0 * seed))) }
                return try Tensor(elements, shape: tensor.shape)
            }
            tensors[name]?[0] = -1000
            return try original.replacing(tensors)
        }
        let reference = folder.path("reference.safetensors")
        try masked(1).write(to: URL(fileURLWithPath: model))
        try masked(2).write(to: URL(fileURLWithPath: reference))
        let measures = Audit(configuration: .quick).descriptions.map(\.identifier.rawValue)
        let ending = try Program.run(
            [
                "audit", materials.model, model, "--dataset", materials.dataset, "--forgotten", "0", "--quick",
                "--least-samples", "5", "--record", record, "--request-id", "ticket 9", "--retrained", reference,
            ] + measures.flatMap { ["--limit", "\($0)=none"] }
                + ["--limit", "forget-accuracy-test=0", "--limit", "total-variation=0.3"])
        try #require(ending.status == 0, "\(ending.output)\(ending.errors)")
    }

    private typealias Fields = [String: Any]

    /// Changes the record, and verifies it.
    private func verify(_ change: (inout Fields) throws -> Void) throws -> Program.Ending {
        let data = try Data(contentsOf: URL(fileURLWithPath: record))
        var fields = try #require(try JSONSerialization.jsonObject(with: data) as? Fields)
        try change(&fields)
        let changed = folder.path("changed.json")
        try JSONSerialization.data(withJSONObject: fields).write(to: URL(fileURLWithPath: changed))
        return try Program.run(["audit", "--verify", changed, model])
    }

    private func edit(_ fields: inout Fields, _ key: String, _ change: (inout Fields) throws -> Void) throws {
        var inner = try #require(fields[key] as? Fields, "\(key)")
        try change(&inner)
        fields[key] = inner
    }

    @Test("a pass verifies, with a model and without, and tells of loose limits")
    func sound() throws {
        for models in [[model], []] {
            let ending = try Program.run(["audit", "--verify", record] + models)
            #expect(ending.status == 0 && ending.errors.isEmpty, "\(ending.output)")
            #expect(ending.output.contains("of request ticket 9; its verdict is: pass\n"))
            #expect(!ending.output.contains("contradiction"))
            #expect(
                ending.output.contains(
                    "looser than the default: forget-accuracy-training above retrained: no limit, the default is 0.02\n"
                ))
            #expect(
                ending.output.contains(
                    "looser than the default: minimum number of images for a measure: 5, the default is 30\n"))
        }
        let json = try Program.run(["audit", "--verify", record, model, "--json"]).json()
        #expect(json["verified"] as? Bool == true && json["match"] as? String == "unlearned")
        #expect(json["verdict"] as? String == "pass" && json["recomputedVerdict"] as? String == "pass")
        #expect((json["contradictions"] as? [String])?.isEmpty == true)
        #expect((json["looserLimits"] as? [String])?.isEmpty == false)
    }

    @Test("a record whose number, class, digest or verdict was changed does not")
    func changed() throws {
        let accuracy = try verify { record in
            try edit(&record, "audit") { audit in
                var measures = try #require(audit["measures"] as? [Fields])
                try edit(&measures[0], "unlearned") { $0["value"] = 0.99 }
                audit["measures"] = measures
            }
        }
        #expect(accuracy.status == 2 && accuracy.errors.isEmpty)
        #expect(
            accuracy.output.hasPrefix(
                "\(model) is the unlearned model of request ticket 9; its verdict is stated as pass, and its numbers give "
                    + "leak\ncontradiction: forget-accuracy-test"))
        #expect(
            accuracy.output.contains(
                "contradiction: forget-accuracy-test: stated pass, recomputed leak (unlearned 0.99, retrained 0.0, limit 0.0)"
            ))

        let renamed = try verify { $0["classes"] = [["index": 0, "name": "Bag"]] }
        #expect(renamed.status == 2)
        #expect(renamed.output.contains("contradiction: class 0 has two names, 'Bag' and 'T-shirt/top'\n"))
        let everywhere = try verify { record in
            record["classes"] = [["index": 0, "name": "Bag"]]
            let text = try #require(
                String(data: JSONSerialization.data(withJSONObject: record["audit"] ?? [:]), encoding: .utf8))
            record["audit"] = try JSONSerialization.jsonObject(
                with: Data(text.replacingOccurrences(of: "T-shirt\\/top", with: "Bag").utf8))
        }
        #expect(everywhere.status == 2)
        #expect(
            everywhere.output.contains(
                "contradiction: class 0 is 'Bag' in the record, and 'T-shirt/top' in the model's file\n"),
            "\(everywhere.output)")

        let swapped = try verify { record in
            try edit(&record, "models") { ($0["original"], $0["unlearned"]) = ($0["unlearned"], $0["original"]) }
        }
        #expect(swapped.status == 2)
        #expect(swapped.output.contains("is the original of request ticket 9, before forgetting"))
        let failing = try verify { record in
            try edit(&record, "audit") { try edit(&$0, "verdict") { $0["total"] = "leak" } }
        }
        #expect(failing.status == 2)
        #expect(failing.output.contains("contradiction: the verdict: stated leak, recomputed pass\n"))
    }

    @Test("what is no regular file ends at once")
    func pipes() throws {
        let pipe = folder.path("pipe")
        #expect(mkfifo(pipe, 0o600) == 0)
        for arguments in [[record, pipe], [record, "/dev/zero"], [pipe, model], ["/dev/zero"]] {
            let ending = try Program.run(["audit", "--verify"] + arguments)
            #expect(ending.status == 1 && ending.output.isEmpty)
            #expect(ending.errorLines.count == 1 && ending.errors.contains("is not a regular file"), "\(ending.errors)")
        }
    }
}
