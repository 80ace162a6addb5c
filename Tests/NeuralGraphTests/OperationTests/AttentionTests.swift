import NeuralGraph
import TestSupport
import Testing

/// Softmax, products of two inputs, attention, and the normalizations of networks without batch norm.
@Suite struct AttentionTests {
    private let worst = WorstErrors("attention and normalization")

    @Test(arguments: [([17], -1), ([3, 33], 1), ([3, 4, 5], 0), ([3, 4, 20], 1), ([4, 1], -1), ([2, 3, 1], 1)])
    func softmaxAgreesWithTwoSidedDifferences(_ shape: [Int], _ axis: Int) throws {
        let item = try OperationCase(TensorShape(shape), batch: 3, seed: 1) { builder in
            let x = try builder.pointwise(builder.input, named: "x", .affine(scale: 3, shift: 1))
            let once = try builder.softmax(x, named: "once", axis: axis)
            _ = try builder.arithmetic(.multiplication, x, once, named: "last")
        }
        try item.expectCorrect(worst, "softmax over axis \(axis) of \(shape)")
    }

    @Test(arguments: [-1, 0])
    func softmaxOfLargeNumbers(_ axis: Int) throws {
        var item = try OperationCase(axis == 0 ? [3, 2] : [2, 3], batch: 1, seed: 1) {
            _ = try $0.softmax($0.input, named: "softmax", axis: axis)
        }
        item.input = axis == 0 ? [1e30, 0, 1e30, -200, -1e30, 0] : [1e30, 1e30, -1e30, 0, -200, 0]
        let output = try item.run().output
        #expect(output == (axis == 0 ? [0.5, 0.5, 0.5, 0, 0, 0.5] : [0.5, 0.5, 0, 0.5, 0, 0.5]))
    }

    /// Products of an input's own parts, with repeated and with equal leading axes.
    @Test(arguments: [false, true], [([], []), ([2], [2]), ([2], []), ([], [3]), ([2, 1], [3]), ([1, 3], [2, 1])])
    func matrixProductsAgreeWithTwoSidedDifferences(_ transposes: Bool, _ leading: ([Int], [Int])) throws {
        let (m, k, n) = (3, 4, 5)
        let first = TensorShape(leading.0 + [m, k])
        let second = TensorShape(leading.1 + (transposes ? [n, k] : [k, n]))
        let item = try OperationCase([first.count + second.count], batch: 3, seed: 2) { builder in
            let a = try builder.slice(builder.input, named: "a", axis: 0, start: 0, count: first.count)
            let b = try builder.slice(builder.input, named: "b", axis: 0, start: first.count, count: second.count)
            _ = try builder.matMul(
                builder.reshape(a, named: "first", shape: first),
                builder.reshape(b, named: "second", shape: second),
                named: "product", transposesSecond: transposes)
        }
        try item.expectCorrect(worst, "\(first) and \(second)")
    }

    /// A matrix with itself, whose two shares are added up.
    @Test func squaresAgreeWithTwoSidedDifferences() throws {
        let item = try OperationCase([2, 4, 3], batch: 3, seed: 3) {
            _ = try $0.matMul($0.input, $0.input, named: "gram", transposesSecond: true)
        }
        try item.expectCorrect(worst, "a matrix with itself")
    }

    @Test(
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

    @Test(arguments: [(5, 5, 1), (3, 8, 2), (9, 2, 3)])
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
    @Test func attentionOfOneValueToItself() throws {
        let item = try OperationCase([6, 4], batch: 2, seed: 6) { builder in
            let x = try builder.linear(builder.input, named: "x", outputs: 4)
            _ = try builder.attention(queries: x, keys: x, values: x, named: "attention", heads: 2)
        }
        try item.expectCorrect(worst, "one value")
    }

    /// Forward passes without a backward one keep no probabilities, and give the same.
    @Test func attentionInInference() throws {
        let item = try OperationCase([9, 12], batch: 5, seed: 7) {
            _ = try $0.attention($0.input, named: "attention", heads: 2)
        }
        let full = try item.run()
        let forward = try item.run(EngineRun.Options().with { $0.request = .nothing })
        #expect(forward.output == full.output)
        #expect(forward.byteCount < full.byteCount)
    }

    private static let normalized: [TensorShape] = [[3, 17], [40], [2, 3, 5], [4, 16]]

    @Test(arguments: normalized.indices, [(true, true), (true, false), (false, true), (false, false)])
    func layerNormalizationAgreesWithTwoSidedDifferences(_ index: Int, _ parts: (Bool, Bool)) throws {
        let shape = Self.normalized[index]
        for (mean, deviation) in [(0.0, 1.0), (3, 0.5)] {
            let item = try OperationCase(shape, batch: 3, seed: 8) { random, count in
                random.normals(count, mean: mean, deviation: deviation)
            } build: { builder in
                let x = try builder.pointwise(builder.input, named: "x", .affine(scale: 2, shift: 0.5))
                let y = try builder.layerNormalization(
                    x, named: "norm", epsilon: 1e-6, hasScale: parts.0, hasShift: parts.1)
                let z = try builder.layerNormalization(y, named: "again")
                _ = try builder.arithmetic(.addition, z, x, named: "sum")
            }
            try item.expectCorrect(worst, "layer norm of \(shape), \(parts), mean \(mean)")
        }
    }

    @Test(arguments: [([3, 4, 6], 1), ([3, 4, 6], 2), ([3, 4, 6], 6), ([300, 2], 1), ([20], 4), ([17, 33], 3)])
    func groupNormalizationAgreesWithTwoSidedDifferences(_ shape: [Int], _ groups: Int) throws {
        let item = try OperationCase(TensorShape(shape), batch: 3, seed: 9) { random, count in
            random.normals(count, mean: 2, deviation: 1.5)
        } build: { builder in
            _ = try builder.groupNormalization(builder.input, named: "norm", groups: groups)
        }
        try item.expectCorrect(worst, "\(groups) groups of \(shape)")
    }
}
