import Foundation
import Plotting
import Unlearning

extension MeasureDescription.Unit {
    /// A value for people to read.
    func text(_ value: Double) -> String {
        switch self {
        case .share: NumberStyle.percent.text(value)
        case .number, .ratio: NumberStyle.plain().text(value)
        case .steps: NumberStyle.plain().text(value)
        case .bits: NumberStyle.plain(unit: "bits").text(value)
        }
    }

    /// A difference of two values, with its sign. Of shares it is in percentage points.
    func differenceText(_ value: Double, isShort: Bool = false) -> String {
        let sign = value < 0 ? "−" : "+"
        let magnitude = abs(value)
        switch self {
        case .share: return sign + String(format: "%.1f", magnitude * 100) + (isShort ? "" : " points")
        case .number, .ratio, .steps, .bits: return sign + text(magnitude)
        }
    }

    /// A limit, which is a difference without a sign.
    func limitText(_ value: Double) -> String {
        self == .share ? NumberStyle.plain(unit: "points").text(value * 100) : text(value)
    }
}

extension MeasureDescription {
    /// A value for people to read, with a sign where it is a bound; a dash where there is none.
    public func text(_ value: MeasureValue?) -> String {
        value.map { Self.bounded($0, unit.text($0.value)) } ?? "–"
    }

    /// A number with the sign of the bound that it is, or a word where it says nothing.
    private static func bounded(_ value: MeasureValue, _ text: String) -> String {
        switch (value.isLowerBound, value.isUpperBound) {
        case (false, false): text
        case (true, false): "≥ " + text
        case (false, true): "≤ " + text
        case (true, true): "unknown"
        }
    }

    /// The ends of a value's interval; nil without one.
    func intervalText(_ value: MeasureValue?) -> String? {
        value?.interval.map { "\(unit.text($0.lower)) to \(unit.text($0.upper))" }
    }

    /// What retrained models gave on average; a dash where there are none.
    public func text(_ value: RetrainedValue?) -> String {
        guard let value else { return "–" }
        return (value.isLowerBound ? "≥ " : "") + unit.text(value.mean)
    }

    /// The gap between unlearned and retrained, with its sign; of shares in percentage points.
    public func gapText(_ gap: MeasureValue?) -> String {
        gap.map { Self.bounded($0, unit.differenceText($0.value)) } ?? "–"
    }

    /// What good forgetting looks like, in words.
    var directionText: String {
        switch direction {
        case .closerToRetrained: "the closer to retrained the better"
        case .lower: "lower is better"
        case .higher: "higher is better"
        case .none: "neither direction is better"
        }
    }
}

extension MeasureThreshold {
    /// The limits in a sentence.
    func text(_ unit: MeasureDescription.Unit) -> String {
        let (pass, partial) = (unit.limitText(pass), unit.limitText(partial))
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
        return "passes up to \(pass) \(place), partial up to \(partial)"
    }
}

extension MeasureVerdict {
    /// A sign that says the same without color.
    var sign: String {
        switch self {
        case .pass: "✓"
        case .partial: "◐"
        case .fail: "✗"
        case .notJudged: "·"
        case .inconclusive: "?"
        }
    }
}

extension MeasureDescription.Group {
    /// The heading of its measures.
    var title: String {
        switch self {
        case .outputs: "What the model answers"
        case .membership: "Whether answers tell what it was trained on"
        case .relearning: "How fast the forgotten comes back"
        case .representation: "What is left inside"
        }
    }
}

extension AuditedModel {
    /// Its name in tables and legends.
    var title: String { rawValue }

    /// Its place among all, which gives its color.
    var position: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

extension [String] {
    /// Words in a list: `a, b and c`.
    var inWords: String {
        guard count > 1, let last else { return first ?? "" }
        return dropLast().joined(separator: ", ") + " and " + last
    }
}
