import ImageDatasets
import NeuralGraph

/// One seed's part of a comparison.
struct SeededComparison: Sendable {
    let comparison: MethodComparison
    let seed: UInt64
    let classes: Set<Int>
    let images: any ImageDataset
    let test: any ImageDataset
    let store: ComparisonStore?
    let progress: MethodComparison.Handler?

    static let referenceName = "reference"

    /// Options for a part of the work that is left out once it is finished.
    private func options(_ name: String) -> RunOptions {
        var options = comparison.options
        options.seed = seed
        options.checkpoint = options.checkpoint?.scoped("seed-\(seed)-\(name)")
        return options
    }

    private func handler(_ name: String) -> ProgressHandler? {
        guard let progress else { return nil }
        let step = MethodComparison.Step(seed: seed, name: name)
        return { progress(step, $0) }
    }

    func run(_ untrained: Model) async throws -> [ComparedRun] {
        let settings = try comparison.methods.map { try MethodComparison.json($0) }
        let kept = zip(comparison.methods, settings).map { store?.run($0.name, settings: $1, seed: seed) }
        let original = store?.run(ComparedRun.original, settings: "{}", seed: seed)
        // If everything is finished, no model has to be read.
        if let original, !kept.contains(nil) { return [original] + kept.compactMap { $0 } }

        let model = try await trained(untrained, ComparedRun.original, without: [])
        // From the same initial weights, like 'unlearn train --exclude-classes'.
        let reference = try await trained(untrained, Self.referenceName, without: classes)
        var runs = [try await measuredOriginal(original, model: model, reference: reference)]
        for (position, method) in comparison.methods.enumerated() {
            if let run = kept[position] {
                runs.append(run)
                continue
            }
            let run = try await run(method, settings: settings[position], model: model, reference: reference)
            try keep(run)
            runs.append(run)
        }
        return runs
    }

    func trained(
        _ untrained: Model, _ name: String, without classes: Set<Int>
    ) async throws -> Model {
        if let model = store?.model(name, seed: seed, like: untrained) { return model }
        let model = try await Retraining(
            training: comparison.training, augmentation: comparison.augmentation, options: options(name)
        ).train(untrained, classes: classes, images: images, seed: seed, progress: handler(name)).model
        if let store {
            try store.keep(model, name, seed: seed)
            options(name).checkpoint?.removeScope()
        }
        return model
    }

    func measuredOriginal(
        _ kept: ComparedRun?, model: Model, reference: Model
    ) async throws -> ComparedRun {
        if let kept { return kept }
        var run = ComparedRun(
            method: ComparedRun.original, seed: seed)
        run.takeOriginal(
            try await audit(model, original: model, reference: reference, ComparedRun.original))
        run.figures[.steps] = 0
        run.figures[.seconds] = 0
        try keep(run)
        return run
    }

    /// Keeps a finished run, which makes its checkpoint needless.
    func keep(_ run: ComparedRun) throws {
        guard let store else { return }
        try store.keep(run)
        for name in [run.method, "\(run.method)-audit"] { options(name).checkpoint?.removeScope() }
    }

    func run(
        _ method: any UnlearningMethod, settings: String, model: Model, reference: Model
    ) async throws -> ComparedRun {
        var run = ComparedRun(
            method: method.name, settings: settings, seed: seed,
            requirements: Requirement.allCases.filter(method.requirements.contains))
        let data = try MethodImages(
            for: method, from: images, forgetting: classes, samplesPerClass: comparison.samplesPerClass, seed: seed)
        do {
            let memory = PeakMemory()
            let unlearner = Unlearner(
                model: model, retaining: data.retain, forgetting: data.forget, method: method,
                training: comparison.training, options: options(method.name)
            ).unguarded
            let outcome = try await unlearner.forget(classes: classes, progress: handler(method.name))
            run.figures[.peakMemory] = memory.mebibytes
            run.figures[.seconds] = outcome.totalTime.seconds
            run.figures[.steps] = Double(outcome.steps)
            run.take(try await audit(outcome.model, original: model, reference: reference, method.name))
        } catch let error as UnlearningError {
            run.failure = error.description
        } catch let error as AuditError {
            run.failure = error.description
        }
        return run
    }

    private func audit(
        _ model: Model, original: Model, reference: Model, _ name: String
    ) async throws -> AuditResult {
        // The model's own scope may be gone when it is audited, so that its runs would be counted otherwise.
        try await Audit(configuration: comparison.audit, options: options("\(name)-audit")).run(
            original: original, unlearned: model, retrained: [reference], forgotten: classes,
            data: AuditData(test: test, training: images), progress: handler(name))
    }
}
