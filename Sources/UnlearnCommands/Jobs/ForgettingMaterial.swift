import Foundation
import ModelInterchange
import Unlearning
import UnlearningReports

/// The model of a run that forgets, its data, and what makes it forget.
package struct ForgettingMaterial: Sendable {
    let original: Model
    /// The classes to forget; empty if samples are.
    let classes: Set<Int>
    let images: any ImageDataset
    let retain: ImageSubset?
    let forget: ImageSubset?
    let test: (any ImageDataset)?
    let unlearner: Unlearner
    let options: RunOptions
    let resolved: RunConfiguration
    let removedNames: RemovedNames
    /// The training images without the samples to forget; all of them where classes are forgotten.
    let others: any ImageDataset
    /// Retrained models to compare with.
    let retrained: [Model]
    /// The method with its settings.
    package let choice: MethodChoice

    /// Reads and checks everything, so that nothing is refused after the work.
    init(_ job: ForgettingJob, _ choice: MethodChoice, _ file: ConfigurationFile, _ console: Console) throws {
        let run = job.run
        let inputs = run.inputs(of: job.model.path, besides: job.samplesFiles + job.auditing.retrained)
        try inputs.check([job.outputFile] + job.reporting.files)
        try job.runFolder?.check(inputs)
        let options = job.given.options(job.options, file)
        let read = try job.model.load()
        try read.checkWritable(to: job.outputFile)
        let images = try run.pictures.load(run.retain, split: .train, for: read, absent: job.absent, console)
        var original = try read.completed(from: images)
        if let list = job.details.alreadyForgotten {
            original.metadata.forgottenClasses.formUnion(try original.classIndices(of: list, console))
        }
        let samples = try job.details.samples?.positions(in: images, folder: run.retain.folder)
        let classes: Set<Int> = if samples == nil { try original.classIndices(of: job.classes, console) } else { [] }
        if samples == nil { try original.checkForgettable(classes) }
        if job.details.dropsOutputs {
            try FinishedModel.withoutOutputs(of: classes, original).checkWritable(to: job.outputFile)
        }
        let test = try run.validation.map {
            try run.pictures.load($0, split: .test, for: original, absent: job.absent, console)
        }
        if let test { try original.checkClasses(of: test) }
        // All names that are written from here on are the new ones.
        removedNames =
            try job.details.renaming?.names(of: classes, among: original.metadata.classNames)
            ?? RemovedNames(entries: [])
        try removedNames.check(
            [job.outputFile] + job.reporting.files.map { $0.deletingLastPathComponent() }
                + (job.runFolder.map { [$0.url] } ?? []))
        original.metadata.classNames = removedNames.applied(to: original.metadata.classNames)

        let method = choice.method
        let data = try Self.data(choice, images, classes, samples, original, seed: options.seed)
        let training = try file.naming { try run.training(like: original).replacing(file.training) }
        console.describe(original, options, Self.work(method, on: original, classes, data, options))
        // A method that needs no retain data is watched on some.
        let watched =
            data.retain == nil
            ? try images.samples(
                perClass: min(100, choice.samplesPerClass),
                excluding: classes.union(original.metadata.forgottenClasses), seed: options.seed) : nil
        unlearner = Unlearner(
            model: original, retaining: data.retain ?? watched, forgetting: data.forget, validation: test,
            method: method,
            training: training, options: options)
        resolved = try choice.configuration(
            command: "forget", options,
            training: method.requirements.contains(.originalTraining) ? training : nil)
        let gone = Set(samples ?? [])
        others =
            if gone.isEmpty { images } else {
                try ImageSubset(images, indices: (0..<images.count).filter { !gone.contains($0) })
            }
        (self.original, self.classes, self.images, self.test, self.options) = (original, classes, images, test, options)
        (retain, forget, self.choice) = (data.retain, data.forget, choice)
        retrained = try job.auditing.retrained.map { try job.model.network.load($0).completed(from: images) }
    }

    private static func data(
        _ choice: MethodChoice, _ images: any ImageDataset, _ classes: Set<Int>, _ samples: [Int]?, _ model: Model,
        seed: UInt64
    ) throws -> MethodImages {
        let earlier = model.metadata.forgottenClasses
        if let samples {
            return try MethodImages(
                for: choice.method, from: images, forgettingSamples: samples, after: earlier,
                samplesPerClass: choice.samplesPerClass, seed: seed)
        }
        return try MethodImages(
            for: choice.method, from: images, forgetting: classes, after: earlier,
            samplesPerClass: choice.samplesPerClass, seed: seed)
    }

    /// The passes that the method makes, for the description of the plan.
    private static func work(
        _ method: any UnlearningMethod, on model: Model, _ classes: Set<Int>, _ data: MethodImages,
        _ options: RunOptions
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

extension ForgettingJob {
    /// The classes to forget, which need no pictures; nil where samples are forgotten.
    var absent: AbsentClasses? {
        details.samples == nil ? AbsentClasses(classes: classes, option: "--classes") : nil
    }

    var samplesFiles: [String] { [details.samples?.path].compactMap(\.self) }
}
