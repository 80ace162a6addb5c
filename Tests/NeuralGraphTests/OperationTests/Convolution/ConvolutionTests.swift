import NeuralGraph
import TestSupport
import Testing

@Suite("Convolution", .tags(.operations)) struct ConvolutionTests {
    private let worst = WorstErrors("convolution")

    @Test("random geometries agree with two-sided differences") func randomGeometriesAgreeWithTwoSidedDifferences()
        throws
    {
        var random = SeededRandom(seed: 2, stream: "convolution")
        var cases = (0..<44).map { _ in ConvolutionCase.general(&random) }
        cases += (0..<16).map { _ in ConvolutionCase.tiny(&random) }
        cases += (0..<12).map { _ in ConvolutionCase.pointwise(&random) }
        var picked: Set<String> = []
        for item in cases {
            let numeric = ReferenceNetwork(item.model).numericGradients(
                input: item.reference, outputGradient: item.outputGradient.map(Double.init), mode: .training)
            checkReference(item, numeric)
            // A node that picks different ones for its passes names them in a row.
            picked.formUnion(try check(item, numeric).flatMap { $0.split(separator: " / ").map(String.init) })
        }
        #expect(picked == ["im2col", "product", "batch-reduce GEMM", "depthwise"])
    }

    @Test("random geometries for Winograd agree with the reference")
    func randomGeometriesForWinogradAgreeWithTheReference() throws {
        var random = SeededRandom(seed: 5, stream: "convolution")
        for _ in 0..<16 {
            let item = ConvolutionCase.winograd(&random)
            #expect(try check(item, item.referenceGradients()) == ["Winograd", "im2col"], "\(item)")
        }
    }

    /// Transformed weights are four times as many: a few tiles do not pay for them.
    @Test(
        "Winograd's algorithm is left to batches of many tiles",
        arguments: [(1, 8, false), (8, 8, true), (2, 16, true)])
    func winogradNeedsTiles(_ batch: Int, _ map: Int, _ expected: Bool) throws {
        var random = SeededRandom(seed: 6, stream: "convolution")
        let item = try ConvolutionCase(
            Convolution(outputChannels: 32, kernelSize: 3, padding: 1), inputShape: [map, map, 32], batch: batch,
            random: &random)
        #expect(try check(item, item.referenceGradients()).contains("Winograd") == expected)
    }

    /// Sizes at which every loop is cut into several tasks and tiles.
    private static let largeGeometries: [(operation: Convolution, shape: TensorShape, batch: Int)] = [
        // Whole rows of several images in one tile; the last tile is smaller.
        (Convolution(outputChannels: 40, kernelSize: 3, padding: 1), [33, 29, 24], 4),
        (Convolution(outputChannels: 64, kernelSize: 7, stride: 2, padding: 3, hasBias: false), [67, 65, 3], 2),
        (Convolution(outputChannels: 36, kernelSize: 3, stride: 2, padding: 1, groups: 4), [19, 23, 20], 5),
        (Convolution(outputChannels: 96, kernelSize: 3, padding: 2, dilation: 2, groups: 96), [15, 17, 96], 6),
        (Convolution(outputChannels: 33, kernelSize: 1, stride: 2, hasBias: false), [21, 21, 31], 9),
        // Several chunks of Winograd's tiles.
        (Convolution(outputChannels: 70, kernelSize: 3, padding: 1), [22, 18, 67], 12),
        // Several blocks of examples, of inputs and of outputs.
        (Convolution(outputChannels: 260, kernelSize: 3, padding: 1), [1, 2, 131], 270),
        (Convolution(outputChannels: 24, kernelSize: 3, padding: 1), [4, 4, 20], 67),
        // Several blocks of rows, and of inputs.
        (Convolution(outputChannels: 48, kernelSize: 1), [9, 13, 50], 11),
        // Several copies of factors, parts of the weights in rows and columns, and edges.
        (Convolution(outputChannels: 288, kernelSize: 1), [6, 7, 200], 7),
        (Convolution(outputChannels: 48, kernelSize: 3, stride: 2, padding: 1), [15, 13, 70], 5),
        // Groups of rows that the next ones are read ahead for.
        (Convolution(outputChannels: 37, kernelSize: 1), [32, 33, 29], 6),
    ]

    @Test("large geometries agree with the reference", arguments: largeGeometries.indices)
    func largeGeometriesAgreeWithTheReference(_ index: Int) throws {
        let (operation, shape, batch) = Self.largeGeometries[index]
        var random = SeededRandom(seed: 3, stream: "convolution")
        let item = try ConvolutionCase(operation, inputShape: shape, batch: batch, random: &random)
        _ = try check(item, item.referenceGradients())
    }

    /// The derivative by hand, which large cases rely on, against differences of the definition.
    private func checkReference(_ item: ConvolutionCase, _ numeric: ReferenceGradients) {
        let derived = item.referenceGradients()
        let input = relativeDifference(derived.input, from: numeric.input)
        #expect(worst.isWithin(1e-8, input, "reference's input gradient", at: "\(item)"), "\(item)")
        for (name, values) in numeric.parameters {
            let error = relativeDifference(derived.parameters[name] ?? [], from: values)
            #expect(worst.isWithin(1e-8, error, "reference's parameter gradient", at: "\(item)"), "\(item)")
        }
    }

    /// Compares both choices of algorithms with the reference, and returns the algorithms that were picked.
    private func check(_ item: ConvolutionCase, _ reference: ReferenceGradients) throws -> Set<String> {
        var picked: Set<String> = []
        for algorithms in Algorithms.allCases {
            let run = try EngineRun(
                item.model, input: item.input, outputGradient: item.outputGradient,
                EngineRun.Options().with { $0.algorithms = algorithms })
            let errors = GradientErrors(run, from: reference)
            let place = "\(item), \(algorithms), \(run.algorithms[0])"
            let weightTolerance = Tolerance.weightGradient(positions: item.positions)
            #expect(worst.isWithin(Tolerance.output, errors.output, "output", at: place), "\(place): \(errors)")
            #expect(
                worst.isWithin(Tolerance.inputGradient, errors.input, "input gradient", at: place),
                "\(place): \(errors)")
            #expect(
                worst.isWithin(weightTolerance, errors.worstParameter, "parameter gradient", at: place),
                "\(place): \(errors)")
            if algorithms == .strict { #expect(run.algorithms == ["im2col"]) }
            picked.formUnion(run.algorithms)
        }
        return picked
    }
}
