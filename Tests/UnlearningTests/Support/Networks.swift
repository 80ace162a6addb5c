import Unlearning

/// Three convolutions with batch norm and ReLU, then a linear layer.
func convolutionalNetwork(_ inputShape: TensorShape, classes: Int, dropout: Float? = nil) throws -> Graph {
    var builder = GraphBuilder(inputShape: inputShape)
    var x = builder.input
    for (index, channels) in [8, 16, 16].enumerated() {
        x = try builder.convolution(
            x, named: "conv\(index)", channels: channels, kernelSize: 3, stride: index == 0 ? 1 : 2, padding: 1,
            bias: false)
        x = try builder.batchNormalization(x, named: "bn\(index)")
        x = try builder.relu(x, named: "relu\(index)")
        if let dropout { x = try builder.dropout(x, named: "dropout\(index)", probability: dropout) }
    }
    x = try builder.flatten(x, named: "flatten")
    _ = try builder.linear(x, named: "fc", outputs: classes)
    return try builder.graph()
}

/// Linear layers over feature vectors, with batch norm between them or not.
func vectorNetwork(features: Int, classes: Int, normalizes: Bool = false) throws -> Graph {
    var builder = GraphBuilder(inputShape: [features])
    var x = try builder.linear(builder.input, named: "fc0", outputs: 16)
    if normalizes { x = try builder.batchNormalization(x, named: "bn") }
    x = try builder.relu(x, named: "relu")
    _ = try builder.linear(x, named: "fc1", outputs: classes)
    return try builder.graph()
}

/// One linear layer whose numbers are all 0: every class is as likely as any other.
func undecidedModel(features: Int, classes: Int) throws -> Model {
    var builder = GraphBuilder(inputShape: [features])
    _ = try builder.linear(builder.input, named: "fc", outputs: classes)
    let model = Model(graph: try builder.graph(), seed: 0)
    return try model.replacing(model.parameters.mapValues { Tensor(repeating: 0, shape: $0.shape) })
}

extension Model {
    /// The model with all parameters and running statistics moved a little, as after some training.
    func perturbed(seed: UInt64) throws -> Model {
        var tensors: [String: Tensor] = [:]
        for (name, tensor) in stateDictionary where !name.hasSuffix("num_batches_tracked") {
            var random = SeededRandom(seed: seed, stream: name)
            let shift = name.hasSuffix("running_var") ? 0.5 : 0
            tensors[name] = try Tensor(
                tensor.elements.map {
                    $0 + Float(shift * random.uniform() + 0.1 * random.normal() * (1 - shift))
                },
                shape: tensor.shape)
        }
        return try replacing(tensors)
    }

    /// The model with one number of a tensor replaced.
    func replacing(_ name: String, at index: Int, with value: Float) throws -> Model {
        guard var tensor = stateDictionary[name] else { return self }
        tensor[index] = value
        return try replacing([name: tensor])
    }
}

/// A problem of six classes of 12x12 gray patterns, and a network trained on it once for all tests.
enum Patterns {
    static let classes = 6
    static let shape: TensorShape = [12, 12, 1]
    static let train = PatternImages(classes: classes, perClass: 100, shape: shape, seed: 1)
    static let test = PatternImages(classes: classes, perClass: 50, shape: shape, seed: 2)

    /// The paper's rates for a problem a hundred times smaller: fewer noise images, smaller batches.
    static let configuration = UNSIR.Configuration(
        noise: NoiseMaximizer.Configuration(imagesPerClass: 64, steps: 20),
        impair: ImpairStep.Configuration(
            noiseRepetitions: 5, training: TrainingConfiguration(batchSize: 16, learningRate: 0.02)),
        repair: TrainingConfiguration(batchSize: 16, learningRate: 0.01))

    /// Tests run side by side, and more threads than processors wait for each other.
    static let options = RunOptions(threadCount: 1)

    /// How the network was trained.
    static let training = TrainingConfiguration(epochs: 4, batchSize: 20, learningRate: 0.005)

    private static let first = Task {
        try await trained(Model(graph: convolutionalNetwork(shape, classes: classes), seed: 7))
    }

    /// The trained network.
    static var model: Model { get async throws { try await first.value } }

    /// Retain images: 90 of each class that is not forgotten.
    static func retained(without classes: Set<Int>) throws -> ImageSubset {
        try train.samples(perClass: 90, excluding: classes)
    }

    static func unlearner(
        forgetting classes: Set<Int>, validated: Bool = false, options: RunOptions = options
    ) async throws -> Unlearner {
        var unlearner = Unlearner(
            model: try await model, retaining: try retained(without: classes), validation: validated ? test : nil,
            method: .unsir(configuration), options: options)
        // These rates cost some accuracy, and a run as it is has a known number of steps.
        unlearner.guarding = nil
        return unlearner
    }

    /// A network trained for four epochs.
    static func trained(_ model: Model) async throws -> Model {
        var model = model
        model.metadata.classNames = train.classNames
        return try await Trainer(configuration: training).train(model, on: model.prepare(train), options: options).model
    }
}
