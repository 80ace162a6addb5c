import ImageDatasets
import NeuralGraph

/// Compares several unlearned models with as many retrained ones by what they answer to single images.
///
/// An audit compares one unlearned model with the mean of retrained ones. Unlearning and retraining are random, so that
/// the claim "as if it had been retrained" is about distributions: this comparison asks how well the answers to one image
/// tell a model of one kind from one of the other. It takes many models: 16 to 64 small ones say something, and the
/// challenge had 512.
///
/// ```swift
/// let comparison = try DistributionalComparison(like: model, forgotten: [3], test: test, training: training)
/// let unlearned = try await comparison.answers(of: models, named: "unlearned model")
/// ```
package struct DistributionalComparison: Sendable {
    /// The minimum number of models of either kind.
    package static let minimumModels = 4
    /// The number of models of either kind from which on halves of them are compared too.
    package static let modelsForHalves = 2 * minimumModels

    /// The maximum number of images to measure on, of the test images and of the training images.
    package static let defaultSamples = 2_000

    private let model: Model
    private let test: AuditSamples
    private let training: AuditSamples
    /// The forgotten classes; empty if samples were forgotten.
    private let classes: Set<Int>
    private let options: RunOptions

    /// Chooses images to compare models by that were to forget classes.
    /// - Parameters:
    ///   - model: one of the models; all have its classes and input.
    ///   - classes: the classes that were to be forgotten.
    ///   - test: images that no model was trained on, of all classes.
    ///   - training: what the originals were trained on, of all classes.
    ///   - samples: the maximum number of images of each, 2 or more; stratified by class, at least a tenth of forgotten
    ///     classes.
    /// - Throws: ``UnlearningError`` or ``AuditError`` if data, classes or numbers are wrong.
    package init(
        like model: Model, forgotten classes: Set<Int>, test: any LabeledData, training: any LabeledData,
        samples: Int = defaultSamples, options: RunOptions = RunOptions()
    ) throws {
        try model.checkForgettable(classes)
        func draw(_ data: any LabeledData, _ name: String) throws -> AuditSamples {
            try Self.draw(data, name, for: model, forgotten: classes, samples, options)
        }
        try self.init(
            model, test: draw(test, "test"), training: draw(training, "training"), classes: classes, options: options)
    }

    /// Chooses images to compare models by that were to forget single images.
    /// - Parameters:
    ///   - model: one of the models; all have its classes and input.
    ///   - forgotten: the images that were to be forgotten.
    ///   - test: images that no model was trained on.
    ///   - training: what the originals were trained on, without those images.
    ///   - samples: the maximum number of test images, and of training images of either kind.
    /// - Throws: as ``init(like:forgotten:test:training:samples:options:)``.
    package init(
        like model: Model, forgottenSamples forgotten: any LabeledData, test: any LabeledData,
        training: any LabeledData, samples: Int = defaultSamples, options: RunOptions = RunOptions()
    ) throws {
        func draw(_ data: any LabeledData, _ name: String) throws -> AuditSamples {
            try Self.draw(data, name, for: model, forgotten: [], samples, options)
        }
        let gone = try forgotten.examples(for: model, named: "forget")
        try model.check(gone, named: "forget")
        try self.init(
            model, test: draw(test, "test").withPeers(of: gone),
            training: AuditSamples(
                forgotten: gone, limit: samples, retained: draw(training, "training"), seed: options.seed),
            classes: [], options: options)
    }

    private init(
        _ model: Model, test: AuditSamples, training: AuditSamples, classes: Set<Int>, options: RunOptions
    ) throws {
        for (samples, rows, name) in [
            (training, training.forgotten, "training data has no example of what was forgotten"),
            (training, training.retained, "training data has no example of a retained class"),
            (test, test.retained, "test data has no example of a retained class"),
        ] where samples.labels.isEmpty || rows.isEmpty {
            throw AuditError(.missingData, "the \(name); give some of every class")
        }
        (self.model, self.test, self.training) = (model, test, training)
        (self.classes, self.options) = (classes, options)
    }

    private static func draw(
        _ data: any LabeledData, _ name: String, for model: Model, forgotten: Set<Int>, _ samples: Int,
        _ options: RunOptions
    ) throws -> AuditSamples {
        try Setting.check("samples", samples, isIn: 2...100_000_000)
        let examples = try data.examples(for: model, named: name)
        try model.check(examples, named: name)
        return try AuditSamples(
            from: examples, limit: samples, forgotten: forgotten, classCount: model.classCount, seed: options.seed)
    }

    /// The number of forward passes of one example that a model's answers take.
    package var cost: Int { test.labels.count + training.labels.count }

    /// Computes a model's answers to all images.
    /// - Parameters:
    ///   - model: an unlearned or a retrained model.
    ///   - name: what messages call it.
    ///   - progress: called after every batch.
    /// - Throws: ``AuditError`` if the model has other classes or another input, or its numbers are wrong;
    ///   `CancellationError`.
    package func answers(
        of model: Model, named name: String, progress: ProgressHandler? = nil
    ) async throws -> ModelAnswers {
        guard model.classCount == self.model.classCount, model.graph.inputShape == self.model.graph.inputShape else {
            throw AuditError(
                .incompatibleModels,
                "\(name) has \(model.classCount) classes and takes \(model.graph.inputShape), but another model has "
                    + "\(self.model.classCount) and takes \(self.model.graph.inputShape); give models of the same classes "
                    + "and input")
        }
        if let fault = model.numericFault { throw AuditError(.unsoundModel, "\(name): \(fault)") }
        return try await RunContext.run(options, progress: progress) { context in
            let total = AuditProgress(context: context, total: cost)
            func predictions(_ samples: AuditSamples, _ data: String) throws -> Predictions {
                try Predictions(
                    logits: Predictor().outputs(of: samples.examples, named: data, by: model, context: context) {
                        try total.advance(by: $2)
                    }.logits)
            }
            return try context.phase {
                let (test, training) = (try predictions(test, "test"), try predictions(training, "training"))
                return answers(test: test, training: training)
            }.0
        }
    }

    private func answers(test predictions: Predictions, training trainingPredictions: Predictions) -> ModelAnswers {
        [
            .forgottenTraining: GroupAnswers(trainingPredictions, labels: training.labels, rows: training.forgotten),
            .retainedTraining: GroupAnswers(trainingPredictions, labels: training.labels, rows: training.retained),
            .forgottenTest: GroupAnswers(predictions, labels: test.labels, rows: test.forgotten),
            .retainedTest: GroupAnswers(predictions, labels: test.labels, rows: test.retained),
        ]
    }

    /// Compares the answers of all models.
    /// - Parameters:
    ///   - unlearned: the answers of each unlearned model, ``minimumModels`` or more.
    ///   - retrained: the answers of each retrained model, ``minimumModels`` or more.
    /// - Throws: ``UnlearningError`` if there are too few models, and ``AuditError`` if one is there twice or a retrained
    ///   one knows a forgotten class.
    package func result(unlearned: [ModelAnswers], retrained: [ModelAnswers]) throws -> DistributionalResult {
        for (name, answers) in [("unlearned models", unlearned), ("retrained models", retrained)]
        where answers.count < Self.minimumModels {
            throw UnlearningError.invalidSetting(
                name: "the number of \(name)", value: "\(answers.count)", remedy: "give \(Self.minimumModels) or more")
        }
        try checkReferences(retrained, unlearned: unlearned)
        guard let measures = DistributionalMeasures(unlearned: unlearned, retrained: retrained) else {
            throw AuditError.retainedClassesMissing
        }
        let images = zip(training.forgotten, zip(measures.imageEpsilons, measures.imageDivergences)).map {
            row, values in
            DistributionalResult.Image(
                index: training.subset.indices[row], label: training.labels[row], epsilon: values.0,
                divergence: values.1)
        }
        func accuracy(_ answers: [ModelAnswers]) -> [ImageGroup: Double] {
            ImageGroup.allCases.reduce(into: [:]) { result, group in
                result[group] = Statistics.mean(answers.compactMap { $0[group]?.accuracy })
            }
        }
        return DistributionalResult(
            unlearnedModels: unlearned.count, retrainedModels: retrained.count,
            images: [
                .forgottenTraining: training.forgotten.count, .retainedTraining: training.retained.count,
                .forgottenTest: test.forgotten.count, .retainedTest: test.retained.count,
            ],
            epsilonCeiling: ChallengeEpsilon.ceiling(models: measures.models),
            unlearnedAccuracy: accuracy(unlearned), retrainedAccuracy: accuracy(retrained), measures: measures,
            halves: Self.halves(unlearned, retrained),
            forgottenImages: images.sorted {
                ($1.epsilon, $1.divergence, $0.index) < ($0.epsilon, $0.divergence, $1.index)
            })
    }

    /// Compares a half of either kind of models with the same half of the retrained ones.
    private static func halves(_ unlearned: [ModelAnswers], _ retrained: [ModelAnswers]) -> DistributionalResult.Halves?
    {
        let count = min(unlearned.count, retrained.count)
        guard count >= modelsForHalves else { return nil }
        let reference = Array(retrained[(count / 2)..<(count / 2 * 2)])
        guard
            let own = DistributionalMeasures(unlearned: Array(unlearned.prefix(count / 2)), retrained: reference),
            let other = DistributionalMeasures(unlearned: Array(retrained.prefix(count / 2)), retrained: reference)
        else { return nil }
        return DistributionalResult.Halves(unlearned: own, retrained: other)
    }

    /// Checks that no model is there twice, and that no retrained model knows a forgotten class.
    private func checkReferences(_ retrained: [ModelAnswers], unlearned: [ModelAnswers]) throws {
        for (position, answers) in unlearned.enumerated() where unlearned[..<position].contains(answers) {
            throw AuditError(
                .unusableReference,
                "unlearned model \(position + 1) gives the same answers as another to every image; give each model once"
            )
        }
        for (position, answers) in retrained.enumerated() {
            let fault: ReferenceFault? =
                if let other = retrained[..<position].firstIndex(of: answers) {
                    .isRepeated(other + 1)
                } else if unlearned.contains(answers) {
                    .isUnlearned
                } else {
                    knownClass(answers)
                }
            if let fault { throw AuditError.unusableReference(number: position + 1, fault: fault) }
        }
    }

    /// A forgotten class that a model knows, so that it was not trained without it; nil where samples were forgotten.
    private func knownClass(_ answers: ModelAnswers) -> ReferenceFault? {
        let groups = [(ImageGroup.forgottenTraining, training), (.forgottenTest, test)]
        for index in classes.sorted() {
            let isRight = groups.flatMap { group, samples in
                zip(samples.forgotten, answers[group]?.isRight ?? []).filter { samples.labels[$0.0] == index }.map(\.1)
            }
            let right = isRight.count { $0 }
            guard let accuracy = BinomialProportion(successes: right, trials: isRight.count),
                accuracy.lowerBound(level: Audit.referenceConfidence) > Audit.maximumReferenceAccuracy
            else { continue }
            let names = model.metadata.classNames
            let name = names.indices.contains(index) ? names[index] : "\(index)"
            return .knowsClass(index: index, name: name, right: right, count: isRight.count)
        }
        return nil
    }
}
