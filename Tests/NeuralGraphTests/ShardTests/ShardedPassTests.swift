import NeuralGraph
import TestSupport
import Testing

/// The numbers that a step leaves behind on one process.
private struct StepNumbers: Equatable, Sendable {
    let output: [Float]
    let inputGradient: [Float]
    let gradients: [Float]
    let state: [String: Tensor]
    let kept: [Float]

    /// Takes a forward and a backward pass on several batches.
    init(
        _ model: Model, batches: [Int], capacity: Int, sharding: Sharding?, mode: Mode = .training,
        request: GradientRequest = .both, precision: Precision = .float32, workers: Int = 1,
        keeping node: String? = nil
    ) throws {
        let executor = try Executor(
            model: model, batchCapacity: capacity, computing: request, modes: [mode],
            threads: ThreadTeam(workers: workers), algorithms: .fast, precision: precision,
            keeping: node.map { [$0] } ?? [],
            sharding: sharding)
        let (inputs, outputs) = (model.graph.inputShape.count, model.graph.outputShape.count)
        var (output, inputGradient, gradients, kept): ([Float], [Float], [Float], [Float]) = ([], [], [], [])
        for (step, batch) in batches.enumerated() {
            var random = SeededRandom(seed: UInt64(step), stream: "shards")
            for index in 0..<batch * inputs { executor.input[index] = Float(random.normal()) }
            try executor.forward(batch: batch, mode: mode, seed: UInt64(step))
            output += executor.output[..<(batch * outputs)]
            if let node, let length = model.graph.nodes.first(where: { $0.name == node })?.shape.count {
                kept += try executor.value(of: node)[..<(batch * length)]
            }
            guard request != .nothing else { continue }
            for index in executor.outputGradient.indices { executor.outputGradient[index] = 0 }
            for index in 0..<batch * outputs { executor.outputGradient[index] = Float(random.normal()) / Float(batch) }
            try executor.backward()
            inputGradient += executor.inputGradient[..<min(executor.inputGradient.count, batch * inputs)]
            gradients += executor.gradients
        }
        (self.output, self.inputGradient, self.gradients, self.kept) = (output, inputGradient, gradients, kept)
        state = try executor.model().state
    }
}

@Suite("Passes over batches in shards", .tags(.execution))
struct ShardedPassTests {
    private func network(dropout: Float = 0.3) throws -> Model {
        var net = GraphBuilder(inputShape: [12, 12, 3])
        var x = try net.convolution(net.input, named: "first", channels: 16, kernelSize: 3, padding: 1)
        x = try net.batchNormalization(x, named: "norm1")
        let left = try net.relu(x, named: "relu1")
        x = try net.convolution(left, named: "second", channels: 16, kernelSize: 3, padding: 1, bias: false)
        x = try net.batchNormalization(x, named: "norm2")
        x = try net.add(x, left, named: "sum")
        x = try net.relu(x, named: "relu2")
        x = try net.convolution(x, named: "third", channels: 24, kernelSize: 3, stride: 2, padding: 1)
        x = try net.globalAveragePool(x, named: "pool")
        x = try net.flatten(x, named: "flat")
        x = try net.dropout(x, named: "dropout", probability: dropout)
        _ = try net.linear(x, named: "fc", outputs: 5)
        return Model(graph: try net.graph(), seed: 3)
    }

    @Test(
        "One, two, three and five processes compute the same bits, also of batches with fewer shards",
        arguments: Precision.allCases)
    func processes(precision: Precision) throws {
        let model = try network()
        let batches = [37, 40, 9, 1, 3]
        func numbers(_ processes: Int, workers: Int = 1) throws -> [StepNumbers] {
            try ThreadGroup.run(processes) { group in
                try StepNumbers(
                    model, batches: batches, capacity: 40, sharding: Sharding(size: 4, group: group),
                    precision: precision, workers: workers, keeping: "relu1")
            }
        }
        let alone = try numbers(1, workers: 2)[0]
        for processes in [2, 3, 5] {
            for other in try numbers(processes) { #expect(other == alone) }
        }
        let single = try StepNumbers(
            model, batches: batches, capacity: 40, sharding: Sharding(size: 4), precision: precision, keeping: "relu1")
        #expect(single == alone)
    }

    @Test(
        "Gradients that are exchanged in pieces during the backward pass are the same bits",
        arguments: [false, true])
    func buckets(delaysTransfers: Bool) throws {
        let model = try network()
        let batches = [22, 5, 22]
        let alone = try StepNumbers(model, batches: batches, capacity: 22, sharding: Sharding(size: 4))
        for processes in [2, 3] {
            let all = try ThreadGroup.run(processes, delaysTransfers: delaysTransfers) { group in
                // The network has 6,000 trainable numbers; a bucket ends within a tensor.
                try StepNumbers(
                    model, batches: batches, capacity: 22, sharding: Sharding(size: 4, group: group, bucketSize: 500))
            }
            for other in all { #expect(other == alone) }
        }
    }

    @Test("The processes' parts of a batch cover it once, in the order of the ranks")
    func ownParts() {
        for batch in [1, 3, 22, 64] {
            var end = 0
            for group in ThreadGroup.members(3) {
                let part = Sharding(size: 4, group: group).ownExamples(ofBatch: batch)
                #expect(part.lowerBound == end)
                end = part.upperBound
            }
            #expect(end == batch)
        }
    }

    @Test("Shards compute what a whole batch does", arguments: [Mode.training, .inference])
    func wholeBatch(mode: Mode) throws {
        let model = try network(dropout: 0)
        let whole = try StepNumbers(model, batches: [22, 13], capacity: 22, sharding: nil, mode: mode)
        let shards = try StepNumbers(
            model, batches: [22, 13], capacity: 22, sharding: Sharding(size: 4), mode: mode)
        #expect(relativeDifference(shards.output, from: whole.output) < 2e-5)
        #expect(relativeDifference(shards.inputGradient, from: whole.inputGradient) < 2e-5)
        #expect(relativeDifference(shards.gradients, from: whole.gradients) < 2e-5)
        for (name, tensor) in whole.state {
            #expect(relativeDifference(shards.state[name]?.elements ?? [], from: tensor.elements) < 1e-5, "\(name)")
        }
    }

    @Test("One shard that takes the whole batch differs by rounding alone, and drops the same elements")
    func oneShard() throws {
        let model = try network()
        let whole = try StepNumbers(model, batches: [8], capacity: 8, sharding: nil)
        let shard = try StepNumbers(model, batches: [8], capacity: 8, sharding: Sharding(size: 8))
        #expect(relativeDifference(shard.gradients, from: whole.gradients) < 1e-5)
        #expect(zip(shard.output, whole.output).allSatisfy { ($0 == 0) == ($1 == 0) })
    }

    @Test("Inference runs the shards one after the other, with the same outputs on any number of processes")
    func inference() throws {
        let model = try network()
        let alone = try StepNumbers(
            model, batches: [23, 7], capacity: 23, sharding: Sharding(size: 4), mode: .inference, request: .nothing,
            keeping: "relu1")
        for other in try ThreadGroup.run(
            3,
            { group in
                try StepNumbers(
                    model, batches: [23, 7], capacity: 23, sharding: Sharding(size: 4, group: group), mode: .inference,
                    request: .nothing, keeping: "relu1")
            })
        {
            #expect(other == alone)
        }
        let whole = try StepNumbers(
            model, batches: [23, 7], capacity: 23, sharding: nil, mode: .inference, request: .nothing, keeping: "relu1")
        #expect(relativeDifference(alone.output, from: whole.output) < 2e-5)
        #expect(relativeDifference(alone.kept, from: whole.kept) < 2e-5)
    }

    @Test("Every operation computes the same bits on two processes", arguments: [false, true], Precision.allCases)
    func everyOperation(transformer: Bool, precision: Precision) throws {
        let item = try transformer ? SampleNetworks.transformerOperations() : SampleNetworks.everyOperation()
        let model = item.model
        let alone = try StepNumbers(
            model, batches: [7], capacity: 7, sharding: Sharding(size: 2), precision: precision)
        for other in try ThreadGroup.run(
            2,
            { group in
                try StepNumbers(
                    model, batches: [7], capacity: 7, sharding: Sharding(size: 2, group: group), precision: precision)
            })
        {
            #expect(other == alone)
        }
        // Batch norm sums in another order, and so a number may be rounded the other way.
        guard precision == .float32 else { return }
        let whole = try StepNumbers(model, batches: [7], capacity: 7, sharding: nil)
        #expect(relativeDifference(alone.gradients, from: whole.gradients) < 1e-4)
        #expect(relativeDifference(alone.inputGradient, from: whole.inputGradient) < 1e-4)
    }

    @Test("Gradients of some parameters alone are the same as among all")
    func frozen() throws {
        // Dropout draws other numbers for other shards.
        let model = try network(dropout: 0)
        let request = GradientRequest(input: false, parameters: true, frozen: ["first", "norm2"])
        let alone = try StepNumbers(
            model, batches: [14], capacity: 14, sharding: Sharding(size: 4), request: request)
        for other in try ThreadGroup.run(
            2,
            { group in
                try StepNumbers(
                    model, batches: [14], capacity: 14, sharding: Sharding(size: 4, group: group), request: request)
            })
        {
            #expect(other == alone)
        }
        let whole = try StepNumbers(model, batches: [14], capacity: 14, sharding: nil, request: request)
        #expect(relativeDifference(alone.gradients, from: whole.gradients) < 2e-5)
    }

    @Test("The plan's memory is what the executor holds", arguments: Precision.allCases)
    func memory(precision: Precision) throws {
        let model = try network()
        let sharding = Sharding(size: 4)
        let executor = try Executor(
            model: model, batchCapacity: 22, computing: .both, modes: [.training], threads: ThreadTeam(workers: 1),
            algorithms: .fast, precision: precision, keeping: [], sharding: sharding)
        let plan = ExecutionSummary(
            model: model, batchCapacity: 22, computing: .both, modes: [.training], workers: 1, precision: precision,
            sharding: sharding)
        #expect(executor.byteCount == plan.byteCount)
        #expect(
            plan.byteCount
                > ExecutionSummary(
                    model: model, batchCapacity: 4, computing: .both, modes: [.training], workers: 1,
                    precision: precision
                ).byteCount)
    }
}
