import Foundation

/// An axis of a plot: its label, number format, range and scale.
package struct Axis: Sendable, Hashable {
    /// The mapping of values to positions.
    package enum Scale: Sendable, Hashable {
        /// Equal differences have equal lengths.
        case linear
        /// Equal ratios have equal lengths. Values of 0 and below are left out.
        case logarithmic
    }

    /// The measured quantity with its unit, such as `steps` or `accuracy`.
    package var label: String
    /// The format of its numbers.
    package var style: NumberStyle
    /// The range of values; nil takes it from the data.
    package var range: ClosedRange<Double>?
    /// The mapping of values to positions.
    package var scale: Scale

    /// Creates an axis.
    package init(
        _ label: String, style: NumberStyle = .plain(), range: ClosedRange<Double>? = nil,
        scale: Scale = .linear
    ) {
        self.label = label
        self.style = style
        self.range = range
        self.scale = scale
    }

    /// Whether the axis can show a value.
    func shows(_ value: Double) -> Bool {
        value.isFinite && (scale == .linear || value > 0)
    }

    /// Lays the axis over pixels, from `start` at its lowest value to `end` at its highest.
    package func placed(over values: [Double], from start: Double, to end: Double) -> PlacedAxis {
        let shown = (range.map { [$0.lowerBound, $0.upperBound] } ?? values).filter(shows)
        // Beyond this a difference of two values could overflow.
        let bounded = shown.map { min(max($0, -1e300), 1e300) }
        let (lowest, highest) = (bounded.min() ?? (scale == .linear ? 0 : 1), bounded.max() ?? 1)
        switch scale {
        case .linear:
            return .linear(lowest, highest, isFixed: range != nil, style: style, from: start, to: end)
        case .logarithmic:
            return .logarithmic(lowest, highest, style: style, from: start, to: end)
        }
    }
}

/// An axis whose values have positions in pixels.
package struct PlacedAxis: Sendable {
    /// The values at both ends.
    let lower: Double
    let upper: Double
    /// The ticks in rising order.
    package let ticks: [Double]
    package let tickTexts: [String]

    private let start: Double
    private let end: Double
    private let isLogarithmic: Bool

    /// The position of a value; values outside the range are at the ends.
    package func position(of value: Double) -> Double {
        let share: Double
        if isLogarithmic {
            share = log(max(value, lower) / lower) / log(upper / lower)
        } else {
            // Halved, so that a range of nearly all numbers does not overflow.
            share = (value / 2 - lower / 2) / (upper / 2 - lower / 2)
        }
        return start + min(max(share, 0), 1) * (end - start)
    }

    fileprivate static func linear(
        _ lowest: Double, _ highest: Double, isFixed: Bool, style: NumberStyle, from start: Double,
        to end: Double
    ) -> PlacedAxis {
        var (lower, upper) = (lowest, highest)
        let magnitude = max(abs(lower), abs(upper))
        // One value, or several that rounding hardly tells apart, get some room around them.
        if upper - lower <= magnitude * 1e-9 || upper == lower {
            let room = magnitude > 0 ? magnitude * 0.1 : 1
            (lower, upper) = (lower - room, upper + room)
        }
        let step = niceStep((upper - lower) / 5)
        if !isFixed {
            lower = (lower / step).rounded(.down) * step
            upper = (upper / step).rounded(.up) * step
        }
        // A range that ends just before a round number has that number at its end.
        let first = (lower / step - 0.01).rounded(.up)
        let last = (upper / step + 0.01).rounded(.down)
        let ticks = stride(from: 0.0, through: min(last - first, 20), by: 1).map { (first + $0) * step }
        return PlacedAxis(
            lower: lower, upper: upper, ticks: ticks, tickTexts: style.tickTexts(ticks), start: start,
            end: end, isLogarithmic: false)
    }

    fileprivate static func logarithmic(
        _ lowest: Double, _ highest: Double, style: NumberStyle, from start: Double, to end: Double
    ) -> PlacedAxis {
        let first = max(-300, log10(lowest).rounded(.down))
        let last = max(first + 1, log10(highest).rounded(.up))
        let spacing = ((last - first) / 6).rounded(.up)
        let ticks = stride(from: first, through: last, by: spacing).map { pow(10, $0) }
        return PlacedAxis(
            lower: pow(10, first), upper: pow(10, last), ticks: ticks, tickTexts: ticks.map(style.text),
            start: start, end: end, isLogarithmic: true)
    }

    /// Rounds a step up to 1, 2 or 5 times a power of ten.
    private static func niceStep(_ step: Double) -> Double {
        guard step.isFinite, step > 0 else { return 1 }
        let power = pow(10, log10(step).rounded(.down))
        guard power > 0 else { return step }
        return ([1, 2, 5].first { $0 * power >= step * (1 - 1e-9) } ?? 10) * power
    }
}
