/// Accuracy: the share of examples that a model puts into their class. 0 to 1.
///
/// On the forgotten classes retraining ends at 0, and so should the unlearned model; but 0 is easy, and proves little.
/// On the retained classes higher is better, up to the retrained model's figure.
public enum Accuracies {
    /// 1 for each example whose predicted class is its label, else 0.
    public static func scores(_ predictions: Predictions, labels: [Int]) -> [Double] {
        zip(predictions.predicted, labels).map { $0 == $1 ? 1 : 0 }
    }

    /// The accuracy of each class; nil for a class without examples.
    public static func perClass(scores: [Double], labels: [Int], classes: Int) -> [Double?] {
        var sums = [Double](repeating: 0, count: classes)
        var counts = sums
        for (score, label) in zip(scores, labels) {
            sums[label] += score
            counts[label] += 1
        }
        return zip(sums, counts).map { $1 > 0 ? $0 / $1 : nil }
    }

    /// How much a model confuses each class with some others: the mean probability that it gives the class on their
    /// examples, plus the mean probability that it gives them on the class's. 0 to 2; nil for those others themselves.
    public static func confusion(_ predictions: Predictions, labels: [Int], with others: Set<Int>) -> [Double?] {
        var given = [Double](repeating: 0, count: predictions.classes)
        var taken = given
        var counts = given
        var otherCount = 0.0
        for (row, label) in labels.enumerated() {
            let probabilities = predictions.probabilities(row)
            if others.contains(label) {
                otherCount += 1
                for (index, probability) in probabilities.enumerated() { given[index] += probability }
            } else {
                counts[label] += 1
                for index in others { taken[label] += probabilities[index] }
            }
        }
        return given.indices.map { index in
            guard !others.contains(index) else { return nil }
            return given[index] / max(1, otherCount) + taken[index] / max(1, counts[index])
        }
    }

    static let forgetTest = accuracy(
        .forgetAccuracyTest, "Forget accuracy (test)",
        "Share of the forgotten classes' test images that the model puts into their class.", .closerToRetrained)
    static let worstForgotten = accuracy(
        .forgetAccuracyWorstClass, "Forget accuracy (worst class)",
        "Test accuracy of the forgotten class that the model knows best, where several were forgotten.",
        .closerToRetrained)
    static let forgetTraining = accuracy(
        .forgetAccuracyTraining, "Forget accuracy (training)",
        "Share of the forgotten classes' training images that the model puts into their class.",
        .closerToRetrained)
    static let retainTest = accuracy(
        .retainAccuracyTest, "Retain accuracy (test)",
        "Share of the retained classes' test images that the model puts into their class.", .higher)
    static let retainTraining = accuracy(
        .retainAccuracyTraining, "Retain accuracy (training)",
        "Share of the retained classes' training images that the model puts into their class.",
        .closerToRetrained)
    static let adjacent = accuracy(
        .adjacentAccuracy, "Accuracy of adjacent classes",
        "Test accuracy of the retained classes that the original confuses most with the forgotten ones.", .higher)
    static let remote = accuracy(
        .remoteAccuracy, "Accuracy of remote classes",
        "Test accuracy of the retained classes that are not adjacent.", .higher)
    static let perClass = accuracy(
        .classAccuracy, "Accuracy by class", "Test accuracy of each class; in total their mean.", .none)

    private static func accuracy(
        _ identifier: MeasureIdentifier, _ title: String, _ definition: String,
        _ direction: MeasureDescription.Direction
    ) -> MeasureDescription {
        MeasureDescription(
            identifier, title: title, definition: definition,
            source: "Tarun et al., Fast Yet Effective Machine Unlearning (arXiv 2111.08947), section V",
            group: .outputs, unit: .share, direction: direction)
    }
}
