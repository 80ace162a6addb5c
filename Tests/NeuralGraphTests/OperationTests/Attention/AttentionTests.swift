import NeuralGraph
import TestSupport
import Testing

@Suite("Attention", .tags(.operations)) struct AttentionTests {
    private let worst = WorstErrors("attention")

    @Test(
        "packed attention agrees with two-sided differences", .tags(.slow), .slow,
        arguments: [(5, 1, 4, nil), (7, 3, 2, nil), (17, 2, 16, nil), (1, 2, 3, 0.7), (33, 1, 8, 0.05)]
            as [(Int, Int, Int, Float?)])
    func packedAttentionAgreesWithTwoSidedDifferences(_ tokens: Int, _ heads: Int, _ width: Int, _ scale: Float?) throws
    {
        let item = try OperationCase([tokens, 6], batch: tokens > 16 ? 1 : 3, seed: 4) { builder in
            let x = try builder.linear(builder.input, named: "qkv", outputs: 3 * heads * width)
            let y = try builder.attention(x, named: "attention", heads: heads, scale: scale)
            let sum = try builder.reduction(.sum, x, named: "other", axes: [0, 1])
            _ = try builder.arithmetic(.addition, y, sum, named: "last")
        }
        try item.expectCorrect(worst, "\(tokens) tokens, \(heads) heads of \(width)")
    }

    @Test("attention of three inputs agrees with two-sided differences", arguments: [(5, 5, 1), (3, 8, 2), (9, 2, 3)])
    func attentionOfThreeInputsAgreesWithTwoSidedDifferences(_ queries: Int, _ keys: Int, _ heads: Int) throws {
        let item = try OperationCase([queries + keys, 5], batch: 2, seed: 5) { builder in
            let q = try builder.slice(builder.input, named: "first", axis: 0, start: 0, count: queries)
            let other = try builder.slice(builder.input, named: "second", axis: 0, start: queries, count: keys)
            let width = heads * 2
            _ = try builder.attention(
                queries: builder.linear(q, named: "q", outputs: width),
                // A bias of the keys moves all of a query's scores alike: its gradient is 0 but for rounding.
                keys: builder.linear(other, named: "k", outputs: width, bias: false),
                values: builder.linear(other, named: "v", outputs: width), named: "attention", heads: heads)
        }
        try item.expectCorrect(worst, "\(queries) queries, \(keys) keys, \(heads) heads")
    }

    /// One value as queries, keys and values: three shares of one gradient.
    @Test("attention of one value to itself") func attentionOfOneValueToItself() throws {
        let item = try OperationCase([6, 4], batch: 2, seed: 6) { builder in
            let x = try builder.linear(builder.input, named: "x", outputs: 4)
            _ = try builder.attention(queries: x, keys: x, values: x, named: "attention", heads: 2)
        }
        try item.expectCorrect(worst, "one value")
    }

    /// Forward passes without a backward one keep no probabilities, and give the same.
    @Test("attention in inference") func attentionInInference() throws {
        let item = try OperationCase([9, 12], batch: 5, seed: 7) {
            _ = try $0.attention($0.input, named: "attention", heads: 2)
        }
        let full = try item.run()
        let forward = try item.run(EngineRun.Options().with { $0.request = .nothing })
        #expect(forward.output == full.output)
        #expect(forward.byteCount < full.byteCount)
    }
}
