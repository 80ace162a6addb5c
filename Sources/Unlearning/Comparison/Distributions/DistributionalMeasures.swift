import Foundation

/// Challenge epsilon and KLoM between the answers of some models and of others.
package struct DistributionalMeasures: Sendable, Encodable, Hashable {
    /// Challenge epsilon over the training images that were to be forgotten, and the challenge's score.
    package struct Epsilon: Sendable, Encodable, Hashable {
        /// The median over images.
        package let median: Double
        /// The 95th percentile over images; ``ChallengeEpsilon/cap`` for images that tell the models without an error.
        package let percentile95: Double
        /// The share of images that tell the models without an error.
        package let cappedShare: Double
        /// The mean of the images' points: 1 if no image tells the models apart, near 0 if all do.
        package let forgettingQuality: Double
        /// The accuracy on retained training images relative to retraining's; nil if that is 0.
        package let retainRatio: Double?
        /// The accuracy on test images of retained classes relative to retraining's; nil if that is 0.
        package let testRatio: Double?
        /// The challenge's score: ``forgettingQuality`` times both ratios; nil if one is missing.
        package let score: Double?
    }

    /// KLoM over a group of images.
    package struct Divergence: Sendable, Encodable, Hashable {
        /// The mean over images, in nats.
        package let mean: Double
        /// The 95th percentile over images, in nats.
        package let percentile95: Double
    }

    /// The number of models of either kind, the smaller one if they differ.
    package let models: Int
    /// Challenge epsilon.
    package let epsilon: Epsilon
    /// KLoM of each group that has images.
    package let divergence: [ImageGroup: Divergence]
    /// Challenge epsilon of each training image that was to be forgotten.
    let imageEpsilons: [Double]
    /// KLoM of each training image that was to be forgotten.
    let imageDivergences: [Double]

    private enum CodingKeys: CodingKey {
        case divergence, epsilon, models
    }

    /// Compares answers.
    /// - Returns: nil without models of either kind, or without forgotten training images.
    package init?(unlearned: [ModelAnswers], retrained: [ModelAnswers]) {
        let models = min(unlearned.count, retrained.count)
        let divergences = ImageGroup.allCases.reduce(into: [:]) { result, group in
            result[group] = Self.perImage(group, unlearned, retrained) {
                MarginDivergence.value(unlearned: $0, retrained: $1)
            }
        }
        let epsilons = Self.perImage(.forgottenTraining, unlearned, retrained) {
            ChallengeEpsilon.value(unlearned: $0, retrained: $1)
        }
        guard models > 0, let quality = Statistics.mean(epsilons.map { ChallengeEpsilon.points($0, models: models) })
        else { return nil }
        func ratio(_ group: ImageGroup) -> Double? {
            func mean(_ answers: [ModelAnswers]) -> Double? {
                Statistics.mean(answers.compactMap { $0[group]?.accuracy })
            }
            guard let own = mean(unlearned), let reference = mean(retrained), reference > 0 else { return nil }
            return own / reference
        }
        let (retainRatio, testRatio) = (ratio(.retainedTraining), ratio(.retainedTest))
        let sorted = epsilons.sorted()
        self.models = models
        epsilon = Epsilon(
            median: Statistics.quantile(0.5, ofSorted: sorted),
            percentile95: Statistics.quantile(0.95, ofSorted: sorted),
            cappedShare: Double(epsilons.count { $0 >= ChallengeEpsilon.cap }) / Double(epsilons.count),
            forgettingQuality: quality, retainRatio: retainRatio, testRatio: testRatio,
            score: retainRatio.flatMap { retain in testRatio.map { quality * retain * $0 } })
        divergence = divergences.compactMapValues { values in
            Statistics.mean(values).map {
                Divergence(mean: $0, percentile95: Statistics.quantile(0.95, ofSorted: values.sorted()))
            }
        }
        imageEpsilons = epsilons
        imageDivergences = divergences[.forgottenTraining] ?? []
    }

    /// Measures each image of a group from its margins by all models.
    private static func perImage(
        _ group: ImageGroup, _ unlearned: [ModelAnswers], _ retrained: [ModelAnswers],
        _ measure: ([Double], [Double]) -> Double
    ) -> [Double] {
        let sides = [unlearned, retrained].map { $0.map { $0[group]?.margins ?? [] } }
        let images = sides.joined().map(\.count).min() ?? 0
        guard !sides[0].isEmpty, !sides[1].isEmpty else { return [] }
        return (0..<images).map { image in measure(sides[0].map { $0[image] }, sides[1].map { $0[image] }) }
    }
}

/// What tells unlearned from retrained models, image by image, and how far halves of the retrained models are told apart.
package struct DistributionalResult: Sendable, Encodable, Hashable {
    /// The measures of half as many models, which say what chance alone does.
    package struct Halves: Sendable, Encodable, Hashable {
        /// Half of the unlearned models against half of the retrained ones.
        package let unlearned: DistributionalMeasures
        /// The other half of the retrained models against the same half: what truly retrained models reach.
        package let retrained: DistributionalMeasures
    }

    /// A training image that was to be forgotten.
    package struct Image: Sendable, Encodable, Hashable {
        /// Its position among the training images; where samples were forgotten, among these.
        package let index: Int
        /// Its class.
        package let label: Int
        /// Challenge epsilon.
        package let epsilon: Double
        /// KLoM.
        package let divergence: Double
    }

    /// The numbers of models.
    package let unlearnedModels: Int
    package let retrainedModels: Int
    /// The number of images in each group.
    package let images: [ImageGroup: Int]
    /// The largest finite challenge epsilon that this number of models can show.
    package let epsilonCeiling: Double
    /// The mean accuracy of the unlearned models on each group.
    package let unlearnedAccuracy: [ImageGroup: Double]
    /// The mean accuracy of the retrained models on each group.
    package let retrainedAccuracy: [ImageGroup: Double]
    /// The measures.
    package let measures: DistributionalMeasures
    /// The measures of halves; nil with fewer than ``DistributionalComparison/modelsForHalves`` models.
    package let halves: Halves?
    /// The training images that were to be forgotten, those that tell the models best first.
    package let forgottenImages: [Image]
}
