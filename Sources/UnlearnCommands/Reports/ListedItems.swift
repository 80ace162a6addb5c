import Foundation
import ImageFolders
import NeuralGraph
import Unlearning
import UnlearningReports

/// A method of forgetting, with the settings of its type's defaults.
struct ListedMethod: Listed {
    let method: any UnlearningMethod

    var name: String { method.name }
    var requirements: [Requirement] { Requirement.allCases.filter(method.requirements.contains) }
    var preset: UnlearningPreset? { UnlearningPreset.allCases.first { $0.method.name == method.name } }

    var cells: [String] { [ComparisonTable.text(requirements), method.summary] }

    var facts: [(String, String)] { description + SettingsText.lines(of: method) }

    /// Everything but the settings, with titles.
    var description: [(String, String)] {
        let needs = requirements.map(\.description).joined(separator: "; ")
        return [
            ("what it does", method.summary), ("data", needs.isEmpty ? "none" : needs),
            ("forgets samples", method.supportsSamples ? "yes" : "no, classes only"),
            ("preset", preset?.rawValue ?? "none"),
        ]
    }

    enum CodingKeys: CodingKey {
        case name, preset, requirements, settings, summary, supportsSamples
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(preset, forKey: .preset)
        try container.encode(requirements, forKey: .requirements)
        try container.encode(SettingsText.json(of: method), forKey: .settings)
        try container.encode(method.summary, forKey: .summary)
        try container.encode(method.supportsSamples, forKey: .supportsSamples)
    }
}

/// A method's settings, as it encodes them.
enum SettingsText {
    /// The settings as JSON with sorted keys, as in comparisons and records.
    static func json(of method: any UnlearningMethod) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(method), as: UTF8.self)
    }

    /// The settings one by one, such as `training.epochs` and `3`.
    static func lines(of method: any UnlearningMethod) -> [(String, String)] {
        guard let text = try? json(of: method),
            let object = try? JSONSerialization.jsonObject(with: Data(text.utf8))
        else { return [] }
        var lines: [(String, String)] = []
        add(object, under: "", to: &lines)
        return lines
    }

    private static func add(_ value: Any, under path: String, to lines: inout [(String, String)]) {
        if let object = value as? [String: Any] {
            // An enumeration's case without values.
            if object.count == 1, let (key, inner) = object.first, (inner as? [String: Any])?.isEmpty == true {
                lines.append((path, key))
                return
            }
            for (key, inner) in object.sorted(by: { $0.key < $1.key }) {
                // The keys that an enumeration's unnamed values get say nothing.
                let name = key.hasPrefix("_") ? path : path.isEmpty ? key : "\(path).\(key)"
                add(inner, under: name, to: &lines)
            }
        } else if let number = value as? NSNumber {
            lines.append((path, number.description))
        } else {
            lines.append((path, "\(value)"))
        }
    }
}

/// A measure of an audit, with its default limits.
struct ListedMeasure: Listed {
    let measure: MeasureDescription

    var name: String { measure.identifier.rawValue }

    private var thresholds: [MeasureThreshold] { AuditThresholds.default[measure.identifier] }

    private var unit: String { measure.unit.rawValue }

    var cells: [String] { [unit, measure.definition] }

    var facts: [(String, String)] {
        let limits = thresholds.map { limit in
            let reference =
                switch limit.reference {
                case .retrained: "the retrained models"
                case .original: "the original"
                case .zero: "zero"
                }
            let side = limit.side == .either ? "away from" : limit.side.rawValue
            let spread =
                limit.spread.map { spread in
                    let scale = spread.scale == .logarithmic ? " of the logarithm" : ""
                    return ", or as much as retrained models differ (usually \(spread.deviation)\(scale))"
                } ?? ""
            return ("limits", "\(limit.finding.rawValue) if more than \(limit.limit)\(spread) \(side) \(reference)")
        }
        return [
            ("title", measure.title), ("what it measures", measure.definition), ("unit", unit),
            ("group", measure.group.rawValue), ("source", measure.source),
        ] + (limits.isEmpty ? [("limits", "none; shown, but not judged")] : limits)
    }

    enum CodingKeys: CodingKey {
        case direction, group, limits, name, source, summary, title, unit
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(measure.direction, forKey: .direction)
        try container.encode(measure.group, forKey: .group)
        try container.encode(thresholds, forKey: .limits)
        try container.encode(name, forKey: .name)
        try container.encode(measure.source, forKey: .source)
        try container.encode(measure.definition, forKey: .summary)
        try container.encode(measure.title, forKey: .title)
        try container.encode(measure.unit, forKey: .unit)
    }
}

/// A kind of data set.
struct ListedDataset: Listed {
    let kind: DatasetSpecification.Kind

    var name: String { kind.name }

    /// The folder that is read if none is given; nil if there is none, or it is not installed.
    private var installed: String? {
        guard let dataset = try? DatasetArgument(parsing: name), let file = dataset.files.first else { return nil }
        return file.deletingLastPathComponent().path
    }

    var cells: [String] { [installed == nil ? "-" : "yes", kind.summary] }

    var facts: [(String, String)] {
        [
            ("write", kind.form), ("what it is", kind.summary),
            ("installed", installed ?? "give the place after the colon"),
        ]
    }

    enum CodingKeys: CodingKey {
        case form, installed, name, summary
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(kind.form, forKey: .form)
        try container.encode(installed, forKey: .installed)
        try container.encode(name, forKey: .name)
        try container.encode(kind.summary, forKey: .summary)
    }
}

/// An architecture that is known by name.
struct ListedArchitecture: Listed {
    let name: String

    /// The options that it takes, by what it says of one that it does not.
    private var options: [String] {
        do {
            _ = try Architectures.named(ArchitectureIdentifier(name: name, options: ["?": "?"]))
            return []
        } catch {
            return if case .unknownOption(_, _, let known) = error { known } else { [] }
        }
    }

    /// Trained parameters for ten classes of 32x32 color images.
    private var parameters: Int? {
        guard let network = try? Architectures.named(ArchitectureIdentifier(name: name)),
            let graph = try? network.graph(inputShape: [32, 32, 3], classes: 10)
        else { return nil }
        return graph.nodes.reduce(0) { sum, node in
            sum + node.parameters.reduce(0) { $0 + ($1.isTrained ? $1.shape.count : 0) }
        }
    }

    var cells: [String] {
        [parameters.map(String.init) ?? "-", options.isEmpty ? "none" : options.joined(separator: ", ")]
    }

    var facts: [(String, String)] {
        [
            ("options", options.isEmpty ? "none" : options.joined(separator: ", ")),
            ("parameters", parameters.map { "\($0) for ten classes of 32x32 color images" } ?? "-"),
        ]
    }

    enum CodingKeys: CodingKey {
        case name, options, parameters
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(options, forKey: .options)
        try container.encode(parameters, forKey: .parameters)
    }
}
