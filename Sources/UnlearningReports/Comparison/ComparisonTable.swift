import Foundation
package import Unlearning

/// A comparison's figures as a table of texts: a heading, then a row for each method.
package struct ComparisonTable: Sendable {
    private let result: ComparedMethods

    /// Creates a table of a result.
    package init(_ result: ComparedMethods) {
        self.result = result
    }

    /// The explanation of the columns.
    package static let legend =
        "forget, retain: accuracy on test images. retain gap: retain accuracy minus the retrained model's. "
        + "TV: total variation distance to the retrained model's predictions for forgotten test images. "
        + "probe gap: recall of a linear probe minus the retrained model's. relearn: relearn time divided by the retrained "
        + "model's, 1 is ideal; a + means that relearning reached its step limit and the true ratio is larger. "
        + "member gap: largest gap of three membership attacks to the retrained model. MiB: additional peak memory of the "
        + "method, if the system reports it. ±: half the width of the 95 % confidence interval over seeds."

    /// What sets these runs apart from those of `unlearn forget`.
    package static let guardNote =
        "Methods run unguarded, with their settings as they are: 'unlearn forget' would repeat a run that harms the retained "
        + "classes at lower rates."

    /// The column titles.
    package var heading: [String] { ["method"] + ComparedFigure.allCases.map(\.title) + ["data"] }

    /// Heading and rows.
    package var rows: [[String]] { [heading] + result.methods.map(row) }

    /// The row of a method.
    package func row(_ method: String) -> [String] {
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

    /// Formats a figure for people.
    package static func text(_ value: Double, _ figure: ComparedFigure) -> String {
        if figure.isShare { return String(format: "%.2f %%", value * 100) }
        switch figure {
        case .totalVariation: return String(format: "%.3f", value)
        case .relearnRatio: return String(format: "%.2f", value)
        case .seconds: return String(format: "%.1f", value)
        default: return String(format: "%.0f", value)
        }
    }

    /// The kinds of data that a method sees.
    package static func text(_ requirements: [Requirement]) -> String {
        let words = requirements.compactMap { need in
            switch need {
            case .retainData: "retain"
            case .allRetainData: "all retain"
            case .shards: "shards"
            case .forgetData: "forget"
            case .originalTraining: nil as String?
            }
        }
        return words.isEmpty ? "none" : words.joined(separator: " + ")
    }
}
