import ArgumentParser
import Foundation
import Unlearning
import UnlearningReports

/// `unlearn replay`
struct Replay: ReportingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Does a recorded run again and compares the model's digest.",
        discussion: """
            A record of 'unlearn forget --report' or 'compare --report' says what the new model depends on. This command \
            takes the original and the images, forgets again as recorded, and compares digests of the original, of the \
            images and of the new model, and every loss. Nothing is written.

            Exit code 0 means the same digest, and 2 a mismatch, which is named: a changed seed, another image, an edited \
            weight. 3 means that it cannot be replayed here: this machine computes with other kernels or libraries, whose \
            last bits differ, so that nothing can be said. The number of threads makes no difference.

            EXAMPLES
              unlearn replay record.json --original model.safetensors \\
                --retain fashion-mnist
              unlearn replay record.json --original model.safetensors \\
                --retain folder:photos --unlearned forgotten.safetensors --json
            """)

    @Argument(
        help: ArgumentHelp("The record, such as record.json.", valueName: "record"),
        completion: .file(extensions: ["json"]))
    var record: String

    @Option(
        help: ArgumentHelp("The model before forgetting, a safetensors or ONNX file.", valueName: "model"),
        completion: .model)
    var original: String

    @Option(
        help: ArgumentHelp(
            "The data set that forgetting took its images from: \(DatasetArgument.helpForms).", valueName: "data set"),
        completion: DatasetArgument.completion, transform: DatasetArgument.init(parsing:))
    var retain: DatasetArgument

    @Option(
        help: ArgumentHelp(
            "A model's file to compare with the model that was made again, tensor by tensor.", valueName: "model"),
        completion: .model)
    var unlearned: String?

    @OptionGroup var samples: SamplesFlag
    @OptionGroup var pictures: PictureFlags
    @OptionGroup var network: NetworkFlags
    @OptionGroup var checkpoints: CheckpointFlags
    @OptionGroup var flags: ThreadFlags

    var interruptionNote: String { checkpoints.note() }

    func validate() throws {
        try pictures.check(for: [retain])
        try refuse([("--precision", flags.precision != nil)], "is the record's; leave it out.")
    }

    func perform(_ console: Console) async throws -> ReplayReport {
        let inputs = InputFiles(
            models: [original] + [unlearned].compactMap(\.self), files: pictures.files + samples.files + [record],
            datasets: [retain])
        let checkpoint = try checkpoints.open(inputs, console)
        var options = flags.options
        options.checkpoint = checkpoint
        let job = try ReplayJob(self, options: options)
        let start = ContinuousClock.now
        let result = try await job.perform(console)
        try checkpoint?.finish()
        return ReplayReport(
            path: record, record: job.record, result: result,
            time: ContinuousClock.now - start + (checkpoint?.restoredTime ?? .zero))
    }
}
