import NeuralGraph
import TestSupport
import Testing

@Suite("Pooling", .tags(.operations)) struct PoolingTests {
    private let worst = WorstErrors("pooling")

    @Test(
        "random geometries agree with two-sided differences",
        arguments: [
            Pooling.Method.maximum, .average(countsPadding: true), .average(countsPadding: false),
        ])
    func randomGeometriesAgreeWithTwoSidedDifferences(_ method: Pooling.Method) throws {
        var random = SeededRandom(seed: 4, stream: "pooling")
        var remaining = 40
        var roundedUp = 0
        while remaining > 0 {
            let kernelSize = Size2D(height: random.pick([1, 2, 3, 4]), width: random.pick([1, 2, 3, 5]))
            func padding(_ length: Int) -> Int { Int.random(in: 0...length / 2, using: &random) }
            let operation = Pooling(
                method, kernelSize: kernelSize,
                stride: Size2D(height: random.pick([1, 2, 3]), width: random.pick([1, 2, 3])),
                padding: Padding(
                    top: padding(kernelSize.height), left: padding(kernelSize.width),
                    bottom: padding(kernelSize.height),
                    right: padding(kernelSize.width)),
                roundsUp: Bool.random(using: &random))
            let shape: TensorShape = [
                random.pick([1, 2, 5, 6, 9]), random.pick([1, 3, 4, 7, 8]), random.pick([1, 2, 3]),
            ]
            guard
                let item = try? OperationCase(
                    shape, batch: random.pick([1, 2]), seed: random.next(),
                    input: { $0.distinct($1, gap: 0.01) },
                    build: { _ = try $0.add(operation, named: "pool", $0.input) })
            else { continue }
            remaining -= 1
            if operation.roundsUp { roundedUp += 1 }
            try item.expectCorrect(worst, "\(operation) of \(item.batch) x \(shape)")
        }
        #expect(roundedUp > 10)
    }

    /// What PyTorch 2.15 gives for `arange(1, 6)` with a window of 3, a stride of 3 and a padding of 1.
    @Test(
        "known values",
        arguments: [
            (Pooling.Method.maximum, false, [2, 5] as [Float]), (.average(countsPadding: true), false, [1, 4]),
            (.average(countsPadding: false), false, [1.5, 4]),
        ])
    func knownValues(_ method: Pooling.Method, _ roundsUp: Bool, _ expected: [Float]) throws {
        #expect(try pooled([1, 2, 3, 4, 5], method, kernelSize: 3, stride: 3, padding: 1, roundsUp) == expected)
    }

    /// A window that hangs over the padding (`ceil_mode`) counts what lies within the padded image alone.
    @Test("windows beyond the padding are cut") func windowsBeyondThePaddingAreCut() throws {
        let input: [Float] = [1, 2, 3, 4, 5, 6]
        #expect(
            try pooled(input, .average(countsPadding: true), kernelSize: 4, stride: 4, padding: 0, true) == [2.5, 5.5])
        #expect(
            try pooled(input, .average(countsPadding: true), kernelSize: 4, stride: 3, padding: 1, true) == [
                1.5, 4.5, 3,
            ])
        #expect(
            try pooled(input, .average(countsPadding: false), kernelSize: 4, stride: 3, padding: 1, true) == [
                2, 4.5, 6,
            ])
    }

    @Test("global average", arguments: [[4, 5, 3], [1, 1, 2], [7, 3, 1]] as [TensorShape], [1, 3])
    func globalAverage(_ shape: TensorShape, _ batch: Int) throws {
        let item = try OperationCase(shape, batch: batch, seed: 5) {
            _ = try $0.globalAveragePool($0.input, named: "pool")
        }
        try item.expectCorrect(worst, "global average of \(shape)")
    }

    /// Outputs that divide the image, that do not, and that are larger.
    @Test(
        "adaptive average", arguments: [[6, 4, 3], [7, 5, 17], [1, 1, 2], [2, 3, 1]] as [TensorShape],
        [(3, 2), (7, 7), (1, 4), (5, 3)])
    func adaptiveAverage(_ shape: TensorShape, _ size: (height: Int, width: Int)) throws {
        let item = try OperationCase(shape, batch: 2, seed: 7) {
            _ = try $0.adaptiveAveragePool(
                $0.input, named: "pool", output: Size2D(height: size.height, width: size.width))
        }
        try item.expectCorrect(worst, "adaptive average of \(shape) to \(size)")
    }

    /// What PyTorch 2.15 gives for `arange(1, 6)`.
    @Test(
        "adaptive average of a row",
        arguments: [
            (2, [2, 4]), (3, [1.5, 3, 4.5]), (7, [1, 1.5, 2.5, 3, 3.5, 4.5, 5]),
        ] as [(Int, [Float])])
    func adaptiveAverageOfARow(_ count: Int, _ expected: [Float]) throws {
        var item = try OperationCase([1, 5, 1], batch: 1, seed: 1) {
            _ = try $0.adaptiveAveragePool($0.input, named: "pool", output: Size2D(height: 1, width: count))
        }
        item.input = [1, 2, 3, 4, 5]
        #expect(try item.run(EngineRun.Options().with { $0.request = .nothing }).output == expected)
    }

    @Test("adaptive average needs an output", arguments: [Size2D(0), Size2D(height: 2, width: -1)])
    func adaptiveAverageNeedsAnOutput(_ output: Size2D) {
        var builder = GraphBuilder(inputShape: [4, 4, 2])
        let error = #expect(throws: ShapeError.self) {
            try builder.adaptiveAveragePool(builder.input, named: "pool", output: output)
        }
        #expect(error?.place == "pool")
    }

    /// The first of equal numbers gets the gradient, as in PyTorch.
    @Test("ties go to the first") func tiesGoToTheFirst() throws {
        var item = try OperationCase([2, 2, 1], batch: 1, seed: 6) {
            _ = try $0.maxPool($0.input, named: "pool", kernelSize: 2)
        }
        item.input = [3, 7, 7, 7]
        item.outputGradient = [5]
        #expect(try item.run().inputGradient == [0, 5, 0, 0])
    }

    /// Pools a row of numbers.
    private func pooled(
        _ input: [Float], _ method: Pooling.Method, kernelSize: Int, stride: Int, padding: Int, _ roundsUp: Bool
    ) throws -> [Float] {
        var item = try OperationCase([1, input.count, 1], batch: 1, seed: 1) { builder in
            let operation = Pooling(
                method, kernelSize: Size2D(height: 1, width: kernelSize), stride: Size2D(height: 1, width: stride),
                padding: Padding(top: 0, left: padding, bottom: 0, right: padding), roundsUp: roundsUp)
            _ = try builder.add(operation, named: "pool", builder.input)
        }
        item.input = input
        return try item.run(EngineRun.Options().with { $0.request = .nothing }).output
    }
}
