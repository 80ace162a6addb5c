import CAllocationCounter
import NeuralGraph
import Synchronization
import TestSupport
import Testing

/// A training step works in memory that was allocated before. One test at a time, since the counter is the process's.
@Suite("Allocation", .tags(.execution), .serialized) struct AllocationTests {
    @Test(
        "training steps allocate nothing", .enabled(if: allocation_counter_is_available()),
        arguments: [1, 2], [OptimizerConfiguration.adam, .sgd(momentum: 0.9)])
    func trainingStepsAllocateNothing(_ workers: Int, _ configuration: OptimizerConfiguration) throws {
        try expectNoAllocation(ResNet(.resnet18, stem: .imagenet), workers: workers, configuration)
    }

    @Test("dropout allocates nothing", .enabled(if: allocation_counter_is_available()))
    func dropoutAllocatesNothing() throws {
        try expectNoAllocation(AllCNN(normalizes: false), workers: 2, .sgd)
    }

    @Test(
        "transformer operations allocate nothing", .enabled(if: allocation_counter_is_available()), arguments: [1, 2])
    func transformerOperationsAllocateNothing(_ workers: Int) throws {
        try expectNoAllocation(
            try SampleNetworks.transformerOperations().model, classes: 3, workers: workers, .adam)
    }

    @Test("steps in bfloat16 allocate nothing", .enabled(if: allocation_counter_is_available()))
    func stepsInBFloat16AllocateNothing() throws {
        try expectNoAllocation(ResNet(.resnet18, stem: .imagenet), workers: 2, .sgd, .bfloat16)
        try expectNoAllocation(
            try SampleNetworks.transformerOperations().model, classes: 3, workers: 2, .sgd, .bfloat16)
    }

    /// The counter itself sees what it should.
    @Test("allocations are counted", .enabled(if: allocation_counter_is_available()))
    func allocationsAreCounted() {
        let before = allocation_counter_value()
        allocation_counter_watch_this_thread(true)
        let array = [Int](repeating: 7, count: 1000)
        allocation_counter_watch_this_thread(false)
        #expect(allocation_counter_value() > before)
        #expect(array.count == 1000)
    }

    private func expectNoAllocation(
        _ architecture: any Architecture, workers: Int, _ configuration: OptimizerConfiguration,
        _ precision: Precision = .float32
    ) throws {
        let graph = try architecture.graph(inputShape: [32, 32, 3], classes: 10)
        try expectNoAllocation(Model(graph: graph, seed: 1), classes: 10, workers: workers, configuration, precision)
    }

    private func expectNoAllocation(
        _ model: Model, classes: Int, workers: Int, _ configuration: OptimizerConfiguration,
        _ precision: Precision = .float32
    ) throws {
        // Large enough a batch for products by position on the last maps.
        let batch = 16
        let executor = Executor(
            model: model, batchCapacity: batch, computing: .both,
            threads: ThreadTeam(workers: workers), precision: precision)
        let optimizer = try configuration.makeOptimizer(parameterCount: executor.trainableCount)
        let labels = [Int32](repeating: 2, count: batch)
        let gradients = try #require(executor.gradients.baseAddress)
        let logits = try #require(executor.output.baseAddress)
        let outputGradient = try #require(executor.outputGradient.baseAddress)
        let loss = CrossEntropy()

        func step(_ labels: UnsafePointer<Int32>) throws {
            try executor.forward(batch: batch, mode: .training, seed: 5)
            _ = loss.evaluate(
                logits: logits, count: batch, classes: classes, targets: .labels(labels), gradient: outputGradient)
            try executor.backward()
            _ = GradientClipping.norm(1).apply(
                to: gradients, count: executor.trainableCount, threads: executor.threads)
            var parameters = executor.trainableParameters.mutableSpan
            try optimizer.step(
                parameters: &parameters, gradients: executor.gradients.span, learningRate: 1e-4,
                threads: executor.threads)
        }
        try labels.withUnsafeBufferPointer { labels in
            let labels = try #require(labels.baseAddress)
            try step(labels)
            let before = allocation_counter_value()
            watch(executor.threads, true)
            let watched = allocation_counter_value()
            try step(labels)
            let after = allocation_counter_value()
            watch(executor.threads, false)
            #expect(after - watched == 0, "\(after - watched) allocations in a step (\(watched - before) before)")
        }
    }

    /// Starts or stops counting on every thread of a team, the calling one among them.
    private func watch(_ team: ThreadTeam, _ watch: Bool) {
        let arrived = Atomic<Int>(0)
        team.forEach(team.workers) { _, _ in
            allocation_counter_watch_this_thread(watch)
            // Nobody takes a second index before everybody has one.
            arrived.add(1, ordering: .acquiringAndReleasing)
            while arrived.load(ordering: .acquiring) < team.workers {}
        }
    }
}
