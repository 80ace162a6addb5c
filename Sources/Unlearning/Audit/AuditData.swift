import ImageDatasets
import NeuralGraph

/// What an audit measures on. Unlike forgetting, an audit needs images of the forgotten classes: without them nobody
/// can see whether they are still known. They are used to measure, and never to change a model that is handed over.
public struct AuditData: Sendable {
    let test: LabeledData
    let training: LabeledData?

    /// Images, which are prepared for the model.
    /// - Parameters:
    ///   - test: images that no model was trained on, of all classes, the forgotten among them.
    ///   - training: images that the original was trained on, of all classes. Without them membership inference,
    ///     relearning and probes are left out.
    public init(test: any ImageDataset, training: (any ImageDataset)? = nil) {
        self.test = .images(test)
        self.training = training.map { .images($0) }
    }

    /// Examples in the shape of the models' input; see ``init(test:training:)-(ImageDataset,_)``.
    public init(test: any ExampleSource, training: (any ExampleSource)? = nil) {
        self.test = .examples(test)
        self.training = training.map { .examples($0) }
    }
}
