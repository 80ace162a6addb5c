import Foundation

/// Images that a comparison of distributions measures on.
package enum ImageGroup: String, Sendable, Codable, CaseIterable, CodingKeyRepresentable {
    /// Training images that were to be forgotten.
    case forgottenTraining
    /// Training images that were to be retained.
    case retainedTraining
    /// Test images of the forgotten classes; of the samples' classes where samples were forgotten.
    case forgottenTest
    /// Test images of the retained classes.
    case retainedTest
}

/// One model's answers to a group of images.
package struct GroupAnswers: Sendable, Hashable {
    /// Each image's margin `log p_y - log Σ_{j≠y} p_j`, the confidence in its label.
    package let margins: [Double]
    /// Whether each image's class is predicted.
    package let isRight: [Bool]

    /// Creates answers.
    package init(margins: [Double], isRight: [Bool]) {
        self.margins = margins
        self.isRight = isRight
    }

    /// Takes the answers of some rows of a model's predictions.
    package init(_ predictions: Predictions, labels: [Int], rows: [Int]) {
        let (own, ownLabels) = (predictions[rows], rows.map { labels[$0] })
        margins = LikelihoodRatioAttack.confidences(own, labels: ownLabels)
        isRight = zip(own.predicted, ownLabels).map { $0 == $1 }
    }

    /// The share of images whose class is predicted; nil without images.
    package var accuracy: Double? { Statistics.mean(isRight.map { $0 ? 1 : 0 }) }
}

/// One model's answers to all images of a comparison of distributions.
package typealias ModelAnswers = [ImageGroup: GroupAnswers]
