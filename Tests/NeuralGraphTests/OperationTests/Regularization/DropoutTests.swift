import NeuralGraph
import TestSupport
import Testing

@Suite("Dropout", .tags(.operations)) struct DropoutTests {
    private let worst = WorstErrors("dropout")

    @Test("dropout agrees with two-sided differences", arguments: [Float(0), 0.25, 0.5, 0.9])
    func dropoutAgreesWithTwoSidedDifferences(_ probability: Float) throws {
        for mode in [Mode.training, .inference] {
            let options = EngineRun.Options().with { ($0.mode, $0.seed) = (mode, 17) }
            var item = try dropout([6, 5, 4], probability, batch: 3)
            item.dropoutFactors["drop"] = try factors(item, options).map(Double.init)
            try item.expectCorrect(worst, "dropout \(probability), \(mode)", options)
        }
    }

    @Test("dropout keeps the mean", arguments: [Float(0.25), 0.5, 0.9])
    func dropoutKeepsTheMean(_ probability: Float) throws {
        let item = try dropout([1000], probability, batch: 100)
        let factors = try factors(item, EngineRun.Options().with { $0.seed = 3 })
        let kept = factors.filter { $0 != 0 }
        #expect(Set(kept) == [1 / (1 - probability)])
        // Six standard deviations of a binomial share.
        let deviation = (Double(probability * (1 - probability)) / Double(factors.count)).squareRoot()
        let share = 1 - Double(kept.count) / Double(factors.count)
        #expect(abs(share - Double(probability)) < 6 * deviation)
    }

    @Test("dropout follows the seed alone") func dropoutFollowsTheSeedAlone() throws {
        let item = try dropout([40_000], 0.5, batch: 3)
        func drawn(_ seed: UInt64, workers: Int) throws -> [Float] {
            try factors(item, EngineRun.Options().with { ($0.seed, $0.workers) = (seed, workers) })
        }
        let first = try drawn(1, workers: 1)
        #expect(try drawn(1, workers: 3) == first)
        // Two steps, and two pieces of one step, share as many numbers as chance has it.
        let second = try drawn(2, workers: 2)
        let piece = ThreadTeam.chunkFloats
        for (a, b) in [(first[...], second[...]), (first[..<piece], first[piece..<2 * piece])] {
            let equal = zip(a, b).reduce(0) { $0 + ($1.0 == $1.1 ? 1 : 0) }
            let share = Double(equal) / Double(a.count)
            #expect(abs(share - 0.5) < 3 / Double(a.count).squareRoot())
        }
    }

    /// Recorded from a loop over ``SeededRandom``: at the start of a task, at its end, and in the next one.
    @Test("the elements that a seed drops stay the same")
    func droppedElements() throws {
        let factors = try factors(dropout([20_000], 0.3, batch: 2), EngineRun.Options().with { $0.seed = 5 })
        let recorded: [(Int, UInt64)] = [
            (0, 0x7091_2000_e354_8d50), (16_352, 0xc2c0_04d3_098b_031e), (16_384, 0x2808_1a20_c2c0_04d3),
            (39_936, 0x6080_1061_4630),
        ]
        for (start, expected) in recorded {
            var dropped: UInt64 = 0
            for bit in 0..<64 where factors[start + bit] == 0 { dropped |= 1 << UInt64(bit) }
            #expect(dropped == expected, "from \(start) on: \(String(dropped, radix: 16))")
        }
    }

    private func dropout(_ shape: TensorShape, _ probability: Float, batch: Int) throws -> OperationCase {
        try OperationCase(shape, batch: batch, seed: 2) {
            _ = try $0.dropout($0.input, named: "drop", probability: probability)
        }
    }

    /// What each number is multiplied with in one step.
    private func factors(_ item: OperationCase, _ options: EngineRun.Options) throws -> [Float] {
        var ones = item
        ones.input = [Float](repeating: 1, count: item.input.count)
        return try ones.run(options).output
    }
}
