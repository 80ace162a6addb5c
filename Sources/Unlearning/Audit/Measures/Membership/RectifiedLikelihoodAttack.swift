import Foundation

/// The likelihood inference of RULI (Naderloui et al. 2025), which compares "unlearned" with "never seen".
///
/// Shadow models give three distributions of the confidence in each image: of models that never saw it, that saw it, and
/// that saw and then forgot it. The attacked model's confidence has a density by the first and by the last of them, of
/// Gaussian kernels, and the score is `p_unlearned / (p_unlearned + p_unseen)`. The second distribution finds the images
/// that are vulnerable, since they were learned by heart; a mean over all images hides those.
///
/// RULI trains three sets of shadow models. Here the same ones, before and after they forget, give the second and the third
/// distribution, so that every distribution has half of the models instead of a third.
package enum RectifiedLikelihoodAttack {
    /// The standard deviation of the kernels, in units of the confidence φ; that of RULI's published code.
    static let bandwidth = 1.0
    /// The share of images, of members and of others, that counts as vulnerable.
    static let vulnerableShare = 0.1

    /// Computes each image's score, 0 to 1; values above 1/2 suggest that it was seen and forgotten.
    /// - Parameters:
    ///   - attacked: the attacked model's φ of each image.
    ///   - unlearned: for each image φ of shadow models that saw and forgot it, one or more.
    ///   - unseen: for each image φ of shadow models that never saw it, one or more.
    package static func scores(attacked: [Double], unlearned: [[Double]], unseen: [[Double]]) -> [Double] {
        attacked.indices.map { index in
            let ratio =
                logDensity(attacked[index], of: unlearned[index]) - logDensity(attacked[index], of: unseen[index])
            return 1 / (1 + exp(-ratio))
        }
    }

    /// Computes how far having seen an image moves the confidence in it, in standard deviations, for each image.
    package static func vulnerabilities(seen: [[Double]], unseen: [[Double]]) -> [Double] {
        zip(seen, unseen).map { seen, unseen in
            let (seenMean, seenVariance) = moments(seen)
            let (unseenMean, unseenVariance) = moments(unseen)
            // Equal confidences of few models do not mean certainty.
            return (seenMean - unseenMean) / max(1e-3, ((seenVariance + unseenVariance) / 2).squareRoot())
        }
    }

    /// Finds the most vulnerable tenth of the members and of the other images, in rising order.
    /// - Parameters:
    ///   - seen: for each image φ of shadow models that saw it and have not forgotten it.
    ///   - unseen: for each image φ of shadow models that never saw it.
    ///   - members: how many of the images, the first ones, are members.
    package static func vulnerable(seen: [[Double]], unseen: [[Double]], members: Int) -> [Int] {
        let values = vulnerabilities(seen: seen, unseen: unseen)
        return [0..<members, members..<values.count].flatMap { rows in
            let count = Int((Double(rows.count) * vulnerableShare).rounded(.up))
            return rows.sorted { (values[$1], $0) < (values[$0], $1) }.prefix(count).sorted()
        }
    }

    /// Computes the logarithm of a density of Gaussian kernels; finite also far from all of them.
    private static func logDensity(_ value: Double, of kernels: [Double]) -> Double {
        let exponents = kernels.map { kernel in
            let distance = (value - kernel) / bandwidth
            return -0.5 * distance * distance
        }
        let largest = exponents.max() ?? 0
        let sum = exponents.reduce(0) { $0 + exp($1 - largest) }
        return largest + log(sum / (Double(max(1, kernels.count)) * bandwidth)) - 0.5 * log(2 * Double.pi)
    }

    private static func moments(_ values: [Double]) -> (mean: Double, variance: Double) {
        let mean = Statistics.mean(values) ?? 0
        return (mean, Statistics.mean(values.map { ($0 - mean) * ($0 - mean) }) ?? 0)
    }

    static let description = MeasureDescription(
        .rectifiedLikelihoodAttack, title: "Rectified likelihood inference (RULI)",
        definition:
            "Area under the ROC curve of an attack that tells the forgotten classes' training images from their test "
            + "images by the density of confidences after forgetting against that of models that never saw the image; 50 % is "
            + "guessing. Rows: the vulnerable images apart, which are told best before forgetting.",
        source:
            "Naderloui et al. 2025, Rectifying Privacy and Efficacy Measurements in Machine Unlearning (USENIX Security)",
        group: .membership, unit: .share, direction: .closerToRetrained)
}
