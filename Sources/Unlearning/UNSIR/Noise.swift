public import ImageDatasets
public import NeuralGraph

/// Inputs that a model finds least like a class: what ``NoiseMaximizer`` learns and ``ImpairStep`` uses.
public struct Noise: Sendable {
    /// The class that the noise is to displace, and that it is labeled with.
    public let label: Int
    /// The inputs in normalized pixel space, `[images, height, width, channels]`.
    public let images: Tensor
    /// The objective before each step: -cross-entropy + lambda · mean squared norm, which falls.
    public let objectives: [Double]
    /// The original model's cross-entropy for the class before each step, which rises.
    public let crossEntropies: [Double]

    /// Creates noise from its images.
    public init(label: Int, images: Tensor, objectives: [Double] = [], crossEntropies: [Double] = []) {
        self.label = label
        self.images = images
        self.objectives = objectives
        self.crossEntropies = crossEntropies
    }

    /// The images as examples of the class.
    public func examples() throws -> TensorExamples {
        try TensorExamples(images, labels: [Int](repeating: label, count: images.shape.dimensions.first ?? 0))
    }
}

/// Classes whose noise makes one batch: a forward and a backward pass serve all of them.
struct NoiseBatch {
    let members: ArraySlice<NoiseInProgress>
    let configuration: NoiseMaximizer.Configuration

    /// Takes a step with every member's noise.
    func step(_ step: Int, executor: Executor) throws {
        guard let input = executor.input.baseAddress, let logits = executor.output.baseAddress,
            let outputGradient = executor.outputGradient.baseAddress,
            let inputGradient = executor.inputGradient.baseAddress, let first = members.first
        else { return }
        let images = configuration.imagesPerClass
        let (imageSize, classes) = (executor.graph.inputShape.count, executor.graph.outputShape.count)
        for (place, member) in members.enumerated() { member.write(to: input + place * images * imageSize) }
        try executor.forward(
            batch: members.count * images, mode: configuration.mode, updatesState: false,
            seed: first.dropoutSeed &+ UInt64(step))
        let crossEntropies = members.enumerated().map { place, member in
            let start = place * images * classes
            return member.crossEntropy(logits: logits + start, classes: classes, gradient: outputGradient + start)
        }
        try executor.backward()
        for ((place, member), crossEntropy) in zip(members.enumerated(), crossEntropies) {
            try member.descend(
                inputGradient + place * images * imageSize, crossEntropy: crossEntropy, step: step,
                threads: executor.threads)
        }
    }
}

/// One class's noise while it is learned.
final class NoiseInProgress {
    /// The seed of dropout, which is awake with batch statistics alone.
    let dropoutSeed: UInt64
    private let label: Int
    private let configuration: NoiseMaximizer.Configuration
    private var images: [Float]
    private let labels: [Int32]
    private let optimizer: any Optimizer
    private(set) var objectives: [Double] = []
    private var crossEntropies: [Double] = []

    init(
        label: Int, configuration: NoiseMaximizer.Configuration, imageSize: Int, start: [Float]? = nil,
        context: RunContext
    ) throws {
        self.label = label
        self.configuration = configuration
        var random = SeededRandom(seed: context.options.seed, stream: "noise.\(label)")
        images = start ?? (0..<configuration.imagesPerClass * imageSize).map { _ in Float(random.normal()) }
        labels = [Int32](repeating: Int32(label), count: configuration.imagesPerClass)
        dropoutSeed = context.seed("noise.\(label).dropout")
        optimizer = try configuration.optimizer.makeOptimizer(parameterCount: images.count)
    }

    /// Copies the images to where a forward pass reads them.
    func write(to input: UnsafeMutablePointer<Float>) {
        images.withUnsafeBufferPointer { images in
            if let start = images.baseAddress { input.update(from: start, count: images.count) }
        }
    }

    /// The model's cross-entropy for the class; writes the gradient of its negative, since the loss is maximized.
    func crossEntropy(
        logits: UnsafePointer<Float>, classes: Int, gradient: UnsafeMutablePointer<Float>
    ) -> Double {
        let value = labels.withUnsafeBufferPointer { labels in
            labels.baseAddress.map {
                CrossEntropy().evaluate(
                    logits: logits, count: labels.count, classes: classes, targets: .labels($0), gradient: gradient)
            }
        }
        for index in 0..<labels.count * classes { gradient[index].negate() }
        return value?.loss ?? .nan
    }

    /// Moves the images along the objective's gradient.
    /// - Parameters:
    ///   - gradient: that of the negative cross-entropy by the images; the norm's is added to it.
    ///   - crossEntropy: of the images as they are.
    func descend(
        _ gradient: UnsafeMutablePointer<Float>, crossEntropy: Double, step: Int, threads: ThreadTeam
    ) throws {
        try images.withUnsafeMutableBufferPointer { images in
            guard let noise = images.baseAddress else { return }
            let count = images.count
            let weight = configuration.lambda / Double(configuration.imagesPerClass)
            let norm = GradientClipping.euclideanNorm(of: noise, count: count, threads: threads)
            let objective = -crossEntropy + weight * norm * norm
            guard objective.isFinite else {
                throw UnlearningError.diverged(phase: .noise, step: step + 1, what: "the objective")
            }
            objectives.append(objective)
            crossEntropies.append(crossEntropy)

            let slope = Float(2 * weight)
            threads.forEachChunk(of: count, floatsEach: 2) { part in
                for index in part { gradient[index] += slope * noise[index] }
            }
            var numbers = images.mutableSpan
            try optimizer.step(
                parameters: &numbers, gradients: UnsafeBufferPointer(start: gradient, count: count).span,
                learningRate: Float(configuration.learningRate), threads: threads)
        }
    }

    /// Adds the noise as it is to a checkpoint.
    func add(to content: inout CheckpointContent) {
        content.floats["images/\(label)"] = images
        content.doubles["objectives/\(label)"] = objectives
        content.doubles["crossEntropies/\(label)"] = crossEntropies
        guard let optimizer = optimizer as? any ResumableOptimizer else { return }
        content.add(optimizer.snapshot, named: "\(label)/")
    }

    /// Goes on from a checkpoint.
    func restore(_ content: CheckpointContent, steps: Int) throws {
        let images = try content.floats("images/\(label)", count: images.count)
        let objectives = try content.doubles("objectives/\(label)", count: steps)
        let crossEntropies = try content.doubles("crossEntropies/\(label)", count: steps)
        try content.restore(optimizer, named: "\(label)/")
        (self.images, self.objectives, self.crossEntropies) = (images, objectives, crossEntropies)
    }

    func finished(shape: TensorShape) throws -> Noise {
        let tensor = try Tensor(images, shape: TensorShape([configuration.imagesPerClass] + shape.dimensions))
        guard tensor.isFinite else {
            throw UnlearningError.diverged(phase: .noise, step: configuration.steps, what: "the noise")
        }
        return Noise(label: label, images: tensor, objectives: objectives, crossEntropies: crossEntropies)
    }
}

extension CheckpointContent {
    /// Takes learned noise.
    init(_ noise: [Noise]) {
        for noise in noise {
            floats["images/\(noise.label)"] = noise.images.elements
            doubles["objectives/\(noise.label)"] = noise.objectives
            doubles["crossEntropies/\(noise.label)"] = noise.crossEntropies
        }
    }
}

extension Noise {
    /// The noise of a class as a checkpoint keeps it.
    init(
        _ content: CheckpointContent, label: Int, _ configuration: NoiseMaximizer.Configuration, shape: TensorShape
    ) throws {
        let images = configuration.imagesPerClass
        self.init(
            label: label,
            images: try Tensor(
                content.floats("images/\(label)", count: images * shape.count),
                shape: TensorShape([images] + shape.dimensions)),
            objectives: try content.doubles("objectives/\(label)", count: configuration.steps),
            crossEntropies: try content.doubles("crossEntropies/\(label)", count: configuration.steps))
    }
}
