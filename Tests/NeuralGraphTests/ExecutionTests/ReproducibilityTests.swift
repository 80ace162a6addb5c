import NeuralGraph
import TestSupport
import Testing

/// Results depend on the numbers, the seed and the plan alone: not on threads, repetition or what was run before.
///
/// A plan's capacity is part of it: algorithms are chosen for a full batch, and each rounds in its own way.
@Suite("Reproducibility", .tags(.execution)) struct ReproducibilityTests {
    private static let architectures: [any Architecture] = [
        ResNet(.resnet18, stem: .small, width: 0.5), AllCNN(normalizes: false),
    ]

    /// Everything that two runs can differ in.
    private struct Results: Equatable {
        let output: [Float]
        let inputGradient: [Float]
        let parameterGradients: [String: Tensor]
        let state: [String: Tensor]

        init(_ run: EngineRun) {
            output = run.output
            inputGradient = run.inputGradient
            parameterGradients = run.parameterGradients
            state = run.model.state
        }
    }

    @Test("workers and repetition change no bit", arguments: architectures.indices, Precision.allCases)
    func workersAndRepetitionChangeNoBit(_ index: Int, _ precision: Precision) throws {
        // 16x16 images and a batch of 18: every algorithm, several tasks in most loops, remainders everywhere.
        let item = try sample(Self.architectures[index], batch: 18)
        let options = EngineRun.Options().with { ($0.seed, $0.precision) = (11, precision) }
        let one = try item.run(options.with { $0.workers = 1 })
        if index == 0, precision == .float32 {
            #expect(Set(one.algorithms).isSuperset(of: ["batch-reduce GEMM", "Winograd"]))
        }
        #expect(one.output.allSatisfy { $0.isFinite })
        for workers in [2, 5, 2] {
            let other = try item.run(options.with { $0.workers = workers })
            #expect(Results(other) == Results(one), "\(workers) workers")
        }
    }

    @Test("workers change no bit of transformer operations", arguments: Precision.allCases)
    func workersChangeNoBitOfTransformerOperations(_ precision: Precision) throws {
        let item = try SampleNetworks.transformerOperations(batch: 37)
        let options = EngineRun.Options().with { $0.precision = precision }
        let one = try item.run(options.with { $0.workers = 1 })
        #expect(one.output.allSatisfy { $0.isFinite })
        for workers in [2, 5] {
            let other = try item.run(options.with { $0.workers = workers })
            #expect(Results(other) == Results(one), "\(workers) workers")
        }
    }

    /// With many workers, products are cut into more tasks: fewer positions, fewer columns of a weight gradient. Their widths leave a
    /// panel, a part of one and nothing over; batches are of few images and of many.
    @Test("many workers change no bit", arguments: [5, 100], Precision.allCases)
    func manyWorkersChangeNoBit(_ batch: Int, _ precision: Precision) throws {
        let item = try OperationCase([8, 8, 16], batch: batch, seed: 2) { builder in
            var x = try builder.convolution(builder.input, named: "wide", channels: 272, kernelSize: 1)
            x = try builder.relu(x, named: "relu")
            x = try builder.convolution(x, named: "strided", channels: 48, kernelSize: 3, stride: 2, padding: 1)
            x = try builder.convolution(x, named: "even", channels: 128, kernelSize: 1)
            x = try builder.convolution(x, named: "small", channels: 80, kernelSize: 3, stride: 2)
            _ = try builder.linear(builder.flatten(x, named: "flat"), named: "fc", outputs: 3)
        }
        let options = EngineRun.Options().with { $0.precision = precision }
        let one = try item.run(options.with { $0.workers = 1 })
        #expect(one.output.allSatisfy { $0.isFinite })
        for workers in [12, 64] {
            let other = try item.run(options.with { $0.workers = workers })
            #expect(Results(other) == Results(one), "\(workers) workers")
        }
    }

    /// Convolutions by products of positions: long rows and short ones, strides of 1 and 2. Images and weights are so
    /// small that a task takes whole images.
    private func strided(batch: Int, seed: UInt64 = 3) throws -> OperationCase {
        try OperationCase([28, 28, 3], batch: batch, seed: seed) { builder in
            var x = try builder.convolution(
                builder.input, named: "long", channels: 16, kernelSize: 3, stride: 2, padding: 1)
            x = try builder.relu(x, named: "relu")
            x = try builder.convolution(x, named: "short", channels: 32, kernelSize: 3, stride: 2, padding: 1)
            x = try builder.convolution(x, named: "wide", channels: 48, kernelSize: 5, padding: 2)
            _ = try builder.linear(builder.flatten(x, named: "flat"), named: "fc", outputs: 3)
        }
    }

    /// In bfloat16 a task takes whole images, and rounds them, where there are enough for all workers; else rows of them.
    @Test("whole images and rows of them give the same bits", arguments: [3, 5, 100], Precision.allCases)
    func wholeImagesAndRowsGiveTheSameBits(_ batch: Int, _ precision: Precision) throws {
        let item = try strided(batch: batch)
        let options = EngineRun.Options().with { ($0.precision, $0.capacity) = (precision, 100) }
        let one = try item.run(options.with { $0.workers = 1 })
        #expect(one.algorithms.filter { $0.hasPrefix("batch-reduce GEMM") }.count == 3)
        for workers in [2, 3, 25, 64] {
            let other = try item.run(options.with { $0.workers = workers })
            #expect(Results(other) == Results(one), "\(workers) workers")
        }
    }

    /// Of fewer images than can be taken whole all are rounded first: there is memory for them.
    @Test("smaller batches of strided convolutions are as if alone", arguments: Precision.allCases)
    func smallerBatchesOfStridedConvolutionsAreAsIfAlone(_ precision: Precision) throws {
        func executor() throws -> Executor {
            Executor(
                model: try strided(batch: 1).model, batchCapacity: 100, computing: .both,
                threads: ThreadTeam(workers: 2),
                precision: precision)
        }
        let used = try executor()
        let large = try strided(batch: 100, seed: 9)
        _ = try EngineRun(used, input: large.input, outputGradient: large.outputGradient)
        for batch in [95, 47, 4, 3] {
            let item = try strided(batch: batch)
            let after = try EngineRun(used, input: item.input, outputGradient: item.outputGradient)
            let alone = try EngineRun(executor(), input: item.input, outputGradient: item.outputGradient)
            #expect(Results(after) == Results(alone), "\(batch) images")
        }
    }

    @Test("steps in turn change no bit") func stepsInTurnChangeNoBit() throws {
        func train(workers: Int) throws -> [Float] {
            let item = try sample(ResNet(.resnet18, stem: .imagenet), batch: 4)
            let executor = Executor(
                model: item.model, batchCapacity: 4, computing: .parameters, threads: ThreadTeam(workers: workers))
            let optimizer = try OptimizerConfiguration.adam.makeOptimizer(parameterCount: executor.trainableCount)
            for seed in 0..<3 {
                _ = try EngineRun(
                    executor, input: item.input, outputGradient: item.outputGradient,
                    EngineRun.Options().with { $0.seed = UInt64(seed) })
                var parameters = executor.trainableParameters.mutableSpan
                try optimizer.step(
                    parameters: &parameters, gradients: executor.gradients.span, learningRate: 1e-3,
                    threads: executor.threads)
            }
            return Array(executor.parameters)
        }
        #expect(try train(workers: 1) == train(workers: 3))
    }

    /// A batch below the capacity, after a larger one that left its numbers behind.
    @Test("smaller batches are as if alone", arguments: Precision.allCases)
    func smallerBatchesAreAsIfAlone(_ precision: Precision) throws {
        let small = try SampleNetworks.everyOperation(batch: 3)
        let large = try SampleNetworks.everyOperation(batch: 7, seed: 9)
        let executor = Executor(
            model: small.model, batchCapacity: 7, computing: .both, threads: ThreadTeam(workers: 2),
            precision: precision)
        let options = EngineRun.Options().with { $0.updatesState = false }
        _ = try EngineRun(executor, input: large.input, outputGradient: large.outputGradient, options)
        let after = try EngineRun(executor, input: small.input, outputGradient: small.outputGradient, options)
        // Of the same capacity, since the choice of algorithms depends on it.
        let fresh = Executor(
            model: small.model, batchCapacity: 7, computing: .both, threads: ThreadTeam(workers: 2),
            precision: precision)
        let alone = try EngineRun(fresh, input: small.input, outputGradient: small.outputGradient, options)
        #expect(Results(after) == Results(alone))
    }

    @Test("smaller batches of transformer operations are as if alone", arguments: Precision.allCases)
    func smallerBatchesOfTransformerOperationsAreAsIfAlone(_ precision: Precision) throws {
        let small = try SampleNetworks.transformerOperations(batch: 3)
        let large = try SampleNetworks.transformerOperations(batch: 7, seed: 9)
        let executor = Executor(model: small.model, batchCapacity: 7, computing: .both, precision: precision)
        _ = try EngineRun(executor, input: large.input, outputGradient: large.outputGradient)
        let after = try EngineRun(executor, input: small.input, outputGradient: small.outputGradient)
        let fresh = Executor(model: small.model, batchCapacity: 7, computing: .both, precision: precision)
        let alone = try EngineRun(fresh, input: small.input, outputGradient: small.outputGradient)
        #expect(Results(after) == Results(alone))
    }

    /// A larger capacity may mean other algorithms, and nothing else.
    @Test("capacity changes rounding alone", .tags(.slow), .slow, arguments: [4, 5, 16, 40])
    func capacityChangesRoundingAlone(_ capacity: Int) throws {
        let item = try sample(ResNet(.resnet18, stem: .small), batch: 4)
        let exact = try item.run()
        let other = try item.run(EngineRun.Options().with { $0.capacity = capacity })
        if exact.algorithms == other.algorithms {
            #expect(Results(other) == Results(exact))
        } else {
            #expect(relativeDifference(other.output, from: exact.output) < Tolerance.output)
            #expect(relativeDifference(other.inputGradient, from: exact.inputGradient) < 1e-3)
        }
        for (key, gradient) in exact.parameterGradients {
            let error = relativeDifference(other.parameterGradients[key]?.elements ?? [], from: gradient.elements)
            #expect(error < 1e-3, "\(key)")
        }
    }

    /// Running the same step twice gives the same gradients: nothing is added to what is there.
    @Test("gradients are overwritten") func gradientsAreOverwritten() throws {
        let item = try SampleNetworks.everyOperation()
        let executor = Executor(model: item.model, batchCapacity: 3, computing: .both)
        let options = EngineRun.Options().with { $0.updatesState = false }
        let first = try EngineRun(executor, input: item.input, outputGradient: item.outputGradient, options)
        let second = try EngineRun(executor, input: item.input, outputGradient: item.outputGradient, options)
        #expect(Results(first) == Results(second))
    }

    private func sample(_ architecture: any Architecture, batch: Int) throws -> OperationCase {
        let graph = try architecture.graph(inputShape: [16, 16, 3], classes: 10)
        // At seed 4 one unit lies so near to ReLU's kink that rounding alone switches it, which moves gradients by 1e-2.
        return try OperationCase(Model(graph: graph, seed: 3), batch: batch, seed: 5)
    }
}
