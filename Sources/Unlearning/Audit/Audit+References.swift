import NeuralGraph

extension Audit {
    /// The greatest accuracy on a forgotten class that a model trained without it may have, beyond what chance explains.
    ///
    /// Such a network was never told that any image is of the class, and training pushed the class's logit down at every
    /// step, so that it gives that answer to about no image. 2 % is what an unlearned model may have without a reference.
    package static let mostReferenceAccuracy = 0.02

    /// How sure it must be that a reference is above ``mostReferenceAccuracy``, for it to be refused.
    package static let referenceConfidence = 0.99
}

extension PerModel where Value == Model {
    /// Checks that retrained models are neither audited ones nor the same one twice.
    /// - Throws: ``AuditError/unusableReference(number:fault:)``.
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
    /// Checks that no retrained model knows a class that it is said to have been trained without, on all examples that
    /// there are of the class.
    /// - Throws: ``AuditError/unusableReference(number:fault:)``.
    func checkReferences() throws(AuditError) {
        guard !supportsSamples else { return }
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
                    accuracy.lowerBound(level: Audit.referenceConfidence) > Audit.mostReferenceAccuracy
                else { continue }
                throw .unusableReference(
                    number: position + 1,
                    fault: .knowsClass(index: index, name: classNames[index], right: right, count: count))
            }
        }
    }
}

extension Model {
    /// Whether another model has the same parameters and statistics, number for number.
    func hasSameNumbers(as other: Model) -> Bool {
        parameters == other.parameters && state == other.state
    }

    /// Checks a model's numbers.
    /// - Parameter name: what messages call the model.
    /// - Throws: ``AuditError/unsoundModel(model:fault:)``.
    func checkNumbers(ofAudited name: String) throws(AuditError) {
        if let fault = numericFault { throw .unsoundModel(model: name, fault: fault) }
    }
}
