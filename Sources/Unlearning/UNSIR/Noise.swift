import ImageDatasets
import NeuralGraph

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
        try TensorExamples(images, labels: [Int](repeating: label, count: images.shape[0]))
    }
}
