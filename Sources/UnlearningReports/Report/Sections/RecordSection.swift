import Foundation
import Plotting
import Unlearning

extension AuditReport {
    /// Adds the record and the settings.
    func addRecord(to page: inout Page) throws {
        let run = try record.forgetting.map { run in
            try run.configuration.map { try SettingsList($0).lines } ?? SettingsList(json: run.settings).lines
        }
        let audit = try auditSettings()
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
            let limits = limits
            if !limits.isEmpty { page.details("Limits of the audit") { $0.facts(limits) } }
            page.details("Duration of the audit by part, in seconds") { page in
                page.facts(
                    result.seconds.sorted { $0.key < $1.key }.map { ($0.key, String(format: "%.1f", $0.value)) })
            }
        }
    }

    /// The audit's settings without the limits, which have words of their own.
    private func auditSettings() throws -> [[String]] {
        var configuration = result.configuration
        configuration.thresholds.limits = [:]
        return try SettingsList(configuration).lines.filter { $0.first != "thresholds, limits" }
    }

    /// The limits that were set, in words, by measure.
    private var limits: [(name: String, value: String)] {
        let measures = Dictionary(
            (AuditConfiguration.everyMeasure + result.measures.map(\.measure)).map { ($0.identifier.rawValue, $0) }
        ) { $1 }
        return result.configuration.thresholds.limits.sorted { $0.key < $1.key }.map { name, list in
            let unit = measures[name]?.unit ?? .number
            let words = list.enumerated().map { position, limit in
                let spread = limit.spread.map { spread in
                    let usual =
                        spread.scale == .logarithmic
                        ? "a factor of \(exp(spread.deviation).formattedShortly)" : unit.limitText(spread.deviation)
                    return " and beyond the retrained models' spread, usually \(usual)"
                }
                let text = limit.text(unit) + (spread ?? "") + "."
                // Of several limits with one finding, the first whose reference is there counts.
                let isOtherwise = list[..<position].contains { $0.finding == limit.finding && $0.side == limit.side }
                return isOtherwise ? "Without that reference: \(text.prefix(1).lowercased() + text.dropFirst())" : text
            }
            return (name, words.joined(separator: " "))
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
