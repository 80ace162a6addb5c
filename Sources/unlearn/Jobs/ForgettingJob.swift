import Foundation
import Logging
import Unlearning
import UnlearningReports

/// One run that makes a model forget, from the files that it reads to the files that it writes.
struct ForgettingJob: Sendable {
    let model: ModelFlags
    let classes: ClassList
    let run: ForgettingRunFlags
    let options: RunOptions
    /// The path for the new model.
    let output: String
    let reporting: ReportDestination

    /// Forgets, audits if there is to be a report, and writes the files last.
    func perform(_ console: Console) async throws -> ForgetReport {
        let material = try material(console)
        let outcome = try await material.unlearner.forget(classes: material.classes, progress: console.progress())
        let others = try await OtherOutput.all(
            original: material.original, unlearned: outcome.model, forgotten: material.classes, images: material.retain,
            options: options)
        for other in others { console.logger.warning("\(other.warning)") }
        let audit = try await audit(outcome, of: material, others, console)
        try Task.checkCancellation()
        try outcome.model.write(to: outputFile)
        try audit?.write()
        return ForgetReport(
            outcome: outcome, otherOutputs: others, audit: audit, preset: run.preset, output: output)
    }

    /// The model, its data, and what makes it forget.
    private struct Material {
        let original: Model
        let classes: Set<Int>
        let images: any ImageDataset
        let retain: ImageSubset?
        let test: (any ImageDataset)?
        let unlearner: Unlearner
    }

    private var outputFile: URL { URL(fileURLWithPath: output) }

    /// The classes to forget, which need no pictures.
    private var absent: AbsentClasses { AbsentClasses(classes: classes, option: "--classes") }

    /// Reads and checks everything, so that nothing is refused after the work.
    private func material(_ console: Console) throws -> Material {
        let inputs = InputFiles(
            models: [model.path], files: run.pictures.files, datasets: [run.retain, run.validation])
        try inputs.check([outputFile] + reporting.files)
        let read = try model.load()
        let images = try run.pictures.load(run.retain, split: .train, for: read, absent: absent, console)
        let original = try read.completed(from: images)
        let classes = try original.classIndices(of: classes, console)
        try original.checkForgettable(classes)
        let method = run.method
        let data = try MethodImages(
            for: method, from: images, forgetting: classes, after: original.metadata.forgottenClasses,
            samplesPerClass: run.samples.perClass, seed: options.seed)
        let test = try run.validation.map {
            try run.pictures.load($0, split: .test, for: original, absent: absent, console)
        }
        if let test { try original.checkClasses(of: test) }
        console.describe(original, options, work(method, on: original, classes, data))
        let unlearner = Unlearner(
            model: original, retaining: data.retain, forgetting: data.forget, validation: test, method: method,
            training: run.training(like: original), options: options)
        return Material(
            original: original, classes: classes, images: images, retain: data.retain, test: test,
            unlearner: unlearner)
    }

    /// Audits the new network, if a report is asked for.
    private func audit(
        _ outcome: UnlearningOutcome, of material: Material, _ others: [OtherOutput], _ console: Console
    ) async throws -> AuditFiles? {
        guard let test = material.test, reporting.folder != nil else { return nil }
        let result = try await Audit(options: options).run(
            original: material.original, unlearned: outcome.model, forgotten: outcome.model.metadata.forgottenClasses,
            data: AuditData(test: test, training: material.images), progress: console.progress())
        let record = try reporting.record(
            result,
            models: AuditRecord.Models(
                original: AuditRecord.ModelFile(model.url),
                unlearned: AuditRecord.ModelFile(outcome.model, goingTo: outputFile)),
            forgetting: ForgettingRun(outcome, retained: material.retain.map { RetainList($0) }, otherOutputs: others))
        return AuditFiles(result, record: record, noise: outcome.noise, destination: reporting)
    }

    /// The passes that the method makes, for the description of the plan.
    private func work(
        _ method: any UnlearningMethod, on model: Model, _ classes: Set<Int>, _ data: MethodImages
    ) -> [(name: String, GradientRequest, batch: Int)] {
        guard let configuration = (method as? UNSIR)?.configuration else {
            return [(method.name, .parameters, TrainingConfiguration().batchSize)]
        }
        let noiseBatch = NoiseMaximizer(configuration: configuration.noise)
            .batchSize(classCount: classes.count, model: model, algorithms: options.algorithms)
        return [
            ("noise", .input, noiseBatch),
            ("impair", .parameters, configuration.impair.training.batchSize),
            ("repair", .parameters, min(configuration.repair.batchSize, data.retain?.count ?? 1)),
        ]
    }
}
