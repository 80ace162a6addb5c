/// Estimates the width of a text in a sans-serif font in pixels, on the wide side, so that nothing overlaps. Fonts
/// differ between readers, so this is not exact.
package func textWidth(_ text: String, size: Double) -> Double {
    size * text.unicodeScalars.reduce(0) { $0 + relativeWidth($1) }
}

/// Shortens a text to a width with an ellipsis.
func fitted(_ text: String, to width: Double, size: Double) -> String {
    guard textWidth(text, size: size) > width else { return text }
    var kept = text
    while !kept.isEmpty, textWidth(kept, size: size) + size > width { kept.removeLast() }
    return kept + "…"
}

private func relativeWidth(_ scalar: Unicode.Scalar) -> Double {
    switch scalar {
    case "i", "j", "l", "I", "t", "f", "r", ".", ",", ":", ";", "'", "|", "!", "(", ")", "/", " ", "-": 0.36
    case "m", "w", "M", "W", "%", "@", "—", "…": 0.96
    case "A"..."Z": 0.72
    case "0"..."9": 0.6
    // East Asian characters are as wide as they are high.
    case "\u{1100}"..."\u{11FF}", "\u{2E80}"..."\u{FFEF}", "\u{1F300}"..."\u{1FAFF}": 1.05
    default: 0.6
    }
}
