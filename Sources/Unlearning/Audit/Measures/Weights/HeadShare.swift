/// How much of the forgetting sits in the last layer alone: the part of the lost forget accuracy that comes back when
/// the last layer's bias, or the whole last layer, is put back from the original model, everything before it being left
/// as it is.
///
/// `(restored - unlearned) / (original - unlearned)` in accuracies on test examples of the forgotten classes. 1: the
/// features are untouched, and a change of a few numbers undoes the forgetting; 0: it is no use to put them back.
/// Restoring can make things worse or better than they were, so values a little below 0 or above 1 occur. Lower is
/// better. The comparison is this package's own; that a biased last layer passes for forgetting is what probes of
/// unlearned models show time and again.
public enum HeadShare {
    /// The least accuracy that must have been lost for the share to mean something.
    public static let leastLoss = 0.01

    /// The share of the forgetting that is undone.
    /// - Parameters:
    ///   - original: forget accuracy before forgetting, 0 to 1.
    ///   - unlearned: forget accuracy after forgetting.
    ///   - restored: forget accuracy of the unlearned features under the original's bias or layer.
    /// - Returns: nil if less than ``leastLoss`` of accuracy was lost.
    public static func value(original: Double, unlearned: Double, restored: Double) -> Double? {
        let loss = original - unlearned
        return loss >= leastLoss ? (restored - unlearned) / loss : nil
    }

    static let bias = measure(.headShareBias, "Head share: bias", "last layer's bias was")
    static let layer = measure(.headShareLayer, "Head share: layer", "whole last layer was")

    private static func measure(
        _ identifier: MeasureIdentifier, _ title: String, _ part: String
    ) -> MeasureDescription {
        MeasureDescription(
            identifier, title: title,
            definition: "Share of the lost forget accuracy (test) that comes back when the \(part) put back from the "
                + "original: 1 means that nothing else was forgotten.",
            source: "This package", group: .representation, unit: .ratio, least: nil, direction: .lower)
    }
}
