import NeuralGraph
import TestSupport
import Testing

@Suite("Reduction", .tags(.operations)) struct ReductionTests {
    private let worst = WorstErrors("reduction")

    @Test("reduction", arguments: ReductionKind.allCases, [[0], [1], [2], [-1, 0], [1, 0], [0, 1, 2], [], [1, 2]])
    func reduction(_ kind: ReductionKind, _ axes: [Int]) throws {
        for keepsAxes in [false, true] {
            try worst.expectCorrect(
                Reduction(kind, axes: axes, keepsAxes: keepsAxes), [4, 3, 5], "\(kind) over \(axes)")
        }
    }

    @Test("the first maximum gets the gradient") func theFirstMaximumGetsTheGradient() throws {
        var item = try OperationCase([2, 3], batch: 2, seed: 1) {
            _ = try $0.reduction(.maximum, $0.input, named: "max", axes: [1])
        }
        item.input = [1, 3, 3, -1, -2, -1, -.infinity, -.infinity, -.infinity, 0, .nan, 5]
        item.outputGradient = [1, 2, 3, 4]
        let run = try item.run()
        #expect(run.output[..<3] == [3, -1, -.infinity])
        #expect(run.output[3].isNaN)
        #expect(run.inputGradient == [0, 1, 0, 2, 0, 0, 3, 0, 0, 0, 4, 0])
    }
}
