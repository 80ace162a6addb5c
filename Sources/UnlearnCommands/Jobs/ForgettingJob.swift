import Foundation
import Logging
import ModelInterchange
package import Unlearning
import UnlearningReports

/// One run that makes a model forget, from the files that it reads to the files that it writes.
package struct ForgettingJob: Sendable {
    let model: ModelFlags
    let classes: ClassList
    let run: ForgettingRunFlags
    package var options: RunOptions
    /// The path for the new model.
    let output: String
    package var reporting: ReportDestination
    /// Which of the options win over a configuration's file.
    package var given = GivenSettings()
    /// What the request asks for besides the classes.
    var details = RequestDetails()
    /// What the audit measures, and compares with.
    var auditing = AuditPlan()

    package init(
        model: ModelFlags, classes: ClassList, run: ForgettingRunFlags, options: RunOptions, output: String,
        reporting: ReportDestination, given: GivenSettings = GivenSettings(),
        details: RequestDetails = RequestDetails(),
        auditing: AuditPlan = AuditPlan()
    ) {
        (self.model, self.classes, self.run, self.options, self.output) = (model, classes, run, options, output)
        (self.reporting, self.given) = (reporting, given)
        (self.details, self.auditing) = (details, auditing)
    }

    /// Forgets, audits if there is to be a report, and writes the files last.
    func perform(_ console: Console) async throws -> ForgetReport {
        try await perform(try prepared(console), console)
    }

    /// Reads and checks everything.
    package func prepared(_ console: Console) throws -> ForgettingMaterial {
        let file = try run.methods.configuration.read(for: "forget")
        try file.check(uses: ["method", "preset", "settings", "training", "samplesPerClass"], in: "forget")
        let choice = try run.choice(file)
        try run.check(choice)
        return try ForgettingMaterial(self, choice, file, console)
    }

    /// Does the work with what was read and checked before.
    package func perform(_ material: ForgettingMaterial, _ console: Console) async throws -> ForgetReport {
        let outcome = try await forget(material, console)
        let others = try await OtherOutput.all(
            original: material.original, unlearned: outcome.model, forgotten: material.classes, images: material.retain,
            options: material.options)
        for other in others { console.logger.warning("\(other.warning)") }
        if outcome.isRuined, !run.keepRuined {
            return ForgetReport(
                outcome: outcome, otherOutputs: others, audit: nil, preset: material.choice.preset, output: nil,
                removedNames: material.removedNames, droppedOutputs: [], runFolder: nil)
        }
        var finished = FinishedModel(outcome.model)
        if details.dropsOutputs { try finished.dropOutputs(of: material.classes, in: output, console) }
        let audit = try await audit(outcome, &finished, of: material, others, console)
        try Task.checkCancellation()
        try finished.model.write(to: outputFile)
        try audit?.write()
        let report = ForgetReport(
            outcome: outcome, otherOutputs: others, audit: audit, preset: material.choice.preset, output: output,
            removedNames: material.removedNames, droppedOutputs: finished.droppedOutputs, runFolder: runFolder)
        try runFolder?.write(
            material.resolved, log: console.messages + [report.loggedText], redact: material.removedNames.redact)
        let files = [outputFile] + (audit?.files ?? []) + (runFolder?.files ?? [])
        for trace in material.removedNames.traces(in: files) { console.logger.warning("\(trace)") }
        return report
    }

    var outputFile: URL { URL(fileURLWithPath: output) }

    var runFolder: RunFolder? { run.methods.configuration.folder(beside: output).map(RunFolder.init) }

    private func forget(_ material: ForgettingMaterial, _ console: Console) async throws -> UnlearningOutcome {
        let again = material.classes.intersection(material.original.metadata.forgottenClasses)
        if !again.isEmpty {
            console.logger.warning("\(material.original.metadata.noteOfRepeatedRequest(for: again))")
        }
        guard let samples = material.forget, details.samples != nil else {
            return try await material.unlearner.forget(classes: material.classes, progress: console.progress())
        }
        return try await material.unlearner.forget(samples: samples, progress: console.progress())
    }

    /// Audits the new network, if a report is asked for, and ties the model's memory and the record together.
    private func audit(
        _ outcome: UnlearningOutcome, _ finished: inout FinishedModel, of material: ForgettingMaterial,
        _ others: [OtherOutput], _ console: Console
    ) async throws -> AuditFiles? {
        guard let test = material.test, reporting.folder != nil else { return nil }
        let audit = Audit(configuration: auditing.configuration, options: material.options)
        let (retrained, digests) = try await references(outcome, material, console)
        let result =
            if let samples = material.forget, details.samples != nil {
                try await audit.run(
                    original: material.original, unlearned: outcome.model, retrained: retrained,
                    forgottenSamples: samples,
                    data: AuditData(test: test, training: material.others), progress: console.progress())
            } else {
                try await audit.run(
                    original: material.original, unlearned: outcome.model, retrained: retrained,
                    forgotten: outcome.model.metadata.forgottenClasses,
                    data: AuditData(test: test, training: material.images), progress: console.progress())
            }
        var original = try AuditRecord.ModelFile(model.url)
        original.name = original.name.map(material.removedNames.redact)
        let retained = material.retain.map { RetainList($0, named: material.removedNames.redact($0.name)) }
        var record = try reporting.record(
            result,
            models: AuditRecord.Models(
                original: original, unlearned: AuditRecord.ModelFile(goingTo: outputFile), retrained: digests),
            forgetting: ForgettingRun(
                outcome, retained: retained, otherOutputs: others, resolved: material.resolved,
                droppedOutputs: finished.droppedOutputs),
            samples: details.samples == nil ? nil : material.forget.map { RetainList($0) },
            duplicates: try reporting.duplicates(
                forget: details.samples == nil
                    ? (try? material.images.only(classes: material.classes)) : material.forget,
                retain: material.retain, test: test, options: material.options, console))
        try record.bind(to: &finished.model, goingTo: outputFile) { try $0.write(to: $1) }
        return try AuditFiles(result, record: record, noise: outcome.noise, destination: reporting)
    }

    /// The retrained models to compare with, which are given or trained now.
    private func references(
        _ outcome: UnlearningOutcome, _ material: ForgettingMaterial, _ console: Console
    ) async throws -> ([Model], [AuditRecord.ModelFile]) {
        guard let trainer = auditing.retraining(run.training(like: material.original), material.options) else {
            return (material.retrained, try auditing.retrained.map { try .init(URL(fileURLWithPath: $0)) })
        }
        let models = try await trainer.models(
            like: material.original, classes: outcome.model.metadata.forgottenClasses, images: material.others,
            progress: console.progress("retrained"))
        return (models, try models.map { try AuditRecord.ModelFile($0) })
    }
}

/// The new model on its way to its file.
struct FinishedModel {
    var model: Model
    /// The classes whose outputs were removed, by their numbers before.
    private(set) var droppedOutputs: [Int] = []

    init(_ model: Model) {
        self.model = model
    }

    /// Removes the classes' outputs.
    /// - Throws: `CommandError` as ``withoutOutputs(of:_:)``.
    mutating func dropOutputs(of classes: Set<Int>, in path: String, _ console: Console) throws {
        let smaller = try Self.withoutOutputs(of: classes, model)
        if model.origin != nil, smaller.origin == nil {
            console.logger.warning("\(path): the network without its outputs is exported, not written as it was")
        }
        (model, droppedOutputs) = (smaller, classes.sorted())
    }

    /// A model without the classes' outputs.
    /// - Throws: `CommandError` if it has none that can be removed.
    static func withoutOutputs(of classes: Set<Int>, _ model: Model) throws -> Model {
        guard let smaller = try model.droppingOutputs(of: classes) else {
            throw CommandError(
                "--drop-outputs: the network does not end in a linear layer whose rows could be removed; leave it out")
        }
        return smaller
    }
}
