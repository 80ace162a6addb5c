import Foundation
import Plotting
package import Unlearning

extension MeasureDescription.Unit {
    /// Formats a value for people.
    func text(_ value: Double) -> String {
        switch self {
        case .share: NumberStyle.percent.text(value)
        case .number, .ratio, .steps: NumberStyle.plain().text(value)
        case .bits: NumberStyle.plain(unit: "bits").text(value)
        }
    }

    /// Formats a difference of two values with its sign; differences of shares are in percentage points.
    package func differenceText(_ value: Double, isShort: Bool = false) -> String {
        let magnitude =
            switch self {
            case .share: String(format: "%.1f", abs(value) * 100)
            case .number, .ratio, .steps, .bits: text(abs(value))
            }
        // What rounds to zero has no sign.
        let isZero = !magnitude.contains { ("1"..."9").contains($0) }
        let sign = isZero ? "" : value < 0 ? "−" : "+"
        return sign + magnitude + (self == .share && !isShort ? " points" : "")
    }

    /// Formats a limit, which is a difference without a sign.
    func limitText(_ value: Double) -> String {
        self == .share ? NumberStyle.plain(unit: "points").text(value * 100) : text(value)
    }
}

extension MeasureDescription {
    /// Formats a value for people, with a sign if it is a bound; a dash for none.
    package func text(_ value: MeasureValue?) -> String {
        value.map { Self.bounded($0, unit.text($0.value)) } ?? "–"
    }

    /// Adds the sign of a bound, or replaces a number that says nothing.
    private static func bounded(_ value: MeasureValue, _ text: String) -> String {
        switch (value.isLowerBound, value.isUpperBound) {
        case (false, false): text
        case (true, false): "≥ " + text
        case (false, true): "≤ " + text
        case (true, true): "unknown"
        }
    }

    /// Formats a value's confidence interval; nil without one.
    func intervalText(_ value: MeasureValue?) -> String? {
        value?.interval.map { "\(unit.text($0.lower)) to \(unit.text($0.upper))" }
    }

    /// Formats the retrained models' mean; a dash for none.
    package func text(_ value: RetrainedValue?) -> String {
        guard let value else { return "–" }
        return (value.isLowerBound ? "≥ " : "") + unit.text(value.mean)
    }

    /// Formats the gap between unlearned and retrained with its sign; a dash for none.
    package func gapText(_ gap: MeasureValue?) -> String {
        gap.map { Self.bounded($0, unit.differenceText($0.value)) } ?? "–"
    }

    /// The direction of better values, in words.
    var directionText: String {
        switch direction {
        case .closerToRetrained: "closer to retrained is better"
        case .lower: "lower is better"
        case .higher: "higher is better"
        case .none: "neither direction is better"
        }
    }
}

extension MeasureThreshold {
    /// The limit in words.
    package func text(_ unit: MeasureDescription.Unit) -> String {
        let direction =
            switch side {
            case .above: "above"
            case .below: "below"
            case .either: "away from"
            }
        let place =
            switch reference {
            case .retrained: "\(direction) retrained"
            case .original: "\(direction) the original"
            case .zero: side == .either ? "away from zero" : "\(direction) zero"
            }
        return "\(MeasureVerdict.title(of: finding).firstCapitalized) if more than \(unit.limitText(limit)) \(place)"
    }
}

extension MeasureVerdict {
    /// A sign that shows the verdict without color.
    var sign: String {
        switch self {
        case .pass: "✓"
        case .leak: "✗"
        case .overForgotten: "◐"
        case .notJudged: "·"
        case .incomplete: "?"
        }
    }

    /// A finding in words.
    static func title(of finding: MeasureThreshold.Finding) -> String { finding.rawValue }
}

extension MeasureDescription.Group {
    /// The heading of the group's measures.
    var title: String {
        switch self {
        case .outputs: "Predictions"
        case .membership: "Membership inference: do predictions reveal the training images?"
        case .relearning: "Relearning: how fast do the classes come back?"
        case .representation: "Inside the network: what do features and weights still hold?"
        }
    }
}

extension AuditedModel {
    /// The model's name in tables and legends.
    var title: String { rawValue }

    /// The model's position among all, which gives its color.
    var position: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

extension [String] {
    /// The words as a list: `a, b and c`.
    var inWords: String {
        guard count > 1, let last else { return first ?? "" }
        return dropLast().joined(separator: ", ") + " and " + last
    }
}
