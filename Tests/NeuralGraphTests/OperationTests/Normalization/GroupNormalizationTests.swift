import NeuralGraph
import TestSupport
import Testing

@Suite("Group normalization", .tags(.operations)) struct GroupNormalizationTests {
    private let worst = WorstErrors("group normalization")

    @Test(
        "group normalization agrees with two-sided differences",
        arguments: [([3, 4, 6], 1), ([3, 4, 6], 2), ([3, 4, 6], 6), ([300, 2], 1), ([20], 4), ([17, 33], 3)])
    func groupNormalizationAgreesWithTwoSidedDifferences(_ shape: [Int], _ groups: Int) throws {
        let item = try OperationCase(TensorShape(shape), batch: 3, seed: 9) { random, count in
            random.normals(count, mean: 2, deviation: 1.5)
        } build: { builder in
            _ = try builder.groupNormalization(builder.input, named: "norm", groups: groups)
        }
        try item.expectCorrect(worst, "\(groups) groups of \(shape)")
    }
}
