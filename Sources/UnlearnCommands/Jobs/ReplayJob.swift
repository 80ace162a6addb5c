import Foundation
import ModelInterchange
import Unlearning
import UnlearningReports

/// A recorded run that is done again.
struct ReplayJob: Sendable {
    let record: AuditRecord
    private let command: Replay
    private let options: RunOptions
    private let run: ForgettingRun
    private let resolved: RunConfiguration
    /// The digest that the model remembers of the record.
    private let contentDigest: SHA256Digest

    /// Reads the record.
    /// - Throws: `RecordError` if the file is no record, and `CommandError` if it has no run.
    init(_ command: Replay, options: RunOptions) throws {
        let url = URL(fileURLWithPath: command.record)
        record = try AuditRecord(contentsOf: url)
        contentDigest = try AuditRecord.contentDigest(of: Data(contentsOf: url))
        guard let run = record.forgetting, let resolved = run.resolved, run.environment != nil else {
            throw CommandError(
                "\(command.record): says too little of how the model was made to forget; give a record that 'unlearn forget "
                    + "--report' of this version wrote")
        }
        (self.command, self.run, self.resolved) = (command, run, resolved)
        var replayed = RunOptions(
            seed: resolved.seed, threadCount: options.threadCount,
            algorithms: run.algorithms == "\(Algorithms.strict)" ? .strict : .fast,
            precision: run.precision ?? .float32)
        replayed.shardSize = run.shardSize
        self.options = replayed
        self.checkpoint = options.checkpoint
    }

    private let checkpoint: Checkpoint?

    /// Compares what the run takes, does it again, and compares what came out.
    func perform(_ console: Console) async throws -> ReplayResult {
        let obstacles = run.obstacles()
        guard obstacles.isEmpty else { return ReplayResult(.notReplayable, findings: obstacles) }
        guard run.seed == resolved.seed else {
            return ReplayResult(
                .mismatch, findings: ["The record has two seeds, \(run.seed) and \(resolved.seed)."])
        }
        guard let method = try resolved.resolvedMethod() else {
            throw CommandError("\(command.record): names no method")
        }
        let original = URL(fileURLWithPath: command.original)
        let digest = try SHA256Digest(ofFile: original)
        guard digest == record.models.original.sha256 else {
            return ReplayResult(
                .mismatch,
                findings: [
                    "\(command.original) is not the recorded original: its digest is \(digest), and "
                        + "\(record.models.original.sha256) is recorded."
                ])
        }
        let material = try material(method, console)
        let differences = try differences(of: material)
        guard differences.isEmpty else { return ReplayResult(.mismatch, findings: differences) }
        let outcome = try await forget(material, method, console)
        return try result(outcome)
    }

    /// The model, its data, and the classes to forget.
    private struct Material {
        let original: Model
        let classes: Set<Int>
        let images: any ImageDataset
        let data: MethodImages
        let forgetsSamples: Bool
    }

    private func material(_ method: any UnlearningMethod, _ console: Console) throws -> Material {
        let requested = Set(run.requestedClasses ?? record.classes.map(\.index))
        let read = try command.network.load(command.original)
        let names = ClassList(requested.sorted().map(String.init))
        let absent = record.samples == nil ? AbsentClasses(classes: names, option: "the record's classes") : nil
        let images = try command.pictures.load(command.retain, split: .train, for: read, absent: absent, console)
        var original = try read.completed(from: images)
        // Earlier requests that the original's file does not remember, and names that were taken out.
        original.metadata.forgottenClasses.formUnion(Set(record.classes.map(\.index)).subtracting(requested))
        for entry in record.classes where original.metadata.classNames.indices.contains(entry.index) {
            original.metadata.classNames[entry.index] = entry.name
        }
        let earlier = original.metadata.forgottenClasses
        let perClass = resolved.samplesPerClass ?? SampleFlags.defaultPerClass
        guard record.samples == nil else {
            guard let list = try command.samples.list() else {
                throw CommandError("\(command.record): is of a run that forgot samples; name them by --samples")
            }
            let data = try MethodImages(
                for: method, from: images,
                forgettingSamples: list.positions(in: images, folder: command.retain.folder), after: earlier,
                samplesPerClass: perClass, seed: resolved.seed)
            return Material(original: original, classes: [], images: images, data: data, forgetsSamples: true)
        }
        if command.samples.file != nil {
            throw CommandError("\(command.record): is of a run that forgot classes; leave --samples out")
        }
        let data = try MethodImages(
            for: method, from: images, forgetting: requested, after: earlier, samplesPerClass: perClass,
            seed: resolved.seed)
        return Material(original: original, classes: requested, images: images, data: data, forgetsSamples: false)
    }

    /// Where the images are others than recorded.
    private func differences(of material: Material) throws -> [String] {
        var found: [String] = []
        func compare(_ list: RetainList?, _ images: ImageSubset?, _ what: String) {
            guard let list, let images else { return }
            let own = RetainList(images)
            guard own.sha256 != list.sha256 || own.count != list.count else { return }
            found.append(
                "The \(what) images are others: \(own.count) are drawn, with the digest \(own.sha256) of positions and "
                    + "classes; \(list.count) with \(list.sha256) are recorded.")
        }
        compare(run.retained, material.data.retain, "retain")
        if material.forgetsSamples { compare(record.samples, material.data.forget, "forgotten") }
        guard found.isEmpty, let recorded = record.duplicates?.pixels else { return found }
        let forget: (any ImageDataset)? =
            material.forgetsSamples ? material.data.forget : try? material.images.only(classes: material.classes)
        let parts: [(part: DuplicatePictures.Part, images: (any ImageDataset)?)] = [
            (.retain, material.data.retain), (.forget, forget),
        ]
        for (part, images) in parts {
            guard let images, let expected = recorded[part.rawValue] else { continue }
            let own = try DuplicatePictures([(part: part, images: images)], threads: options.threadCount)
                .pixels[part.rawValue]
            if own != expected {
                found.append(
                    "A picture of the \(part.rawValue) data has changed: the digest of all pixels is "
                        + "\(own?.description ?? "missing"), and \(expected) is recorded.")
            }
        }
        return found
    }

    private func forget(
        _ material: Material, _ method: any UnlearningMethod, _ console: Console
    ) async throws -> UnlearningOutcome {
        var options = options
        options.checkpoint = checkpoint
        var unlearner = Unlearner(
            model: material.original, retaining: material.data.retain, forgetting: material.data.forget, method: method,
            training: resolved.training, options: options)
        // Comparisons run the settings as they are; the method's own guard is one of them.
        if resolved.command == "compare" { unlearner.guarding = nil }
        guard material.forgetsSamples, let samples = material.data.forget else {
            return try await unlearner.forget(classes: material.classes, progress: console.progress())
        }
        return try await unlearner.forget(samples: samples, progress: console.progress())
    }

    /// Compares what came out.
    private func result(_ outcome: UnlearningOutcome) throws -> ReplayResult {
        var model = outcome.model
        if let dropped = run.droppedOutputs {
            guard let smaller = try model.droppingOutputs(of: Set(dropped)) else {
                throw CommandError("\(command.record): its removed outputs are not the network's")
            }
            model = smaller
        }
        if let last = model.metadata.requests.indices.last {
            model.metadata.requests[last].date = record.date.formatted(.iso8601)
            model.metadata.requests[last].record = contentDigest.description
        }
        let file = record.models.unlearned.name.map { URL(fileURLWithPath: $0) }
        let digest = try SHA256Digest(of: model, goingTo: file) { try $0.write(to: $1) }
        var findings: [String] = []
        if digest != record.models.unlearned.sha256 {
            findings.append(
                "The model that was made again is another one: its digest is \(digest), and "
                    + "\(record.models.unlearned.sha256) is recorded.")
        }
        if let difference = run.firstDifference(to: outcome) {
            findings.append(difference)
        } else if !findings.isEmpty {
            findings.append(
                "All losses are as recorded, so the run is the same one; the record was changed elsewhere, or the model's "
                    + "file was written by other means.")
        }
        if let path = command.unlearned {
            let given = try command.network.read(path)
            findings += given.tensorDifferences(to: model).map { "\(path): \($0)" }
            let own = try SHA256Digest(ofFile: URL(fileURLWithPath: path))
            if own != record.models.unlearned.sha256 {
                findings.append("\(path) is not the recorded model: its digest is \(own).")
            }
        }
        return ReplayResult(
            findings.isEmpty ? .same : .mismatch, findings: findings, digest: digest, steps: outcome.steps)
    }
}
