import Foundation
import Plotting
import Unlearning

extension AuditReport {
    /// Adds the record and the settings.
    func addRecord(to page: inout Page) throws {
        let run = try record.forgetting.map { run in
            try run.configuration.map { try SettingsList($0).lines } ?? SettingsList(json: run.settings).lines
        }
        let audit = try SettingsList(result.configuration).lines
        page.section(
            "record", "Record",
            "The audited models, with the SHA-256 of each file. 'unlearn audit --verify record.json MODEL' checks a file "
                + "against the record."
        ) { page in
            page.facts(facts)
            if let run, !run.isEmpty {
                page.details("Settings of the unlearning run (seed \(record.forgetting?.seed ?? 0))") { page in
                    page.table("Settings of the unlearning run", columns: ["setting", "value"], rows: run)
                }
            }
            page.details("Settings of the audit (seed \(result.seed))") { page in
                page.table("Settings of the audit", columns: ["setting", "value"], rows: audit)
            }
            page.details("Duration of the audit by part, in seconds") { page in
                page.facts(
                    result.seconds.sorted { $0.key < $1.key }.map { ($0.key, String(format: "%.1f", $0.value)) })
            }
        }
    }

    private var facts: [(name: String, value: String)] {
        var facts = [
            ("request", record.requestID),
            ("date", Self.dateText(record.date)),
            ("package", "Unlearning \(record.packageVersion)"),
            ("classes to forget", record.classes.map { "\($0.index) (\($0.name))" }.joined(separator: ", ")),
            ("original", Self.text(record.models.original)),
            ("unlearned", Self.text(record.models.unlearned)),
        ]
        for (position, file) in record.models.retrained.enumerated() {
            facts.append(
                (record.models.retrained.count > 1 ? "retrained \(position + 1)" : "retrained", Self.text(file)))
        }
        if let retained = record.forgetting?.retained {
            facts.append(
                ("retain list", "\(retained.count) images of \(retained.dataset), SHA-256 \(retained.sha256)"))
        }
        if let samples = record.samples {
            facts.append(
                ("samples to forget", "\(samples.count) images of \(samples.dataset), SHA-256 \(samples.sha256)"))
        }
        if let dropped = record.forgetting?.droppedOutputs {
            facts.append(("outputs removed after the audit", dropped.map(String.init).joined(separator: ", ")))
        }
        if let duplicates = record.duplicates {
            let counts = DuplicatePictures.Part.allCases.compactMap { part in
                duplicates.counts[part.rawValue].map { "\($0) to \(part.rawValue)" }
            }
            facts.append(
                (
                    "same pictures in two parts",
                    "\(duplicates.exactPairs) pairs with equal pixels, \(duplicates.nearPairs) nearly the same; looked at "
                        + counts.joined(separator: ", ")
                ))
        }
        return facts
    }

    private static func text(_ file: AuditRecord.ModelFile) -> String {
        "\(file.name ?? "in memory"), SHA-256 \(file.sha256)"
    }
}
