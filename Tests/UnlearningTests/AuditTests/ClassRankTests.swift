import TestSupport
import Testing
import Unlearning

@Suite("Rank of the forgotten class", .tags(.audit))
struct ClassRankTests {
    @Test("is the label's position among the sorted logits")
    func sorted() throws {
        let outputs = try AuditFixture.read().outputs
        let classes = AuditFixture.Outputs.classes
        let ranks = ClassRank.scores(try outputs.predictions(outputs.first), labels: outputs.labels)
        for (row, label) in outputs.labels.enumerated() {
            let logits = Array(outputs.first[row * classes..<(row + 1) * classes])
            try #require(Set(logits).count == classes, "no ties, which a sort would break in some order")
            let order = logits.indices.sorted { logits[$0] > logits[$1] }
            #expect(try ranks[row] == Double(#require(order.firstIndex(of: label)) + 1))
        }
        #expect(Set(ranks).count > 3)
    }

    @Test("is 1 for the predicted class, the number of classes for the last, and shared by equal ones")
    func byHand() throws {
        let predictions = try Predictions(logits: Tensor([3, 2, 1, 5, 5, 5, 0, 4, 4], shape: [3, 3]))
        #expect(ClassRank.scores(predictions, labels: [0, 0, 0]) == [1, 2, 3])
        #expect(ClassRank.scores(predictions, labels: [2, 1, 2]) == [3, 2, 1.5])
    }

    @Test("an audit averages it over forgotten test images, and tells a class that was moved to second place")
    func audit() async throws {
        let model = try await Patterns.model
        let gold = try await AuditedModels.retrained
        let result = try await AuditedModels.audit(
            try await AuditedModels.alsoRetrained, retrained: gold, configuration: .quick)
        let rank = try #require(result[.forgottenClassRank])
        #expect(rank.rows.isEmpty && rank.measure.greatest == 6 && rank.verdict == .notJudged)
        let (original, retrained) = (try #require(rank.original), try #require(rank.retrained))
        #expect(original.value < 1.5 && retrained.mean > 4)
        // Both put every image on the same rank, so that no interval can be taken from these images.
        let gap = try #require(rank.gap)
        #expect(abs(gap.value - (try #require(rank.unlearned).value - retrained.mean)) < 1e-12)

        let two = try await Audit(configuration: .quick).run(
            original: model, unlearned: model, forgotten: [1, 2], data: AuditedModels.data)
        let parts = try #require(two[.forgottenClassRank])
        #expect(parts.rows.map(\.index) == [1, 2])
        let mean = parts.rows.compactMap(\.values.unlearned).reduce(0, +) / 2
        #expect(abs(mean - (try #require(parts.unlearned?.value))) < 1e-12, "the classes have as many test images each")
    }
}
