import ImageDatasets
import NeuralGraph

/// The images that an audit measures on.
///
/// Unlike forgetting, an audit needs images of the forgotten classes, to see whether the model still knows them. They
/// are used for measuring, never for changing a model.
public struct AuditData: Sendable {
    let test: LabeledData
    let training: LabeledData?

    /// Takes images, which are prepared for the model.
    /// - Parameters:
    ///   - test: images of all classes, including the forgotten ones, that no model was trained on.
    ///   - training: images of all classes that the original was trained on. Without them membership inference,
    ///     relearning and probes are left out.
    public init(test: any ImageDataset, training: (any ImageDataset)? = nil) {
        self.test = .images(test)
        self.training = training.map { .images($0) }
    }

    /// Takes examples in the shape of the models' input; see ``init(test:training:)-(ImageDataset,_)``.
    public init(test: any ExampleSource, training: (any ExampleSource)? = nil) {
        self.test = .examples(test)
        self.training = training.map { .examples($0) }
    }
}
