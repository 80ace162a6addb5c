public import ImageDatasets
import NeuralGraph

/// The images that an audit measures on.
///
/// Unlike forgetting, an audit needs images of the forgotten classes, to see whether the model still knows them. They
/// are used for measuring, never for changing a model.
public struct AuditData: Sendable {
    let test: any LabeledData
    let training: (any LabeledData)?

    /// Creates data of images, which are prepared for the model, or of examples in the shape of its input.
    /// - Parameters:
    ///   - test: images or examples that no model was trained on, of all classes, the forgotten ones included.
    ///   - training: images or examples that the original was trained on, of all classes. Without them the audit has no
    ///     membership inference, relearning or probes.
    public init(test: any LabeledData, training: (any LabeledData)? = nil) {
        self.test = test
        self.training = training
    }
}
