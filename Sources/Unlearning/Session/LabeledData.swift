import ImageDatasets
import NeuralGraph

/// Labeled images, which are prepared for a model, or ready examples in the shape of its input.
public enum LabeledData: Sendable {
    /// Images.
    case images(any ImageDataset)
    /// Examples: any numbers, not only images.
    case examples(any ExampleSource)

    /// The number of images or examples.
    public var count: Int {
        switch self {
        case .images(let images): images.count
        case .examples(let examples): examples.count
        }
    }

    /// The data as the model takes them.
    func examples(for model: Model) throws -> any ExampleSource {
        switch self {
        case .images(let images): try model.prepare(images)
        case .examples(let examples): examples
        }
    }
}
