import Foundation
import Unlearning

/// A comparison's figures as texts in rows: a heading, then a row for each method.
public struct ComparisonTable: Sendable {
    private let result: ComparedMethods

    /// Makes a table of a result.
    public init(_ result: ComparedMethods) {
        self.result = result
    }

    /// What the columns are, in a few sentences.
    public static let legend =
        "forget, retain: accuracy on test images. retain gap: by how much it is above the retrained model's. "
        + "TV: total variation to a retrained model on forgotten test images. "
        + "probe gap: how much better a linear probe finds the class than in the retrained model. relearn: relearn time "
        + "over the retrained model's, 1 is ideal. member gap: the largest gap of three membership attacks to the "
        + "retrained model. MiB: memory that the method took beyond what was held before it, missing where the system does "
        + "not say. After ±: half of the 95 % interval over seeds. + after relearn: relearning was given up, the "
        + "true ratio is larger."

    /// The column titles.
    public var heading: [String] { ["method"] + ComparedFigure.allCases.map(\.title) + ["data"] }

    /// Heading and rows.
    public var rows: [[String]] { [heading] + result.methods.map(row) }

    /// A method's row.
    public func row(_ method: String) -> [String] {
        let runs = result.runs(of: method)
        return [method] + ComparedFigure.allCases.map { cell($0, method) }
            + [runs.first.map { Self.text($0.requirements) } ?? "-"]
    }

    private func cell(_ figure: ComparedFigure, _ method: String) -> String {
        guard let summary = result.summary(of: figure, for: method) else { return "-" }
        let runs = result.runs(of: method)
        var text = (figure.isSigned && summary.mean > 0 ? "+" : "") + Self.text(summary.mean, figure)
        if figure == .relearnRatio, runs.contains(where: \.relearnIsLowerBound) { text += "+" }
        if let margin = summary.margin, figure != .steps, figure != .peakMemory {
            text += " ±" + Self.text(margin, figure)
        }
        return text
    }

    /// A figure for people to read.
    public static func text(_ value: Double, _ figure: ComparedFigure) -> String {
        if figure.isShare { return String(format: "%.2f %%", value * 100) }
        switch figure {
        case .totalVariation: return String(format: "%.3f", value)
        case .relearnRatio: return String(format: "%.2f", value)
        case .seconds: return String(format: "%.1f", value)
        default: return String(format: "%.0f", value)
        }
    }

    /// What a method sees, in a word or two.
    package static func text(_ requirements: [Requirement]) -> String {
        let words = requirements.compactMap { need in
            switch need {
            case .retainData: "retain"
            case .allRetainData: "all retain"
            case .forgetData: "forget"
            case .originalTraining: nil as String?
            }
        }
        return words.isEmpty ? "none" : words.joined(separator: " + ")
    }
}
