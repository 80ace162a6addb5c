import ArgumentParser
import Foundation
import Logging
import ModelInterchange
import Unlearning

/// `unlearn convert`
struct Convert: ReportingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes a model in another format.",
        discussion: """
            The format of the input follows from its content, that of the output from its name: .safetensors, \
            .onnx or .mlpackage. ONNX and Core ML files contain their network. A safetensors file names it; one that does \
            not, such as PyTorch's, needs --architecture.

            EXAMPLES
              unlearn convert model.safetensors model.onnx
              unlearn convert torch.safetensors model.onnx \\
                --architecture resnet18 --image-size 224
              unlearn convert model.onnx weights.safetensors
              unlearn convert model.onnx Classifier.mlpackage
            """)

    @OptionGroup var model: ModelFlags

    @Argument(
        help: ArgumentHelp("The file to write, .safetensors, .onnx or .mlpackage.", valueName: "output"),
        completion: .model)
    var output: String

    @Option(
        name: .customLong("already-forgotten"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Classes that the model has forgotten elsewhere, by number or name, for the new file to remember.",
            valueName: "classes"),
        transform: ClassList.init(parsing:))
    var alreadyForgotten: [ClassList] = []

    @OptionGroup var flags: PlainFlags

    func validate() throws {
        // A name that ends in a slash is a folder's, which the check of the destination reports.
        guard !output.hasSuffix("/") else { return }
        guard ModelFormat(rawValue: URL(fileURLWithPath: output).pathExtension.lowercased()) != nil else {
            throw ValidationError("\(output) names no format; let it end in .safetensors, .onnx or .mlpackage.")
        }
    }

    func perform(_ console: Console) async throws -> ConvertReport {
        let destination = URL(fileURLWithPath: output)
        try InputFiles(models: [model.path]).check([destination])
        var network = try model.load()
        try network.checkWritable(to: destination)
        if !alreadyForgotten.isEmpty {
            let classes = try network.classIndices(of: ClassList(joining: alreadyForgotten), console)
            network.metadata.forgottenClasses.formUnion(classes)
            guard network.metadata.forgottenClasses.count < network.classCount else {
                throw UnlearningError.allClasses(count: network.classCount)
            }
        }
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

/// What was written.
struct ConvertReport: Report {
    let output: String
    let format: String
    let parameters: Int

    var text: String { "Wrote \(output): \(format), \(parameters) parameters\n" }
}
