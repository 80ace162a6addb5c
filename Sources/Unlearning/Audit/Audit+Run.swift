import ImageDatasets
import NeuralGraph

extension Audit {
    func run(
        _ models: PerModel<Model>, forgotten target: AuditTarget, data: AuditData, context: RunContext
    ) throws -> AuditResult {
        try configuration.validate()
        try checkMeasures()
        let target = target.covering(models.unlearned.metadata.forgottenClasses)
        let forgotten = target.classes
        try check(models, forgotten: target)
        let models = try configuration.weights.map { format in try models.map { try $0.rounded(to: format) } } ?? models
        let (test, training) = try samples(of: data, for: models.original, forgotten: target)
        try context.begin("audit") {
            [
                ("original model", Fingerprint.text(of: models.original)),
                ("unlearned model", Fingerprint.text(of: models.unlearned)),
                ("retrained models", models.retrained.map { Fingerprint.text(of: $0) }.joined(separator: ", ")),
                ("forgotten classes", forgotten.sorted().map(String.init).joined(separator: ",")),
                ("test data", try Fingerprint.text(of: test.subset.source, context: context)),
                (
                    "training data",
                    try training.map { try Fingerprint.text(of: $0.subset.source, context: context) } ?? "not given"
                ),
                ("audit's settings", try MethodComparison.json(configuration)),
            ]
        }
        let parts = parts
        let plan = AuditPlan(
            configuration: configuration, modelCount: 2 + models.retrained.count, testCount: test.labels.count,
            trainingCount: training?.labels.count ?? 0)
        let progress = AuditProgress(
            context: context,
            total: parts.reduce(plan.modelCount * (plan.testCount + plan.trainingCount)) { $0 + cost(of: $1, plan) })
        var seconds: [String: Double] = [:]
        func timed<Value>(_ name: String, _ body: () throws -> Value) rethrows -> Value {
            let start = ContinuousClock.now
            defer { seconds[name, default: 0] += (ContinuousClock.now - start).seconds }
            return try body()
        }
        let evidence = try timed("evidence") {
            try collect(
                models, forgotten: target, test: test,
                training: training, context: context, progress: progress)
        }
        try evidence.checkReferences()
        var findings = AuditFindings()
        for part in parts {
            try timed(part.name) {
                let expected = progress.done + cost(of: part, plan)
                try examine(part, evidence, into: &findings)
                try progress.advance(to: expected)
            }
        }
        let measures = configuration.thresholds.judged(findings.results, ofClasses: target.samples == nil)
        return AuditResult(
            forgottenClasses: forgotten.sorted(), classNames: evidence.classNames,
            adjacentClasses: evidence.adjacentClasses,
            samples: AuditSampleCounts(
                forgottenTest: test.forgotten.count, retainedTest: test.retained.count,
                forgottenTraining: training?.forgotten.count ?? 0,
                retainedTraining: training?.retained.count ?? 0),
            retrainedModels: models.retrained.count, measures: measures,
            isOriginal: models.unlearned.hasSameNumbers(as: models.original),
            hasOriginalFeatures: models.unlearned.hasSameFeatures(as: models.original),
            figures: configuration.makesFigures ? findings.figures : AuditFigures(),
            configuration: configuration, seed: context.options.seed, seconds: seconds,
            forgottenSamples: target.samples?.count)
    }

    private func cost(of measure: any AuditMeasure, _ plan: AuditPlan) -> Int {
        (measure as? any BuiltInMeasure)?.cost(plan) ?? 0
    }

    private func check(_ models: PerModel<Model>, forgotten: AuditTarget) throws {
        let original = models.original
        try original.checkNumbers(ofAudited: "original")
        switch forgotten {
        case .classes(let classes): try original.checkForgettable(classes)
        case .samples(let samples): try original.check(samples, named: "forget")
        }
        let others = [("unlearned", models.unlearned)] + models.retrained.map { ("retrained", $0) }
        for (name, model) in others {
            guard model.classCount == original.classCount else {
                throw AuditError.otherClassCount(
                    model: name, found: model.classCount, expected: original.classCount)
            }
            guard model.graph.inputShape == original.graph.inputShape else {
                throw AuditError.otherInputShape(
                    model: name, found: model.graph.inputShape, expected: original.graph.inputShape)
            }
            try model.checkNumbers(ofAudited: name)
        }
        try models.checkReferences()
    }

    private func samples(
        of data: AuditData, for model: Model, forgotten target: AuditTarget
    ) throws -> (test: AuditSamples, training: AuditSamples?) {
        let forgotten = target.classes
        func draw(_ data: any LabeledData, named name: String, limit: Int, seed: UInt64) throws -> AuditSamples {
            let examples = try data.examples(for: model, named: name)
            try model.check(examples, named: name)
            return try AuditSamples(
                from: examples, limit: limit, forgotten: forgotten, classCount: model.classCount, seed: seed)
        }
        let test = try draw(data.test, named: "test", limit: configuration.testSamples, seed: options.seed)
        if let samples = target.samples {
            let training = try data.training.map {
                try draw($0, named: "training", limit: configuration.trainingSamples, seed: options.seed)
            }
            return (
                test.withPeers(of: samples),
                try AuditSamples(
                    forgotten: samples, limit: max(1, configuration.trainingSamples / 2), retained: training,
                    seed: options.seed)
            )
        }
        guard !test.retained.isEmpty else { throw AuditError.retainedClassesMissing }
        let training = try data.training.map {
            try draw($0, named: "training", limit: configuration.trainingSamples, seed: options.seed)
        }
        return (test, training)
    }

    private func classNames(of model: Model) -> [String] {
        let names = model.metadata.classNames
        return names.count == model.classCount ? names : (0..<model.classCount).map(String.init)
    }

    private func collect(
        _ models: PerModel<Model>, forgotten target: AuditTarget, test: AuditSamples,
        training: AuditSamples?, context: RunContext, progress: AuditProgress
    ) throws -> AuditEvidence {
        let classes = target.classes
        func outputs(
            _ model: Model, _ name: String, _ samples: AuditSamples, of data: String
        ) throws -> ExampleOutputs {
            let stages = configuration.examinesRepresentation ? model.graph.stages() : []
            do {
                let (logits, features) = try Predictor().outputs(
                    of: samples.examples, named: data, by: model, keeping: stages, context: context
                ) { _, _, count in try progress.advance(by: count) }
                return ExampleOutputs(predictions: try Predictions(logits: logits), features: features)
            } catch let error as UnlearningError {
                guard case .output(let example, let value)? = error.detail else { throw error }
                throw AuditError.outputNotFinite(model: name, data: data, example: example, value: value)
            }
        }
        func evidence(_ model: Model, _ name: String) throws -> ModelEvidence {
            ModelEvidence(
                model: model, test: try outputs(model, name, test, of: "test"),
                training: try training.map { try outputs(model, name, $0, of: "training") })
        }
        let original = try evidence(models.original, "original")
        let confusion = Accuracies.confusion(original.test.predictions, labels: test.labels, with: classes)
        let adjacent =
            target.samples != nil
            ? []
            : confusion.indices.filter { confusion[$0] != nil }
                .sorted { (confusion[$1] ?? 0, $0) < (confusion[$0] ?? 0, $1) }
        return AuditEvidence(
            configuration: configuration, forgottenClasses: classes,
            forgetsSamples: target.samples != nil,
            classNames: classNames(of: models.original),
            adjacentClasses: Array(adjacent.prefix(configuration.adjacentClasses)), test: test,
            training: training,
            models: PerModel(
                original: original, unlearned: try evidence(models.unlearned, "unlearned"),
                retrained: try models.retrained.map { try evidence($0, "retrained") }),
            forgetting: forgetting, context: context, progress: progress)
    }
}
