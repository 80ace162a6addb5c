import Foundation

extension Duration {
    /// The duration in seconds.
    package var seconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }

    /// Seconds with a sensible number of digits, as in `12.3 s`.
    package var secondsText: String { String(format: seconds < 10 ? "%.2f s" : "%.1f s", seconds) }
}

extension Double? {
    /// A share as percent with two digits, or a dash if there is none.
    package var percentText: String { map { String(format: "%.2f %%", $0 * 100) } ?? "-" }
}

extension Double {
    /// The number without a fraction that is zero, as in `0`.
    package var formattedShortly: String { String(format: "%g", self) }
}

extension Float {
    /// The number as messages have it, `NaN` and `infinity` by these names.
    package var named: String {
        if isNaN { return "NaN" }
        return isInfinite ? (self < 0 ? "-infinity" : "infinity") : "\(self)"
    }
}
