import ArgumentParser
import Foundation
import Unlearning

/// Which model a command reads.
struct ModelFlags: ParsableArguments {
    @Argument(help: ArgumentHelp("The model, a safetensors or ONNX file.", valueName: "model"))
    var path: String

    @OptionGroup var network: NetworkFlags

    /// The file.
    var url: URL { URL(fileURLWithPath: path) }

    /// Reads the model for use.
    func load() throws -> Model { try network.load(path) }
}

/// What a model's file may not say itself.
struct NetworkFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The network of a file that does not say, such as PyTorch's: \(Architectures.helpForms).",
            valueName: "name"))
    var architecture: String?

    @Option(help: ArgumentHelp("The same as --architecture NAME:stem=STEM.", valueName: "stem"))
    var stem: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Height and width of the patches of such a file's vit. (default: 16)", valueName: "pixels"),
        transform: NumberParsing.whole(.lengths))
    var patchSize: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Height and width of such a file's inputs. (default: 32)", valueName: "pixels"),
        transform: NumberParsing.whole(.lengths))
    var imageSize: Int?

    @Option(
        help: ArgumentHelp(
            "The output that has the class scores, of an ONNX file with several classifiers.", valueName: "name"))
    var outputName: String?

    func validate() throws {
        if stem != nil, architecture == nil {
            throw ValidationError("--stem is an option of an architecture; give --architecture too.")
        }
        if patchSize != nil, architecture == nil {
            throw ValidationError("--patch-size is an option of an architecture; give --architecture too.")
        }
    }

    /// Which options are given.
    var given: [(String, Bool)] {
        [
            ("--architecture", architecture != nil), ("--stem", stem != nil), ("--patch-size", patchSize != nil),
            ("--image-size", imageSize != nil),
        ]
    }

    /// Reads a model for use: one with numbers that no computation can be trusted with is refused.
    func load(_ path: String) throws -> Model {
        let model = try read(path)
        if let fault = model.numericFault { throw CommandError("\(path): \(fault)") }
        return model
    }

    /// Reads a model to look at, whatever its numbers are.
    func read(_ path: String) throws -> Model {
        do {
            return try Model(
                contentsOf: URL(fileURLWithPath: path),
                architecture: try architecture.map {
                    try ArchitectureIdentifier(parsing: $0, stem: stem, patch: patchSize)
                },
                imageSize: imageSize, outputName: outputName)
        } catch let error as ArchitectureError {
            throw CommandError("\(path): \(error)")
        } catch let error as StateDictionaryError {
            throw CommandError("\(path): \(error)")
        } catch let error as ShapeError {
            throw CommandError("\(path): \(error)")
        }
    }
}

extension ArchitectureIdentifier {
    /// A name with options, some of which may have come as flags of their own.
    init(parsing text: String, stem: String?, patch: Int?) throws {
        try self.init(parsing: text)
        for (option, flag, value) in [("stem", "--stem", stem), ("patch", "--patch-size", patch.map(String.init))] {
            guard let value else { continue }
            guard options.updateValue(value, forKey: option) == nil else {
                throw ValidationError("'\(text)' says the \(option) already; leave \(flag) out.")
            }
        }
    }
}

extension Architectures {
    /// What help says about the names.
    static var helpForms: String {
        "\(names.joined(separator: ", ")); options follow a colon, such as mobilenet_v2:width=0.5,stem=small"
    }
}
