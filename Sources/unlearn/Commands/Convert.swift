import ArgumentParser
import Foundation
import Logging
import Unlearning

/// `unlearn convert`
struct Convert: ReportingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes a model in another format.",
        discussion: """
            Formats follow from the files: safetensors or ONNX by content when reading, and by the name's end, \
            .safetensors or .onnx, when writing. An ONNX file has its network in it; a safetensors file \
            names it, and one that does not, such as PyTorch's, needs --architecture.

            EXAMPLES
              unlearn convert model.safetensors model.onnx
              unlearn convert torch.safetensors model.onnx \\
                --architecture resnet18 --image-size 224
              unlearn convert model.onnx weights.safetensors
            """)

    @OptionGroup var model: ModelFlags

    @Argument(help: ArgumentHelp("Where the model goes.", valueName: "output"))
    var output: String

    @OptionGroup var flags: RunFlags

    func validate() throws {
        // What ends in a slash is a folder, which is said when it is looked at.
        guard !output.hasSuffix("/") else { return }
        guard ModelFormat(rawValue: URL(fileURLWithPath: output).pathExtension.lowercased()) != nil else {
            throw ValidationError("\(output) names no format; let it end in .safetensors or .onnx")
        }
    }

    func perform(_ console: Console) async throws -> ConvertReport {
        let destination = URL(fileURLWithPath: output)
        try InputFiles(models: [model.path]).check([destination])
        let network = try model.load()
        if ModelFormat(writing: destination) == .safetensors, network.metadata.architecture == nil {
            console.logger.warning(
                "\(output): names no architecture, since \(model.path) does not; only a program that has the network can use it"
            )
        }
        try Task.checkCancellation()
        try network.write(to: destination)
        return ConvertReport(
            output: output, format: ModelFormat(writing: destination).rawValue, parameters: network.parameterCount)
    }
}

/// What a conversion has to say.
struct ConvertReport: Report {
    let output: String
    let format: String
    let parameters: Int

    var text: String { "Wrote \(output): \(format), \(parameters) parameters\n" }
}
