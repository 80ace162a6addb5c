public import ImageDatasets

/// How an audited model was made to forget, which the likelihood ratio attack repeats on its shadow models.
public struct AuditedForgetting: Sendable {
    /// The method, with its settings.
    public var method: any UnlearningMethod
    /// The retain data of the run; nil for the audit's own sample of retained training examples.
    public var retaining: (any LabeledData)?

    /// Describes a run.
    public init(method: any UnlearningMethod, retaining: (any LabeledData)? = nil) {
        self.method = method
        self.retaining = retaining
    }
}
