import ImageDatasets
import NeuralGraph

/// Labelled images or ready examples.
enum LabelledData: Sendable {
    case images(any ImageDataset)
    case examples(any ExampleSource)

    func examples(for model: Model) throws -> any ExampleSource {
        switch self {
        case .images(let images): try model.prepare(images)
        case .examples(let examples): examples
        }
    }
}
