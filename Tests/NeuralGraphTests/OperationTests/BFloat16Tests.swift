import NeuralGraph
import TestSupport
import Testing

/// Products of bfloat16 factors: rounding them is exact where they are bfloat16 numbers already, so that the results must be
/// those of the definition in Double, within the tolerances for floats.
@Suite("bfloat16", .tags(.operations)) struct BFloat16Tests {
    private let worst = WorstErrors("bfloat16")
    private static let options = EngineRun.Options().with { $0.precision = .bfloat16 }

    @Test(
        "convolutions of bfloat16 numbers agree with the reference", .tags(.slow), .slow,
        arguments: FuzzedConvolution.allCases)
    func convolutionsAgreeWithTheReference(_ kind: FuzzedConvolution) throws {
        var random = SeededRandom(seed: 21, stream: "bfloat16.\(kind.rawValue)")
        for _ in 0..<24 { try check(kind.draw(&random), random.pick([.fast, .fast, .strict])) }
    }

    /// Several tasks in every loop, odd numbers of channels and images, weights that are cut into groups.
    @Test(
        "large convolutions of bfloat16 numbers agree with the reference",
        arguments: [
            (Convolution(outputChannels: 64, kernelSize: 7, stride: 2, padding: 3, hasBias: false), [33, 31, 3], 13),
            (Convolution(outputChannels: 48, kernelSize: 3, stride: 2, padding: 1), [15, 13, 37], 17),
            (Convolution(outputChannels: 80, kernelSize: 1), [13, 11, 51], 9),
            (Convolution(outputChannels: 272, kernelSize: 3, padding: 1), [1, 2, 131], 101),
            (Convolution(outputChannels: 64, kernelSize: 1, stride: 2), [12, 12, 64], 12),
            (Convolution(outputChannels: 70, kernelSize: 3, padding: 1), [22, 18, 67], 3),
        ] as [(Convolution, TensorShape, Int)])
    func largeConvolutionsAgreeWithTheReference(_ operation: Convolution, _ shape: TensorShape, _ batch: Int) throws {
        var random = SeededRandom(seed: 22, stream: "bfloat16")
        let item = try ConvolutionCase(operation, inputShape: shape, batch: batch, random: &random)
        try check(item, .fast)
        try check(item, .strict)
    }

    @Test(
        "linear layers and matrix products of bfloat16 numbers agree with two-sided differences",
        arguments: [[7], [3, 5], [2, 3, 4]] as [TensorShape])
    func linearLayersAgreeWithTwoSidedDifferences(_ shape: TensorShape) throws {
        for (batch, outputs) in [(1, 1), (4, 9), (130, 3)] {
            var item = try OperationCase(shape, batch: batch, seed: 1) {
                _ = try $0.linear($0.input, named: "linear", outputs: outputs)
            }
            try round(&item)
            try item.expectCorrect(worst, "linear, \(batch) x \(shape) to \(outputs)", Self.options)
        }
        for transposes in [false, true] {
            var item = try OperationCase([2, 5, 5], batch: 3, seed: 3) {
                _ = try $0.matMul($0.input, $0.input, named: "product", transposesSecond: transposes)
            }
            try round(&item)
            try item.expectCorrect(worst, "matrix product, transposed: \(transposes)", Self.options)
        }
    }

    /// Blocks of every size, remainders of rows, columns and the axis that is summed over.
    @Test(
        "large products of bfloat16 numbers agree with those of floats", arguments: [(150, 700, 300), (49, 257, 129)])
    func largeProducts(_ batch: Int, _ inputs: Int, _ outputs: Int) throws {
        var item = try OperationCase([inputs], batch: batch, seed: 4) {
            _ = try $0.linear($0.input, named: "linear", outputs: outputs)
        }
        try round(&item)
        let (exact, run) = (try item.run(), try item.run(Self.options))
        #expect(relativeDifference(run.output, from: exact.output) < 1e-6)
        #expect(relativeDifference(run.inputGradient, from: exact.inputGradient) < 1e-6)
        for (name, gradient) in exact.parameterGradients {
            let found = try #require(run.parameterGradients[name])
            #expect(relativeDifference(found.elements, from: gradient.elements) < 1e-6, "\(name)")
        }
    }

    /// The other half: numbers that are not bfloat16 give the bits of their rounded ones, in every factor.
    @Test("factors are rounded to the nearest", arguments: FuzzedConvolution.allCases.filter { $0 != .depthwise })
    func factorsAreRoundedToTheNearest(_ kind: FuzzedConvolution) throws {
        var random = SeededRandom(seed: 23, stream: "bfloat16.\(kind.rawValue)")
        for _ in 0..<6 {
            var item = kind.draw(&random, products: 1_000_000)
            while item.operation.hasBias || item.operation.groups > 1 {
                item = kind.draw(&random, products: 1_000_000)
            }
            let options = Self.options.with { $0.algorithms = random.pick([.fast, .strict]) }
            let run = try EngineRun(item.model, input: item.input, outputGradient: item.outputGradient, options)
            let rounded = try EngineRun(
                item.model.roundedToBFloat16, input: item.input.roundedToBFloat16,
                outputGradient: item.outputGradient.roundedToBFloat16, options)
            #expect(run.output == rounded.output, "\(item), \(run.algorithms)")
            #expect(run.inputGradient == rounded.inputGradient, "\(item), \(run.algorithms)")
            #expect(run.parameterGradients == rounded.parameterGradients, "\(item), \(run.algorithms)")
            let exact = try EngineRun(item.model, input: item.input, outputGradient: item.outputGradient)
            let error = relativeDifference(run.output, from: exact.output)
            #expect(error > 1e-4 && error < 1e-2, "\(item): \(error)")
        }
    }

    @Test("halfway cases, infinite and undefined numbers") func specialNumbers() throws {
        let numbers: [Float] = [
            1 + 0x1p-8, 1 + 0x3p-8, 0x1.010002p0, -1 - 0x1p-8, .greatestFiniteMagnitude, .infinity, -.infinity,
            .nan,
            Float(bitPattern: 0x7f80_0001), -0.0, 0x1p-126,
        ]
        let expected: [Float] = [
            1, 1 + 0x4p-8, 1 + 0x2p-8, -1, .infinity, .infinity, -.infinity, .nan, .nan, 0, 0x1p-126,
        ]
        var builder = GraphBuilder(inputShape: [1])
        _ = try builder.linear(builder.input, named: "linear", outputs: 1, bias: false)
        let graph = try builder.graph()
        let model = try Model(graph: graph, seed: 0).replacing(["linear.weight": Tensor([1], shape: [1, 1])])
        let run = try EngineRun(
            model, input: numbers, outputGradient: [Float](repeating: 1, count: numbers.count), Self.options)
        for (index, value) in expected.enumerated() {
            #expect(run.output[index] == value || (run.output[index].isNaN && value.isNaN), "\(numbers[index])")
        }
    }

    /// The probabilities are factors too, so that no input makes attention exact.
    @Test("attention is within the rounding of its factors", arguments: [(5, 1, 4), (17, 2, 16), (65, 3, 64)])
    func attention(_ tokens: Int, _ heads: Int, _ width: Int) throws {
        var item = try OperationCase([tokens, 3 * heads * width], batch: 2, seed: 4) {
            _ = try $0.attention($0.input, named: "attention", heads: heads)
        }
        try round(&item)
        let (exact, run) = (try item.run(), try item.run(Self.options))
        for (found, expected) in [(run.output, exact.output), (run.inputGradient, exact.inputGradient)] {
            let error = relativeDifference(found, from: expected)
            // One rounding of each probability: 2^-9 at most, and less on average.
            #expect(error > 1e-6 && error < 3e-3, "\(error)")
        }
    }

    @Test("convolutions of one kernel for each channel stay as they are") func depthwise() throws {
        var random = SeededRandom(seed: 24, stream: "bfloat16")
        let item = try ConvolutionCase(
            Convolution(outputChannels: 24, kernelSize: 3, padding: 1, groups: 24), inputShape: [9, 7, 24], batch: 3,
            random: &random)
        for algorithms in Algorithms.allCases {
            let runs = try Precision.allCases.map { precision in
                try EngineRun(
                    item.model, input: item.input, outputGradient: item.outputGradient,
                    EngineRun.Options().with { ($0.precision, $0.algorithms) = (precision, algorithms) })
            }
            #expect(runs[0].output == runs[1].output)
            #expect(runs[0].parameterGradients == runs[1].parameterGradients)
        }
    }

    private func round(_ item: inout OperationCase) throws {
        item.model = try item.model.roundedToBFloat16
        item.input = item.input.roundedToBFloat16
        item.outputGradient = item.outputGradient.roundedToBFloat16
    }

    private func check(_ item: ConvolutionCase, _ algorithms: Algorithms) throws {
        let rounded = try item.roundedToBFloat16
        let run = try EngineRun(
            rounded.model, input: rounded.input, outputGradient: rounded.outputGradient,
            Self.options.with { $0.algorithms = algorithms })
        let errors = GradientErrors(run, from: rounded.referenceGradients())
        let place = "\(item), \(algorithms), \(run.algorithms[0])"
        let checks: [(String, Double, Double)] = [
            ("output", errors.output, Tolerance.output),
            ("input gradient", errors.input, Tolerance.inputGradient),
            ("parameter gradient", errors.worstParameter, Tolerance.weightGradient(positions: item.positions)),
        ]
        for (name, error, tolerance) in checks {
            #expect(worst.isWithin(tolerance, error, name, at: place), "\(place): \(name) is off by \(error)")
        }
    }
}
