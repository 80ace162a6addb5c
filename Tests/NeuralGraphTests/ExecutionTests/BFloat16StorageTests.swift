import NeuralGraph
import TestSupport
import Testing

/// In bfloat16 the values that the backward pass reads wait for it in half of their memory, rounded.
@Suite("Values stored in bfloat16", .tags(.execution)) struct BFloat16StorageTests {
    private static let options = EngineRun.Options().with { $0.precision = .bfloat16 }
    private let worst = WorstErrors("bfloat16 storage")

    // MARK: Memory

    private static let networks: [(any Architecture, batch: Int)] = [
        (ResNet(.resnet18, stem: .small), 64), (AllCNN(normalizes: true), 128),
        (VisionTransformer(.tiny, patch: 4), 128), (MobileNetV2(), 128),
    ]

    @Test("a training step takes 0.65 of the memory at most", arguments: networks.indices)
    func trainingMemory(_ index: Int) throws {
        let (architecture, batch) = Self.networks[index]
        let model = Model(graph: try architecture.graph(inputShape: [32, 32, 3], classes: 10), seed: 0)
        func bytes(_ precision: Precision) -> Int {
            ExecutionSummary(
                model: model, batchCapacity: batch, computing: .parameters, modes: [.training], workers: 2,
                precision: precision
            ).byteCount
        }
        let share = Double(bytes(.bfloat16)) / Double(bytes(.float32))
        #expect(share < 0.65, "\(architecture): \(share)")
    }

    @Test("the summary tells what the executor holds", arguments: Precision.allCases, [GradientRequest.both, .input])
    func summaryOfMemory(_ precision: Precision, _ request: GradientRequest) throws {
        let item = try SampleNetworks.everyOperation()
        let executor = Executor(
            model: item.model, batchCapacity: 9, computing: request, threads: ThreadTeam(workers: 2),
            precision: precision)
        let summary = ExecutionSummary(
            model: item.model, batchCapacity: 9, computing: request, workers: 2, precision: precision)
        #expect(summary.byteCount == executor.byteCount)
    }

    // MARK: Numbers

    /// `y = v w` with `v = x` and `w = 2 x` has the gradients `w` by `v` and `v` by `w`, which are the numbers as they waited.
    @Test("values are rounded to the nearest, halfway cases to the even one", arguments: [[1], [33, 3], [8197]])
    func rounding(_ dimensions: [Int]) throws {
        let special: [Float] = [
            1 + 0x1p-8, 1 + 0x3p-8, 0x1.010002p0, -1 - 0x1p-8, .greatestFiniteMagnitude, .infinity, -.infinity, .nan,
            Float(bitPattern: 0x7f80_0001), -0.0, 0x1p-126,
        ]
        let shape = TensorShape(dimensions)
        var builder = GraphBuilder(inputShape: shape)
        let v = try builder.pointwise(builder.input, named: "v", .affine(scale: 1, shift: 0))
        let w = try builder.pointwise(builder.input, named: "w", .affine(scale: 2, shift: 0))
        _ = try builder.arithmetic(.multiplication, v, w, named: "product")
        let model = Model(graph: try builder.graph(), seed: 0)
        // Several tasks, with an odd number of elements in the last one.
        let batch = 3
        var random = SeededRandom(seed: 2, stream: "bfloat16 storage")
        var input = random.normals(batch * shape.count)
        for (index, number) in special.enumerated() where index < input.count { input[index] = number }
        let ones = [Float](repeating: 1, count: input.count)
        for workers in [1, 2] {
            let run = try EngineRun(
                model, input: input, outputGradient: ones, Self.options.with { $0.workers = workers })
            for (gradient, number) in zip(run.inputGradient, input) {
                // dx = w + 2 v = 4 x
                let expected = 2 * roundedToBFloat16(number) + roundedToBFloat16(2 * number)
                #expect(gradient == expected || (gradient.isNaN && expected.isNaN), "\(number): \(gradient)")
            }
            let exact = try EngineRun(model, input: input, outputGradient: ones)
            #expect(zip(exact.inputGradient, input).allSatisfy { $0 == 4 * $1 || $0.isNaN })
        }
    }

    /// Convolutions of every algorithm, batch norm with and without a residual, a value with two readers far apart.
    @Test("gradients agree with a Double reference that rounds the same values", arguments: [1, 2, 3])
    func gradients(_ seed: UInt64) throws {
        var item = try OperationCase([12, 12, 3], batch: 26, seed: seed) { builder in
            var x = try builder.convolution(builder.input, named: "stem", channels: 16, kernelSize: 3, padding: 1)
            x = try builder.batchNormalization(x, named: "norm1")
            let left = try builder.relu(x, named: "relu1")
            x = try builder.convolution(left, named: "conv2", channels: 16, kernelSize: 3, padding: 1, bias: false)
            x = try builder.batchNormalization(x, named: "norm2")
            x = try builder.pointwise(x, named: "gelu2", .gelu)
            x = try builder.convolution(x, named: "conv3", channels: 16, kernelSize: 1, bias: false)
            x = try builder.batchNormalization(x, named: "norm3")
            x = try builder.relu(builder.add(x, left, named: "sum"), named: "relu3")
            x = try builder.convolution(x, named: "conv4", channels: 20, kernelSize: 3, stride: 2, padding: 1)
            x = try builder.pointwise(x, named: "gelu4", .gelu)
            x = try builder.flatten(builder.globalAveragePool(x, named: "pool"), named: "flat")
            _ = try builder.linear(x, named: "fc", outputs: 5)
        }
        // Few units lie so near to ReLU's kink that rounding alone may switch them, which would move gradients by a percent.
        let raised = try ["norm1", "norm3"].map {
            ("\($0).bias", try Tensor([Float](repeating: 3, count: 16), shape: [16]))
        }
        item.model = try item.model.replacing(Dictionary(uniqueKeysWithValues: raised))
        let run = try item.run(Self.options)
        let dy = item.outputGradient.map(Double.init)
        let reference = item.network.bfloat16Gradients(input: item.referenceInput, outputGradient: dy)
        let errors = GradientErrors(run, from: reference)
        // A number whose float and whose Double lie on two sides of a halfway case is rounded to two neighbors, 2^-8 apart: one
        // of ten thousand in each layer, and the layers before it see all of them.
        let tolerance = 2e-3
        let unrounded = GradientErrors(
            run,
            from: item.network.bfloat16Gradients(
                input: item.referenceInput, outputGradient: dy, roundsValues: false))
        // A bias before batch norm has no gradient but rounding.
        let biases = ["stem.bias"]
        #expect(worst.isWithin(tolerance, errors.output, "output", at: "\(seed)"), "\(errors.output)")
        #expect(worst.isWithin(tolerance, errors.input, "input gradient", at: "\(seed)"), "\(errors.input)")
        for (name, error) in errors.parameters where !biases.contains(name) {
            #expect(worst.isWithin(tolerance, error, "parameter gradient", at: name), "\(name): \(error)")
        }
        // The same reference without that rounding is farther away, so that the test can tell.
        #expect(unrounded.input > 3 * tolerance)
    }

    @Test("kept values are as the forward pass computed them") func keptValues() throws {
        let item = try SampleNetworks.everyOperation()
        let executor = try Executor(
            model: item.model, batchCapacity: item.batch, computing: .both, precision: .bfloat16, keeping: ["relu"])
        _ = try EngineRun(executor, input: item.input, outputGradient: item.outputGradient)
        let value = Array(try executor.value(of: "relu"))
        let forward = try Executor(
            model: item.model, batchCapacity: item.batch, precision: .bfloat16, keeping: ["relu"])
        _ = try EngineRun(
            forward, input: item.input, outputGradient: [], EngineRun.Options().with { $0.updatesState = false })
        #expect(value == Array(try forward.value(of: "relu")))
        #expect(value != value.roundedToBFloat16)
    }

    /// What is put over what changes nothing but the last digits: with all values kept nothing is rounded or restored.
    @Test("random networks compute the gradients of kept values", arguments: 0..<100)
    func randomNetworks(_ seed: UInt64) throws {
        let item = try SampleNetworks.random(seed: seed)
        // What some gradients need is less than what all do.
        var random = SeededRandom(seed: seed, stream: "bfloat16 storage")
        let frozen = item.model.graph.nodes.dropLast().map(\.name).filter { _ in
            Int.random(in: 0..<3, using: &random) == 0
        }
        let request = GradientRequest(
            input: seed % 2 == 0, parameters: true, frozen: seed % 4 < 2 ? [] : Set(frozen))
        try expectGradientsOfKeptValues(item, request)
    }

    /// Its input waits for another reader then, and its statistics are gone.
    @Test("batch norm that has no backward pass") func frozenNormalization() throws {
        let item = try OperationCase([5, 4, 3], batch: 7, seed: 3) { builder in
            let x = try builder.convolution(builder.input, named: "first", channels: 6, kernelSize: 3, padding: 1)
            var y = try builder.relu(builder.batchNormalization(x, named: "norm"), named: "relu")
            y = try builder.convolution(y, named: "left", channels: 5, kernelSize: 3)
            let z = try builder.convolution(x, named: "right", channels: 5, kernelSize: 3)
            let sum = try builder.globalAveragePool(builder.add(y, z, named: "sum"), named: "pool")
            _ = try builder.linear(builder.flatten(sum, named: "flat"), named: "fc", outputs: 3)
        }
        try expectGradientsOfKeptValues(
            item, GradientRequest(input: false, parameters: true, frozen: ["first", "norm"]))
    }

    private func expectGradientsOfKeptValues(_ item: OperationCase, _ request: GradientRequest) throws {
        let run = try item.run(Self.options.with { $0.request = request })
        let kept = try Executor(
            model: item.model, batchCapacity: item.batch, computing: request, precision: .bfloat16,
            keeping: Set(item.model.graph.nodes.map(\.name)))
        let exact = try EngineRun(kept, input: item.input, outputGradient: item.outputGradient)
        #expect(relativeDifference(run.output, from: exact.output) < 2e-2)
        // Shares of a gradient may cancel, so that errors are measured by the largest one.
        let gradients = [exact.inputGradient] + exact.parameterGradients.values.map(\.elements)
        let largest = max(gradients.map(norm).max() ?? 0, .leastNormalMagnitude)
        let input = distance(run.inputGradient, exact.inputGradient) / largest
        #expect(input < 2e-2, "\(input)")
        #expect(Set(run.parameterGradients.keys) == Set(exact.parameterGradients.keys))
        for (key, gradient) in exact.parameterGradients {
            let error = distance(run.parameterGradients[key]?.elements ?? [], gradient.elements) / largest
            #expect(error < 2e-2, "\(key): \(error)")
        }
    }

    private func norm(_ values: [Float]) -> Double { values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot() }

    private func distance(_ result: [Float], _ expected: [Float]) -> Double {
        guard result.count == expected.count else { return .infinity }
        return norm(zip(result, expected).map { $0 - $1 })
    }
}
