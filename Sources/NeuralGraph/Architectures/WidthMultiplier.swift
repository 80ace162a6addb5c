/// A factor for the channels of every layer: the same network, narrower or wider.
struct WidthMultiplier {
    /// What the factor may be.
    static let range = 0.1...4.0

    private let factor: Double

    /// - Throws: ``ShapeError`` if the factor is out of ``range``.
    init(_ factor: Double, architecture: String) throws(ShapeError) {
        guard Self.range.contains(factor) else {
            throw ShapeError(
                architecture,
                "the width is \(factor); use a number from \(Self.range.lowerBound) to \(Self.range.upperBound)")
        }
        self.factor = factor
    }

    /// The multiple of 8 that is nearest to a number times the factor: 8 at least, and not below nine tenths of it, as
    /// in the code of MobileNet's authors.
    func channels(_ count: Int) -> Int {
        let wanted = Double(count) * factor
        let rounded = max(8, Int(wanted + 4) / 8 * 8)
        return Double(rounded) < 0.9 * wanted ? rounded + 8 : rounded
    }
}
