import NeuralGraph

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
