import ArgumentParser
import Foundation
import ModelInterchange
package import Unlearning

/// The model that a command reads.
package struct ModelFlags: ParsableArguments {
    @Argument(
        help: ArgumentHelp("The model, a safetensors, ONNX or Core ML file.", valueName: "model"), completion: .model)
    var path: String

    @OptionGroup var network: NetworkFlags

    package init() {}

    /// The file.
    var url: URL { URL(fileURLWithPath: path) }

    /// Reads the model for use.
    package func load() throws -> Model { try network.load(path) }
}

/// The architecture and sizes of a file that does not name them itself.
package struct NetworkFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The network of a file that does not name it, such as PyTorch's: \(Architectures.helpForms).",
            valueName: "name"), completion: Architectures.completion)
    var architecture: String?

    @Option(help: ArgumentHelp("The same as --architecture NAME:stem=STEM.", valueName: "stem"))
    var stem: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Height and width of the patches of such a file's vision transformer. (default: 16)", valueName: "pixels"),
        transform: NumberParsing.integer(.lengths))
    var patchSize: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Height and width of such a file's inputs. (default: 32)", valueName: "pixels"),
        transform: NumberParsing.integer(.lengths))
    var imageSize: Int?

    @Option(
        help: ArgumentHelp(
            "The output with the class scores, for a file with several classifiers.", valueName: "name"))
    var outputName: String?

    package init() {}

    package func validate() throws {
        try refuse(
            [("--stem", stem != nil), ("--patch-size", patchSize != nil)], unless: architecture != nil,
            "is an option of an architecture; give --architecture too.")
        if let identifier = try identifier() { try identifier.check() }
    }

    private func identifier() throws -> ArchitectureIdentifier? {
        try architecture.map { try ArchitectureIdentifier(parsing: $0, stem: stem, patch: patchSize) }
    }

    /// Which options are given.
    var given: [GivenOption] {
        [
            ("--architecture", architecture != nil), ("--stem", stem != nil), ("--patch-size", patchSize != nil),
            ("--image-size", imageSize != nil), ("--output-name", outputName != nil),
        ]
    }

    /// The given options as arguments.
    package var arguments: [String] {
        let options: [(String, String?)] = [
            ("--architecture", architecture), ("--stem", stem), ("--patch-size", patchSize.map(String.init)),
            ("--image-size", imageSize.map(String.init)), ("--output-name", outputName),
        ]
        return options.flatMap { name, value in value.map { [name, $0] } ?? [] }
    }

    /// Reads a model for use, and refuses one with numbers that spoil every computation.
    package func load(_ path: String) throws -> Model {
        let model = try read(path)
        if let fault = model.numericFault { throw CommandError("\(path): \(fault)") }
        return model
    }

    /// Reads a model to inspect it, whatever its numbers are.
    func read(_ path: String) throws -> Model {
        do {
            return try Model(
                contentsOf: URL(fileURLWithPath: path), architecture: try identifier(), imageSize: imageSize,
                outputName: outputName)
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
    /// A name with options, some of which may have come as flags of their own. What cannot be understood is wrong usage.
    init(parsing text: String, stem: String?, patch: Int?, shards: Int? = nil) throws {
        do {
            try self.init(parsing: text)
        } catch {
            throw ValidationError("\(error)")
        }
        let given = [
            ("stem", "--stem", stem), ("patch", "--patch-size", patch.map(String.init)),
            (ShardEnsemble.option, "--shards", shards.map(String.init)),
        ]
        for (option, flag, value) in given {
            guard let value else { continue }
            guard options.updateValue(value, forKey: option) == nil else {
                throw ValidationError("'\(text)' sets the \(option) already; leave \(flag) out.")
            }
        }
    }

    /// Checks that the architecture exists and has the options.
    func check() throws {
        do {
            _ = try Architectures.named(self)
        } catch {
            throw ValidationError("\(error)")
        }
    }
}

extension Architectures {
    /// The names, for help.
    static var helpForms: String {
        "\(names.joined(separator: ", ")); options follow a colon, such as mobilenet_v2:width=0.5,stem=small"
    }

    /// The names for the shell to complete.
    static let completion = CompletionKind.list(names)
}
