package import ImageDatasets
import ModelFiles
package import NeuralGraph

/// Another classifier in the file of a model that has forgotten.
///
/// Forgetting changes the layers that it shares with the unlearned classifier, but not its own, so it may still
/// predict the forgotten class.
package struct OtherOutput: Sendable, Codable, Hashable {
    /// The output's name in the file.
    package let name: String
    /// The length of its rows.
    package let classes: Int
    /// The share of the images, 0 to 1, that it puts into a forgotten class before; nil if it has other classes, or there
    /// are no images.
    package let shareBefore: Double?
    /// The same after forgetting.
    package let shareAfter: Double?

    /// A warning for people.
    package var warning: String {
        let head = "output '\(name)' of the file was not made to forget"
        guard shareBefore != nil, shareAfter != nil else {
            return "\(head); its \(classes) numbers an image may tell of the class"
        }
        return "\(head): it gives a forgotten class for \(self.shareAfter.percentText) of the retain images "
            + "(\(self.shareBefore.percentText) before); make it forget too, or take it out of the file"
    }

    /// Runs the other classifiers of a model's file, before and after forgetting.
    /// - Parameters:
    ///   - original: the model as it was.
    ///   - unlearned: the model that has forgotten.
    ///   - forgotten: the forgotten classes.
    ///   - images: images of retained classes.
    ///   - options: seed and threads.
    package static func all(
        original: Model, unlearned: Model, forgotten: Set<Int>, images: (any ImageDataset)?,
        options: RunOptions = RunOptions()
    ) async throws -> [OtherOutput] {
        var found: [OtherOutput] = []
        for (before, after) in zip(try original.otherClassifiers(), try unlearned.otherClassifiers()) {
            var shares: [Double?] = [nil, nil]
            if before.model.classCount == original.classCount, let images {
                for (index, model) in [before.model, after.model].enumerated() {
                    let logits = try await Predictor().logits(of: model.prepare(images), by: model, options: options)
                    shares[index] = Self.share(of: forgotten, in: logits)
                }
            }
            found.append(
                OtherOutput(
                    name: before.outputName, classes: before.model.classCount, shareBefore: shares[0],
                    shareAfter: shares[1]))
        }
        return found
    }

    /// The share of rows whose largest number is one of some classes'.
    private static func share(of classes: Set<Int>, in logits: Tensor) -> Double? {
        let predicted = logits.largestInRows
        guard !predicted.isEmpty else { return nil }
        return Double(predicted.count { classes.contains($0) }) / Double(predicted.count)
    }
}
