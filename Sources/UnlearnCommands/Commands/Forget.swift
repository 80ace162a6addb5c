import ArgumentParser
import Unlearning

/// `unlearn forget`
struct Forget: ReportingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Makes a trained classifier forget classes.",
        discussion: """
            Retained accuracy is watched on images that the method does not see: if it falls, the method runs again with \
            gentler settings, and a model whose retained classes are in ruins is not written (exit code 2).

            The default needs no image of the forgotten classes, only some of the retained ones. Methods that need \
            both (see 'unlearn methods') take them from the data set of --retain. The input file is not changed.

            With --validation, accuracy on the test split is shown before and after. With --report too, the new model \
            is audited, which needs images of all classes; 'unlearn audit' can also compare with retrained models. The \
            files are written whatever the verdict; exit code 2 means a leak or over-forgotten, 3 too little evidence.

            A file that names no architecture, such as a PyTorch state dictionary, needs --architecture. Class names \
            and normalization are then those of the retain data set.

            The new file remembers what was forgotten and when, so that a later run leaves it out. --samples forgets \
            single images of classes that stay, by a method that can.

            EXAMPLES
              unlearn forget model.safetensors --classes 0,2 --retain fashion-mnist \\
                --output forgotten.safetensors
              unlearn forget model.safetensors --classes "T-shirt/top" \\
                --retain fashion-mnist --validation fashion-mnist --json \\
                --output forgotten.safetensors
              unlearn forget model.safetensors --classes 0 --retain fashion-mnist \\
                --validation fashion-mnist --report . --output forgotten.safetensors
              unlearn forget torch.safetensors --architecture resnet18 --classes Bag \\
                --retain fashion-mnist --preset paper --output forgotten.safetensors
              unlearn forget model.safetensors --classes 0 --retain fashion-mnist \\
                --method scrub --set temperature=2 --output forgotten.safetensors
              unlearn forget model.safetensors --samples images.txt \\
                --retain folder:photos --method scrub --output forgotten.safetensors
              unlearn forget shards.safetensors --samples images.txt \\
                --retain fashion-mnist --method sisa --output forgotten.safetensors
            """)

    @OptionGroup var model: ModelFlags
    @OptionGroup var classes: ClassFlags
    @OptionGroup var request: RequestFlags
    @OptionGroup var forgetting: ForgettingRunFlags

    @Option(
        help: ArgumentHelp(
            "The file to write: safetensors, or what its name ends in, .onnx, .mlpackage or .mlmodel.",
            valueName: "file"),
        completion: .model)
    var output: String

    @OptionGroup var reporting: ReportFlags
    @OptionGroup var checkpoints: CheckpointFlags
    @OptionGroup var flags: RunFlags

    var interruptionNote: String { checkpoints.note() }

    func validate() throws {
        if reporting.report != nil, forgetting.validation == nil {
            throw ValidationError("--report audits on images of all classes; give them by --validation.")
        }
        try reporting.checkRequestID()
        try forgetting.check()
        if classes.samples.file != nil {
            try refuse(
                [("--rename-forgotten", request.renaming != nil), ("--drop-outputs", request.dropOutputs)],
                "is for classes, and --samples forgets none; leave it out.")
        }
        guard forgetting.methods.configuration.file == nil else { return }
        let choice = try forgetting.choice(ConfigurationFile())
        try classes.check(choice.method, named: choice.name)
    }

    func perform(_ console: Console) async throws -> ForgetReport {
        let checkpoint = try checkpoints.open(
            forgetting.inputs(of: model.path, besides: classes.samples.files), console)
        var options = flags.options
        options.checkpoint = checkpoint
        var job = ForgettingJob(
            model: model, classes: classes.list, run: forgetting, options: options,
            output: output, reporting: try reporting.destination())
        job.reporting.checkpoint = checkpoint
        job.given = flags.givenSettings
        job.details = request.details
        job.details.samples = try classes.samples.list()
        let report = try await job.perform(console)
        try checkpoint?.finish()
        return report
    }
}
