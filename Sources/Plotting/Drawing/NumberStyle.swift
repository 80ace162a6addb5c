import Foundation

/// How numbers are written in a plot.
package enum NumberStyle: Sendable, Hashable {
    /// As they are, with a unit after them if it is not empty.
    case plain(unit: String = "")
    /// Shares from 0 to 1 as percent.
    case percent

    /// A value for people to read, with about three significant digits.
    package func text(_ value: Double) -> String {
        guard value.isFinite else { return "–" }
        switch self {
        case .percent:
            let percent = value * 100
            guard abs(percent) < 1e6 else { return "\(Self.short(percent)) %" }
            let decimals = percent == 0 || abs(percent) >= 99.95 ? 0 : 1
            return Self.fixed(percent, decimals: decimals) + " %"
        case .plain(let unit):
            return Self.short(value) + (unit.isEmpty ? "" : " \(unit)")
        }
    }

    /// The texts beside the ticks of an axis, with as many decimals as tell them apart. The unit is the axis' to say.
    func tickTexts(_ ticks: [Double]) -> [String] {
        let values = self == .percent ? ticks.map { $0 * 100 } : ticks
        let suffix = self == .percent ? " %" : ""
        let steps = zip(values.dropFirst(), values).map { abs($0 - $1) }
        let step = steps.min() ?? abs(values.first ?? 1)
        let largest = values.map(abs).max() ?? 0
        guard step > 0, largest >= 1e-3, largest < 1e6 else {
            // As many digits as tell neighbors apart.
            let digits = step > 0 ? Int(log10(largest / step).rounded(.up)) : 2
            return values.map { Self.scientific($0, decimals: min(max(digits, 0), 15)) + suffix }
        }
        let decimals = max(0, Int((-log10(step) - 1e-9).rounded(.up)))
        return values.map { Self.fixed($0, decimals: min(decimals, 15)) + suffix }
    }

    /// Three significant digits; very large and very small numbers as powers of ten.
    private static func short(_ value: Double) -> String {
        let magnitude = abs(value)
        if magnitude != 0, magnitude < 1e-4 || magnitude >= 1e6 {
            return scientific(value, decimals: 2)
        }
        if magnitude >= 100 { return trimmed(String(format: magnitude >= 1000 ? "%.0f" : "%.1f", value)) }
        return trimmed(
            String(
                format: magnitude >= 10 ? "%.1f" : magnitude >= 1 ? "%.2f" : magnitude >= 0.01 ? "%.3f" : "%.4f", value)
        )
    }

    private static func scientific(_ value: Double, decimals: Int) -> String {
        guard value != 0 else { return "0" }
        let parts = String(format: "%.\(decimals)e", value).split(separator: "e")
        let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        return "\(trimmed(String(parts[0])))e\(exponent)"
    }

    private static func trimmed(_ text: String) -> String {
        guard text.contains(".") else { return text == "-0" ? "0" : text }
        var text = text
        while text.last == "0" { text.removeLast() }
        if text.last == "." { text.removeLast() }
        return text == "-0" ? "0" : text
    }

    private static func fixed(_ value: Double, decimals: Int) -> String {
        let text = String(format: "%.\(decimals)f", value)
        return Double(text) == 0 && text.hasPrefix("-") ? String(text.dropFirst()) : text
    }
}

/// A place on the drawing, to a hundredth of a pixel.
func coordinate(_ value: Double) -> String {
    guard value.isFinite else { return "0" }
    let hundredths = Int((min(max(value, -1e6), 1e6) * 100).rounded())
    let (whole, rest) = (abs(hundredths) / 100, abs(hundredths) % 100)
    let sign = hundredths < 0 ? "-" : ""
    guard rest != 0 else { return "\(sign)\(whole)" }
    return rest % 10 == 0 ? "\(sign)\(whole).\(rest / 10)" : "\(sign)\(whole).\(rest < 10 ? "0" : "")\(rest)"
}
