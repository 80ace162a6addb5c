import NeuralGraph

extension Audit {
    /// The maximum accuracy on a forgotten class that a model trained without it may have, beyond what chance explains.
    ///
    /// Training without the class pushes its logit down at every step, so that the network predicts it for almost no
    /// image. 2 % is what an unlearned model may have without a reference.
    package static let maximumReferenceAccuracy = 0.02

    /// The confidence that a reference is above ``maximumReferenceAccuracy`` from which on it is refused.
    package static let referenceConfidence = 0.99
}

extension PerModel where Value == Model {
    /// Checks that no retrained model is one of the audited ones or there twice.
    func checkReferences() throws(AuditError) {
        for (position, model) in retrained.enumerated() {
            let fault: ReferenceFault? =
                if model.hasSameNumbers(as: original) {
                    .isOriginal
                } else if model.hasSameNumbers(as: unlearned) {
                    .isUnlearned
                } else {
                    retrained[..<position].firstIndex { model.hasSameNumbers(as: $0) }.map { .isRepeated($0 + 1) }
                }
            if let fault { throw .unusableReference(number: position + 1, fault: fault) }
        }
    }
}

extension AuditEvidence {
    /// Checks that no retrained model knows a forgotten class, on all test and training examples of it.
    func checkReferences() throws(AuditError) {
        guard !forgetsSamples else { return }
        for (position, model) in models.retrained.enumerated() {
            for index in forgottenClasses.sorted() {
                var (right, count) = (0, 0)
                for (outputs, samples) in [(model.test, test), (model.training, training)]
                    as [(ExampleOutputs?, AuditSamples?)]
                {
                    guard let outputs, let samples else { continue }
                    for row in samples.forgotten where samples.labels[row] == index {
                        count += 1
                        right += outputs.predictions.predicted[row] == index ? 1 : 0
                    }
                }
                guard let accuracy = BinomialProportion(successes: right, trials: count),
                    accuracy.lowerBound(level: Audit.referenceConfidence) > Audit.maximumReferenceAccuracy
                else { continue }
                throw .unusableReference(
                    number: position + 1,
                    fault: .knowsClass(index: index, name: classNames[index], right: right, count: count))
            }
        }
    }
}

extension Model {
    /// Whether another model has exactly the same parameters and statistics.
    func hasSameNumbers(as other: Model) -> Bool {
        parameters == other.parameters && state == other.state
    }

    /// Whether another model has exactly the same parameters and statistics before the last layer.
    func hasSameFeatures(as other: Model) -> Bool {
        guard let head = graph.head else { return false }
        let own = ["weight", "bias"].map(head.key)
        func features(_ model: Model) -> [String: Tensor] { model.parameters.filter { !own.contains($0.key) } }
        return features(self) == features(other) && state == other.state
    }

    /// Checks a model's numbers.
    /// - Parameter name: the model's name in messages.
    func checkNumbers(ofAudited name: String) throws(AuditError) {
        if let fault = numericFault { throw .unsoundModel(model: name, fault: fault) }
    }
}
