import Foundation
import TestSupport
import Testing
import Unlearning
import UnlearningReports

@Suite("Records checked against themselves", .tags(.reports))
struct RecordCheckTests {
    /// A record of a real audit, of networks of one layer that tell three classes by four numbers.
    private static let audited = Task { () async throws -> Data in
        func model(_ seed: UInt64, forgetting: Bool) throws -> Model {
            var tensors: [String: Tensor] = [:]
            var random = SeededRandom(seed: seed, stream: "weights")
            let weights = (0..<12).map { ($0 % 4 == $0 / 4 ? 1.5 : -0.5) + Float(0.05 * random.normal()) }
            tensors["head.weight"] = try Tensor(weights, shape: [3, 4])
            tensors["head.bias"] = try Tensor([0, 0, forgetting ? -14 : 0], shape: [3])
            return try SampleAudit.model(seed: seed).replacing(tensors)
        }
        func examples(_ count: Int, seed: UInt64) throws -> TensorExamples {
            var random = SeededRandom(seed: seed, stream: "examples")
            let labels = (0..<count).map { $0 % 3 }
            let inputs = labels.flatMap { label in (0..<4).map { Float(($0 == label ? 2 : 0) + random.normal()) } }
            return try TensorExamples(Tensor(inputs, shape: [count, 4]), labels: labels)
        }
        let models = [
            try model(1, forgetting: false), try model(2, forgetting: true), try model(3, forgetting: true),
            try model(4, forgetting: true),
        ]
        var configuration = AuditConfiguration(
            relearning: RelearningConfiguration(learningRate: 0.1, stepLimit: 400, stepsBetweenMeasurements: 1))
        configuration.adjacentClasses = 1
        let result = try await Audit(configuration: configuration).run(
            original: models[0], unlearned: models[1], retrained: Array(models[2...]), forgotten: [2],
            data: AuditData(test: examples(120, seed: 1), training: examples(150, seed: 2)))
        let files = try models.map { try AuditRecord.ModelFile($0) }
        return try AuditRecord(
            result, models: .init(original: files[0], unlearned: files[1], retrained: Array(files[2...]))
        ).json()
    }

    private typealias Fields = [String: Any]

    /// The record after a change, checked.
    private func check(_ change: (inout Fields) throws -> Void) async throws -> RecordCheck {
        var json = try #require(
            try JSONSerialization.jsonObject(with: try await Self.audited.value) as? Fields)
        try change(&json)
        return try AuditRecord(JSONSerialization.data(withJSONObject: json), path: "record.json").check()
    }

    /// The record after a change of one measure.
    private func check(_ name: String, _ change: (inout Fields) throws -> Void) async throws -> RecordCheck {
        try await check { record in
            try edit(&record, "audit") { audit in
                var measures = try #require(audit["measures"] as? [Fields])
                let position = try #require(
                    measures.firstIndex { ($0["measure"] as? Fields)?["identifier"] as? String == name })
                try change(&measures[position])
                audit["measures"] = measures
            }
        }
    }

    private func edit(_ fields: inout Fields, _ key: String, _ change: (inout Fields) throws -> Void) throws {
        var inner = try #require(fields[key] as? Fields, "\(key)")
        try change(&inner)
        fields[key] = inner
    }

    @Test("a record as it was written contradicts nothing, and gives the verdict that it states")
    func sound() async throws {
        let record = try AuditRecord(try await Self.audited.value, path: "record.json")
        let check = record.check()
        #expect(check.contradictions.isEmpty, "\(check.contradictions)")
        #expect(check.looserLimits.isEmpty)
        #expect(check.verdict == record.audit.verdict.total && check.verdict == .pass, "\(record.audit.explanation)")
        #expect(record.schemaVersion == 4 && record.audit.schemaVersion == 4)
        #expect(record.audit[.anamnesisIndex]?.isOmitted == false && record.audit[.totalVariation]?.verdict == .pass)
    }

    static let judged = [
        "forget-accuracy-test", "forget-accuracy-training", "retain-accuracy-test", "adjacent-accuracy",
        "remote-accuracy", "total-variation", "membership-entropy", "membership-confidence", "membership-loss",
        "anamnesis-index",
    ]

    @Test("a value that was changed is found, of whichever model", arguments: judged)
    func values(name: String) async throws {
        for amount in [0.01, -0.01, 0.25] {
            for key in ["unlearned", "gap"] {
                let check = try await check(name) { measure in
                    try edit(&measure, key) { $0["value"] = try #require($0["value"] as? Double) + amount }
                }
                #expect(check.contradictions.contains { $0.hasPrefix(name) }, "\(key) \(amount)")
            }
            let mean = try await check(name) { measure in
                try edit(&measure, "retrained") { $0["mean"] = try #require($0["mean"] as? Double) + amount }
            }
            #expect(mean.contradictions.contains { $0.hasPrefix(name) }, "mean \(amount)")
        }
        for (key, field) in [
            ("unlearned", "value"), ("original", "value"), ("retrained", "mean"), ("retrained", "lowest"),
            ("gap", "value"),
        ] {
            for number in ["nan", "inf", "-inf"] {
                let undefined = try await check(name) { try edit(&$0, key) { $0[field] = number } }
                #expect(!undefined.contradictions.isEmpty, "\(key) \(field) \(number)")
            }
        }
    }

    @Test("a limit or verdict that was changed is found", arguments: judged)
    func limits(name: String) async throws {
        let wide = try await check(name) { measure in
            var limits = try #require(measure["limits"] as? [Fields])
            for position in limits.indices { limits[position]["limit"] = 1 }
            measure["limits"] = limits
        }
        #expect(wide.contradictions == ["\(name): it was judged by other limits than those in the record's settings"])
        let settings = try await check { record in
            try edit(&record, "audit") { audit in
                try edit(&audit, "configuration") { configuration in
                    try edit(&configuration, "thresholds") { thresholds in
                        try edit(&thresholds, "limits") { limits in
                            var list = try #require(limits[name] as? [Fields])
                            for position in list.indices {
                                list[position]["limit"] = 100
                            }
                            limits[name] = list
                        }
                    }
                }
            }
        }
        #expect(
            !settings.looserLimits.isEmpty && settings.looserLimits.allSatisfy { $0.hasPrefix(name) },
            "\(settings.looserLimits)")
        #expect(settings.contradictions.contains { $0.hasPrefix("\(name): it was judged by other limits") })
        // Beyond it only the verdict may change, where such a limit does not even find the original.
        #expect(
            settings.contradictions.allSatisfy { $0.hasPrefix(name) || $0.hasPrefix("the verdict: ") },
            "\(settings.contradictions)")
        for verdict in ["leak", "over-forgotten", "notJudged"] {
            let check = try await check(name) { $0["verdict"] = verdict }
            #expect(
                check.contradictions.contains { $0.hasPrefix("\(name): stated ") && $0.contains("recomputed pass") })
            #expect(check.verdict == .pass)
        }
    }

    @Test("a failing record that is made to say pass fails still")
    func disguised() async throws {
        func failing(_ measure: inout Fields) throws {
            // Consistent with itself: value and gap, and no interval that could tell.
            for key in ["unlearned", "gap"] {
                try edit(&measure, key) { value in
                    value["value"] = try #require(value["value"] as? Double) + 0.5
                    value["interval"] = nil
                }
            }
        }
        let check = try await check("total-variation", failing)
        // The true class has no more probability than retrained models give it.
        #expect(check.verdict == .overForgotten)
        #expect(check.contradictions.contains("the verdict: stated pass, recomputed over-forgotten"))
        #expect(
            check.contradictions.contains {
                $0.hasPrefix("total-variation: stated pass, recomputed over-forgotten (unlearned ")
            })
        let left = try await self.check("total-variation") { measure in
            try failing(&measure)
            measure["omission"] = "there was no time"
        }
        #expect(left.contradictions.contains("total-variation was left out, but has values"))
        let gone = try await self.check { record in
            try edit(&record, "audit") { audit in
                let measures = try #require(audit["measures"] as? [Fields])
                audit["measures"] = measures.filter {
                    ($0["measure"] as? Fields)?["identifier"] as? String != "total-variation"
                }
            }
        }
        #expect(gone.contradictions.contains("total-variation has limits, but was neither measured nor left out"))
    }

    @Test("evidence that is missing shows, whatever the record says")
    func evidence() async throws {
        let check = try await check { record in
            try edit(&record, "audit") { audit in
                var measures = try #require(audit["measures"] as? [Fields])
                for position in measures.indices {
                    let name = (measures[position]["measure"] as? Fields)?["identifier"] as? String ?? ""
                    guard name.hasPrefix("forget-accuracy") else { continue }
                    measures[position] = [
                        "measure": measures[position]["measure"] ?? "", "rows": [Fields](), "verdict": "notJudged",
                        "omission": "10 are too few",
                    ]
                }
                audit["measures"] = measures
            }
        }
        #expect(check.verdict == .incomplete)
        #expect(
            check.contradictions.contains { $0.hasPrefix("the verdict: stated pass, recomputed incomplete; forget") })
    }

    @Test("classes, models and counts that do not fit together")
    func identity() async throws {
        func contradiction(_ text: String, _ change: (inout Fields) throws -> Void) async throws {
            let found = try await check(change).contradictions
            #expect(found.contains { $0.contains(text) }, "\(found)")
        }
        try await contradiction("class 2 has two names, 'boots' and '2'") { record in
            record["classes"] = [["index": 2, "name": "boots"]]
        }
        try await contradiction("the classes to forget are [1], but the audited ones are [2]") { record in
            record["classes"] = [["index": 1, "name": "1"]]
        }
        try await contradiction("class 9223372036854775807 was to be forgotten") { record in
            record["classes"] = [["index": Int.max, "name": "x"]]
        }
        try await contradiction("class-accuracy has a row '2', which is not a class") { record in
            try edit(&record, "audit") { $0["classNames"] = ["0", "1", "boots"] }
        }
        try await contradiction("forget-accuracy-test of the unlearned model is 0.0, but its classes are between") {
            record in
            try edit(&record, "audit") { $0["forgottenClasses"] = [1] }
            record["classes"] = [["index": 1, "name": "1"]]
        }
        try await contradiction("the original and the unlearned model have the same digest") { record in
            try edit(&record, "models") { $0["original"] = $0["unlearned"] }
        }
        try await contradiction("retrained model 1 and the unlearned model have the same digest") { record in
            try edit(&record, "models") { models in
                var retrained = try #require(models["retrained"] as? [Any])
                retrained[0] = try #require(models["unlearned"])
                models["retrained"] = retrained
            }
        }
        try await contradiction("2 retrained models were compared with, but 1 are listed") { record in
            try edit(&record, "models") { $0["retrained"] = Array(try #require($0["retrained"] as? [Any]).prefix(1)) }
        }
        for samples in [7, 29, Int.max, -3] {
            try await contradiction("forget-accuracy-test") { record in
                try edit(&record, "audit") { audit in
                    try edit(&audit, "samples") { $0["forgottenTest"] = samples }
                }
            }
        }
        try await contradiction("forget-accuracy-test appears twice") { record in
            try edit(&record, "audit") { audit in
                let measures = try #require(audit["measures"] as? [Fields])
                audit["measures"] = measures + [measures[0]]
            }
        }
        try await contradiction("does not match the measures") { record in
            try edit(&record, "audit") { try edit(&$0, "verdict") { $0["passed"] = [String]() } }
        }
    }

    @Test("a model's file has the record's classes, or it shows")
    func classNames() async throws {
        let record = try SampleAudit.record()
        var metadata = ModelMetadata()
        #expect(record.contradictions(in: metadata).isEmpty, "the file names none")
        metadata.classNames = SampleAudit.classNames
        #expect(record.contradictions(in: metadata).isEmpty)
        metadata.classNames[1] = "fox"
        #expect(
            record.contradictions(in: metadata) == ["class 1 is 'dog' in the record, and 'fox' in the model's file"])
        metadata.classNames = ["cat"]
        #expect(record.contradictions(in: metadata) == ["the record has 3 classes, and the model's file names 1"])
    }
}

@Suite("Records of other versions", .tags(.reports))
struct OtherVersionTests {
    private func data(_ name: String) throws -> Data {
        try Data(
            contentsOf: URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .appending(path: "Fixtures/Records/\(name).json"))
    }

    @Test("records of version 1 are read, and give the verdicts that they state")
    func version1() throws {
        let audit = try AuditRecord(try data("audit-version-1"), path: "record")
        #expect(audit.schemaVersion == 1 && audit.audit.retrainedModels == 2)
        #expect(audit.check().contradictions.isEmpty, "\(audit.check().contradictions)")
        #expect(
            audit.check().verdict == .pass && audit.audit.verdict.formerWord == "partial"
                && audit.audit.verdict.missingEvidence.isEmpty)
        let forgotten = try AuditRecord(try data("forget-version-1"), path: "record")
        #expect(forgotten.forgetting?.configuration == .paperSafe && forgotten.requestID == "ticket 12")
        #expect(forgotten.check().contradictions.isEmpty, "\(forgotten.check().contradictions)")
        #expect(forgotten.check().verdict == .leak)
    }

    @Test("the former name of a setting that loosens a verdict is read")
    func formerNames() throws {
        let text = String(decoding: try data("audit-version-1"), as: UTF8.self)
        #expect(text.contains("\"leastSamples\":30"))
        let loose = text.replacing("\"leastSamples\":30", with: "\"leastSamples\":5")
        let record = try AuditRecord(Data(loose.utf8), path: "record")
        #expect(record.audit.configuration.minimumSamples == 5)
        #expect(
            record.check().looserLimits.contains("minimum number of images for a measure: 5, the default is 30"))
    }

    @Test("a setting that is not there has its default, and one that nobody knows is passed over")
    func settings() throws {
        let record = try #require(
            try JSONSerialization.jsonObject(with: data("forget-version-1")) as? [String: Any])
        // What is in these is an enumeration's case with its values, and no settings.
        let enumerations: Set<String> = ["optimizer", "clipping", "schedule", "target", "limits"]
        /// The fields with each of the settings left out in turn, and with one more.
        func variants(_ fields: [String: Any]) -> [[String: Any]] {
            var found = [fields.merging(["unheardOf": ["a": 1]]) { first, _ in first }]
            for (key, inner) in fields {
                var copy = fields
                copy[key] = nil
                found.append(copy)
                guard !enumerations.contains(key), let inner = inner as? [String: Any] else { continue }
                for variant in variants(inner) {
                    copy[key] = variant
                    found.append(copy)
                }
            }
            return found
        }
        var count = 0
        for part in ["forgetting", "audit"] {
            var fields = try #require(record[part] as? [String: Any])
            for variant in variants(try #require(fields["configuration"] as? [String: Any])) {
                fields["configuration"] = variant
                let changed = record.merging([part: fields]) { _, new in new }
                let read = try AuditRecord(JSONSerialization.data(withJSONObject: changed), path: "record")
                #expect(read.forgetting?.configuration?.noise.imagesPerClass == 256)
                count += 1
            }
        }
        #expect(count > 40)
    }
}
