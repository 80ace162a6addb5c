import NeuralGraph
import TestSupport
import Testing

/// Values with several consumers, nodes that work in place, and nodes that lead nowhere: whatever the plan puts over
/// what, results are those of the naive evaluation, which keeps everything apart.
@Suite("Wiring", .tags(.execution)) struct WiringTests {
    private let worst = WorstErrors("wiring")

    @Test("random networks agree with two-sided differences", arguments: 0..<80)
    func randomNetworksAgreeWithTwoSidedDifferences(_ seed: UInt64) throws {
        let item = try SampleNetworks.random(seed: seed)
        let reference = item.network.numericGradients(
            input: item.referenceInput, outputGradient: item.outputGradient.map(Double.init), mode: .training,
            step: 1e-6)
        for algorithms in Algorithms.allCases {
            let run = try item.run(EngineRun.Options().with { $0.algorithms = algorithms })
            try expectAgreement(run, reference, "network \(seed), \(algorithms)")
        }
    }

    @Test("every operation in one network", arguments: [Mode.training, .inference])
    func everyOperationInOneNetwork(_ mode: Mode) throws {
        let item = try SampleNetworks.everyOperation()
        let run = try item.run(EngineRun.Options().with { $0.mode = mode })
        try expectAgreement(run, item.reference(mode), "every operation, \(mode)")
    }

    @Test("transformer operations in one network", .tags(.slow), .slow) func transformerOperationsInOneNetwork() throws
    {
        let item = try SampleNetworks.transformerOperations()
        try expectAgreement(try item.run(), item.reference(.training), "transformer operations")
    }

    /// Each algorithm adds its share of the input gradient to what another consumer has left.
    @Test("every algorithm accumulates", arguments: [2, 24])
    func everyAlgorithmAccumulates(_ batch: Int) throws {
        let item = try OperationCase([3, 4, 3], batch: batch, seed: 8) { builder in
            let x = try builder.convolution(builder.input, named: "first", channels: 17, kernelSize: 3, padding: 1)
            let same = try builder.convolution(x, named: "same", channels: 18, kernelSize: 3, padding: 1)
            let product = try builder.convolution(x, named: "product", channels: 18, kernelSize: 1)
            let grouped = try builder.convolution(
                x, named: "grouped", channels: 17, kernelSize: 3, padding: 1, groups: 17)
            let positions = try builder.convolution(
                x, named: "positions", channels: 18, kernelSize: Size2D(height: 1, width: 3),
                padding: Padding(top: 0, left: 1, bottom: 0, right: 1))
            let joined = try builder.concat([same, product, grouped, positions, x], named: "joined")
            _ = try builder.convolution(joined, named: "last", channels: 2, kernelSize: 3)
        }
        let fast = try item.run()
        let strict = try item.run(EngineRun.Options().with { $0.algorithms = .strict })
        let algorithms = Set(fast.algorithms.flatMap { $0.split(separator: " / ").map(String.init) })
        #expect(algorithms.isSuperset(of: ["product", "im2col"]))
        for name in ["Winograd", "batch-reduce GEMM"] { #expect(algorithms.contains(name) == (batch >= 24), "\(name)") }
        #expect(relativeDifference(fast.output, from: strict.output) < Tolerance.output)
        let input = relativeDifference(fast.inputGradient, from: strict.inputGradient)
        #expect(worst.isWithin(Tolerance.inputGradient, input, "input gradient", at: "algorithms"), "\(input)")
        for (key, gradient) in strict.parameterGradients {
            let error = relativeDifference(fast.parameterGradients[key]?.elements ?? [], from: gradient.elements)
            #expect(worst.isWithin(1e-5, error, "parameter gradient", at: key), "\(key): \(error)")
        }
    }

    private func expectAgreement(_ run: EngineRun, _ reference: ReferenceGradients, _ place: String) throws {
        let output = relativeDifference(run.output, from: reference.output)
        #expect(worst.isWithin(Tolerance.output, output, "output", at: place), "\(place): \(output)")
        // Shares of a gradient may cancel, as those by a bias before batch norm do; what is left then carries the
        // rounding of the shares. So errors are measured by the largest gradient of the network.
        let largest = ([reference.input] + reference.parameters.values).map(norm).max() ?? 0
        let input = distance(run.inputGradient, reference.input) / largest
        #expect(worst.isWithin(Tolerance.inputGradient, input, "input gradient", at: place), "\(place): \(input)")
        for (key, expected) in reference.parameters {
            guard let gradient = run.parameterGradients[key] else {
                // Parameters that lead nowhere have none.
                #expect(expected.allSatisfy { $0 == 0 }, "\(place): no gradient by \(key)")
                continue
            }
            let error = distance(gradient.elements, expected) / largest
            #expect(
                worst.isWithin(6e-6, error, "parameter gradient", at: "\(place), \(key)"),
                "\(place), \(key): \(error)")
        }
    }

    private func norm(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }

    private func distance(_ result: [Float], _ expected: [Double]) -> Double {
        guard result.count == expected.count else { return .infinity }
        return norm(zip(result, expected).map { Double($0) - $1 })
    }
}
