import NeuralGraph
import TestSupport
import Testing

/// Operations that move elements, repeat them or join them.
@Suite("Rearrangement", .tags(.operations)) struct RearrangementTests {
    private let worst = WorstErrors("rearrangement")

    @Test(
        "transpose",
        arguments: [
            ([4, 3, 5], [0, 1, 2]), ([4, 3, 5], [1, 0, 2]), ([4, 3, 5], [2, 0, 1]), ([4, 3, 5], [1, 2, 0]),
            ([4, 3, 5], [-1, 1, 0]), ([4, 3], [1, 0]), ([2, 3, 2, 4], [0, 2, 1, 3]), ([2, 3, 2, 4], [3, 1, 0, 2]),
            ([6], [0]),
            ([], []), ([1, 4, 1, 3], [3, 0, 2, 1]),
        ] as [([Int], [Int])])
    func transpose(_ shape: [Int], _ axes: [Int]) throws {
        try worst.expectCorrect(Transpose(axes: axes), TensorShape(shape), "permutation \(axes)")
    }

    @Test(
        "reshape", arguments: [([4, 3, 5], [60]), ([4, 6], [2, 2, 6]), ([1], []), ([], [1, 1])] as [([Int], [Int])])
    func reshape(_ from: [Int], _ to: [Int]) throws {
        try worst.expectCorrect(Reshape(shape: TensorShape(to)), TensorShape(from), "reshaping to \(to)")
    }

    @Test(
        "slice",
        arguments: [
            Slice(axis: 0, start: 1, count: 2), Slice(axis: 1, start: 0, count: 2, step: 2),
            Slice(axis: -1, start: 3, count: 2), Slice(axis: 2, start: 4, count: 3, step: -2),
            Slice(axis: 0, start: 3, count: 4, step: -1), Slice(axis: 1, start: 0, count: 3),
            Slice(axis: 1, start: 2, count: 1, step: -7),
        ])
    func slice(_ operation: Slice) throws {
        try worst.expectCorrect(operation, [4, 3, 5], "\(operation)")
    }

    @Test(
        "gather",
        arguments: [(0, [2, 0, 0, 3]), (1, [0]), (-1, [4, 3, 2, 1, 0]), (2, [1, 2, 1, 2, 1, 2])] as [(Int, [Int])])
    func gather(_ axis: Int, _ places: [Int]) throws {
        try worst.expectCorrect(Gather(axis: axis, places: places), [4, 3, 5], "places \(places) of axis \(axis)")
    }

    @Test(
        "places beyond an axis are refused",
        arguments: [(0, []), (0, [4]), (0, [-1]), (3, [0]), (0, [0, 7, 1])] as [(Int, [Int])])
    func placesBeyondAnAxisAreRefused(_ axis: Int, _ places: [Int]) throws {
        #expect(throws: ShapeError.self) {
            var builder = GraphBuilder(inputShape: [4, 3, 5])
            _ = try builder.gather(builder.input, named: "places", axis: axis, places: places)
        }
    }

    @Test(
        "expand",
        arguments: [
            ([3, 1], [4, 3, 5]), ([1], [7]), ([], [2, 3]), ([4, 1, 5], [3, 1]), ([4, 3, 5], [1]), ([5], [2, 1]),
        ] as [([Int], [Int])])
    func expand(_ from: [Int], _ to: [Int]) throws {
        try worst.expectCorrect(Expand(shape: TensorShape(to)), TensorShape(from), "broadcasting to \(to)")
    }

    @Test(
        "padding", arguments: PaddingMode.allCases,
        [[[0, 0, 0], [0, 0, 0]], [[1, 2, 0], [2, 0, 0]], [[1, 1, 4], [3, 2, 1]]])
    func padding(_ mode: PaddingMode, _ borders: [[Int]]) throws {
        try worst.expectCorrect(
            Pad(before: borders[0], after: borders[1], value: 0.75, mode: mode), [4, 3, 5], "\(mode) \(borders)")
    }

    @Test("concat", arguments: [0, 1, 2, -2, -1])
    func concat(_ axis: Int) throws {
        let place = axis < 0 ? axis + 3 : axis
        let item = try OperationCase([4, 3, 5], batch: 2, seed: 3) { builder in
            let x = try builder.linear(builder.input, named: "x", outputs: 5)
            let part = try builder.slice(x, named: "part", axis: axis, start: 1, count: 2)
            let joined = try builder.concat([part, x, builder.input, part], named: "joined", axis: axis)
            let shape = builder.shape(of: joined)
            #expect(shape[place] == 4 + 2 * [4, 3, 5][place])
            _ = try builder.pointwise(joined, named: "last", .silu)
        }
        try item.expectCorrect(worst, "concatenation along \(axis)")
    }

    /// One parameter for every example, under a name of its own.
    @Test("parameter value", arguments: [1, 3, 200])
    func parameterValue(_ batch: Int) throws {
        let item = try OperationCase([2, 4], batch: batch, seed: 4) { builder in
            let token = try builder.parameterValue(
                named: "token", shape: [1, 4], initializer: .constant(0), key: "cls.weight")
            let joined = try builder.concat([token, builder.input], named: "joined", axis: 0)
            _ = try builder.linear(joined, named: "fc", outputs: 2)
        }
        #expect(item.model.parameters["cls.weight"]?.shape == [1, 4])
        #expect(item.model.parameters["token.weight"] == nil)
        if batch < 200 {
            try item.expectCorrect(worst, "parameter value, batch \(batch)")
        } else {
            // Sums of many examples are those of few, repeated.
            var few = try OperationCase(item.model, batch: 2, seed: 4)
            few.outputGradient = (0..<few.outputGradient.count).map { place in
                stride(from: place, to: item.outputGradient.count, by: few.outputGradient.count).reduce(0) {
                    $0 + item.outputGradient[$1]
                }
            }
            let sum = try item.run().parameterGradients["cls.weight"]?.elements ?? []
            let expected = try few.run().parameterGradients["cls.weight"]?.elements ?? []
            #expect(relativeDifference(sum, from: expected) < 1e-5)
        }
    }
}
