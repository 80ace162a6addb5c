import Unlearning

/// A linear layer over as many examples as it has inputs and outputs: a square matrix product.
struct MatMulWorkload: Workload {
    private let executor: Executor
    private let size: Int
    let operations: Double

    init(size: Int, threads: ThreadTeam, precision: Precision) throws {
        var builder = GraphBuilder(inputShape: [size])
        _ = try builder.linear(builder.input, named: "product", outputs: size, bias: false)
        let graph = try builder.graph()
        executor = Executor(
            model: Model(graph: graph, seed: 1), batchCapacity: size, threads: threads, precision: precision)
        operations = Double(size) * graph.directOperations()
        executor.input.fillWithNoise()
        self.size = size
    }

    func run() throws {
        try executor.forward(batch: size, mode: .inference)
    }
}

/// A 3x3 convolution of 64 images: the forward pass, or both gradients.
struct ConvolutionPasses: Workload {
    private static let batch = 64
    private let executor: Executor
    private let backward: Bool
    let operations: Double

    init(channels: Int, map: Int, backward: Bool, threads: ThreadTeam, precision: Precision) throws {
        var builder = GraphBuilder(inputShape: [map, map, channels])
        _ = try builder.convolution(
            builder.input, named: "convolution", channels: channels, kernelSize: 3, padding: 1, bias: false)
        let graph = try builder.graph()
        executor = Executor(
            model: Model(graph: graph, seed: 1), batchCapacity: Self.batch,
            computing: backward ? .both : .nothing, threads: threads, precision: precision)
        self.backward = backward
        let forward = graph.directOperations()
        operations = Double(Self.batch) * (backward ? graph.directOperations(computing: .both) - forward : forward)
        executor.input.fillWithNoise()
        try executor.forward(batch: Self.batch, mode: .training)
        if backward { executor.outputGradient.fillWithNoise() }
    }

    func run() throws {
        if backward {
            try executor.backward()
        } else {
            try executor.forward(batch: Self.batch, mode: .training)
        }
    }
}

/// One pass of a network over random images of three channels.
struct NetworkPass: Workload {
    enum Kind: String {
        case trainingStep = "training-step"
        case inputGradient = "input-gradient"
        case inference
    }

    private let kind: Kind
    private let executor: Executor
    private let optimizer: any Optimizer
    private let labels: [Int32]
    let operations: Double

    init(
        _ kind: Kind, network: any Architecture, batch: Int, imageSize: Int, threads: ThreadTeam, precision: Precision
    ) throws {
        let requests: [Kind: GradientRequest] = [.trainingStep: .parameters, .inputGradient: .input]
        let request = requests[kind] ?? .nothing
        let graph = try network.graph(inputShape: [imageSize, imageSize, 3], classes: 10)
        executor = Executor(
            model: Model(graph: graph, seed: 1), batchCapacity: batch, computing: request,
            modes: [kind == .trainingStep ? .training : .inference], threads: threads, precision: precision)
        operations = Double(batch) * graph.directOperations(computing: request)
        optimizer = try OptimizerConfiguration.adam.makeOptimizer(parameterCount: executor.trainableCount)
        labels = (0..<batch).map { Int32($0 % 10) }
        self.kind = kind
        executor.input.fillWithNoise()
    }

    func run() throws {
        let batch = labels.count
        try executor.forward(batch: batch, mode: kind == .trainingStep ? .training : .inference)
        guard kind != .inference, let logits = executor.output.baseAddress,
            let gradient = executor.outputGradient.baseAddress
        else { return }
        labels.withUnsafeBufferPointer { labels in
            guard let labels = labels.baseAddress else { return }
            _ = CrossEntropy().evaluate(
                logits: logits, count: batch, classes: 10, targets: .labels(labels), gradient: gradient)
        }
        try executor.backward()
        guard kind == .trainingStep else { return }
        var parameters = UnsafeMutableBufferPointer(rebasing: executor.parameters[..<executor.trainableCount])
            .mutableSpan
        try optimizer.step(
            parameters: &parameters, gradients: executor.gradients.span, learningRate: 1e-3, threads: executor.threads)
    }
}

extension UnsafeMutableBufferPointer<Float> {
    func fillWithNoise() {
        var random = SeededRandom(seed: 1)
        for index in indices { self[index] = Float(random.normal()) }
    }
}
