import Foundation
import TestSupport
import Testing
import Unlearning

@Suite("Measures of outputs", .tags(.audit))
struct OutputMeasureTests {
    private let outputs: AuditFixture.Outputs
    private let first: Predictions
    private let second: Predictions

    init() throws {
        outputs = try AuditFixture.read().outputs
        first = try outputs.predictions(outputs.first)
        second = try outputs.predictions(outputs.second)
    }

    @Test("accuracies and recalls are scikit-learn's")
    func accuracies() throws {
        let scores = Accuracies.scores(first, labels: outputs.labels)
        #expect(abs(try #require(Statistics.mean(scores)) - outputs.accuracy) < 1e-12)
        let recalls = Accuracies.perClass(scores: scores, labels: outputs.labels, classes: 5).compactMap { $0 }
        #expect(largestDifference(recalls, outputs.recalls) < 1e-12)
        let confusion = Accuracies.confusion(first, labels: outputs.labels, with: [AuditFixture.Outputs.forgotten])
        #expect(largestDifference(confusion.map { $0 ?? -1 }, outputs.confusion) < 1e-12)
    }

    @Test("distances are SciPy's, also of answers that single precision calls certain")
    func distances() throws {
        #expect(largestDifference(TotalVariation.scores(first, second), outputs.totalVariation) < 1e-12)
        #expect(largestDifference(JensenShannon.scores(first, second), outputs.jensenShannon) < 1e-9)
        #expect(largestDifference(SoftmaxDistance.scores(first, second), outputs.softmaxDistance) < 1e-12)
        let agreement = try #require(Statistics.mean(PredictionAgreement.scores(first, second)))
        #expect(abs(agreement - outputs.agreement) < 1e-12)
        let forgetting = ZeroRetrainForgetting.scores(first, untrained: second)
        #expect(largestDifference(forgetting, outputs.jensenShannon.map { 1 - $0 }) < 1e-9)
    }

    @Test("entropies, confidences and losses are SciPy's")
    func scores() {
        #expect(largestDifference(MembershipInference.entropies(first), outputs.entropies) < 1e-12)
        let confidences = MembershipInference.confidences(first, labels: outputs.labels)
        #expect(largestDifference(confidences, outputs.confidences) < 1e-12)
        #expect(largestDifference(MembershipInference.losses(first, labels: outputs.labels), outputs.losses) < 1e-9)
    }

    @Test("the spread of predictions is SciPy's entropy of the histogram")
    func spread() throws {
        let rows = outputs.labels.indices.filter { outputs.labels[$0] == AuditFixture.Outputs.forgotten }
        let histogram = PredictionSpread.histogram(predicted: rows.map { first.predicted[$0] }, classes: 5)
        #expect(largestDifference(histogram, outputs.histogram) < 1e-12)
        let spread = try #require(PredictionSpread.entropy(of: histogram, without: [AuditFixture.Outputs.forgotten]))
        #expect(abs(spread - outputs.spread) < 1e-12)
    }

    @Test("two certain and different answers are as far apart as can be, equal ones not at all")
    func extremes() throws {
        let certain = try Predictions(logits: Tensor([500, 0, 0, 0, 500, 0], shape: [2, 3]))
        let swapped = certain[[1, 0]]
        let diagonal = Double(2).squareRoot()
        #expect(largestDifference(TotalVariation.scores(certain, swapped), [1, 1]) < 1e-12)
        #expect(largestDifference(JensenShannon.scores(certain, swapped), [1, 1]) < 1e-12)
        #expect(
            largestDifference(SoftmaxDistance.scores(certain, swapped), [diagonal, diagonal]) < 1e-12)
        #expect(PredictionAgreement.scores(certain, swapped) == [0, 0])
        #expect(TotalVariation.scores(certain, certain) == [0, 0] && JensenShannon.scores(certain, certain) == [0, 0])
        #expect(PredictionAgreement.scores(certain, certain) == [1, 1])
        #expect(largestDifference(MembershipInference.entropies(certain), [0, 0]) < 1e-12)
    }

    @Test("half of two classes against one of them, by hand")
    func byHand() {
        // p = (1/2, 1/2), q = (1, 0), m = (3/4, 1/4): (1/2 log2(2/3) + 1/2 log2 2 + log2(4/3)) / 2
        let expected = (0.5 * log2(2.0 / 3) + 0.5 + log2(4.0 / 3)) / 2
        #expect(abs(JensenShannon.divergence([0.5, 0.5], [1, 0]) - expected) < 1e-15)
        #expect(PredictionSpread.entropy(of: [0.5, 0.25, 0.25], without: [0]) == 1)
        #expect(PredictionSpread.entropy(of: [0, 1, 0], without: [0]) == 0)
        #expect(PredictionSpread.entropy(of: [1, 0, 0], without: [0]) == nil)
        #expect(PredictionSpread.histogram(predicted: [-1, -1], classes: 2) == [0, 0])
    }

    @Test("an undefined logit is no prediction and agrees with nothing")
    func undefined() throws {
        let broken = try Predictions(logits: Tensor([.nan, 1, 2, 1], shape: [2, 2]))
        #expect(broken.predicted == [-1, 0])
        #expect(PredictionAgreement.scores(broken, broken) == [0, 1])
        #expect(Accuracies.scores(broken, labels: [0, 0]) == [0, 1])
    }
}
