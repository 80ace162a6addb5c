import NeuralGraph

/// Rank of the true class among a model's predictions for the forgotten classes' images, 1 to the number of classes.
///
/// 1 means that the class is predicted, 2 that only one other class is more probable. The retrained models' value is
/// the target: a forget accuracy of 0 with a rank close to 2 means that the class was only moved from first to second
/// place. The rank depends on the order of the outputs alone, so that a change of the last layer's bias is enough to
/// move it; probes examine the features.
/// Source: Tsoumakas, Katakis and Vlahavas 2010, "Mining Multi-label Data" (coverage, which counts from 0).
package enum ClassRank {
    /// Computes the rank of each example's label; classes of equal probability share their mean rank.
    package static func scores(_ predictions: Predictions, labels: [Int]) -> [Double] {
        labels.enumerated().map { row, label in
            let own = predictions.logProbability(row, label)
            var (above, equal) = (0, 0)
            for index in 0..<predictions.classes where index != label {
                let other = predictions.logProbability(row, index)
                if other > own { above += 1 } else if other == own { equal += 1 }
            }
            return 1 + Double(above) + Double(equal) / 2
        }
    }

    static let description = MeasureDescription(
        .forgottenClassRank, title: "Rank of the forgotten class",
        definition:
            "Mean rank of the true class among the model's probabilities for the forgotten classes' test images; 1 means "
            + "that it is predicted.",
        source: "Tsoumakas, Katakis and Vlahavas 2010, Mining Multi-label Data (coverage)",
        group: .outputs, unit: .number, least: 1, direction: .closerToRetrained)
}

/// Takes the mean rank over the forgotten classes' test images and, of several classes, of each class.
struct ClassRankMeasure: BuiltInMeasure {
    let descriptions = [ClassRank.description]
    let requirements: [EvidenceRequirement] = [.forgottenClasses, .forgottenTest]

    func examine(_ evidence: AuditEvidence, into findings: inout AuditFindings) throws {
        let rows = evidence.test.forgotten
        let labels = rows.map { evidence.test.labels[$0] }
        let scores = evidence.models.map { ClassRank.scores($0.test.predictions[rows], labels: labels) }
        var description = ClassRank.description
        description.greatest = Double(evidence.classCount)
        // A single class is the whole.
        let classes = evidence.forgottenClasses.count > 1 ? evidence.forgottenClasses.sorted() : []
        let parts = classes.map { index in
            let members = labels.indices.filter { labels[$0] == index }
            let means = scores.map { scores in Statistics.mean(members.map { scores[$0] }) }
            return MeasureRow(name: evidence.classNames[index], index: index, values: means.byModel)
        }
        findings.results.append(
            evidence.result(
                description, meanOf: scores.map { $0 as [Double]? }, rows: parts,
                rowKind: parts.isEmpty ? nil : .classes))
    }
}
