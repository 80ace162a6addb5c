import ArgumentParser
import Foundation
import Unlearning

/// The program. Its commands read options, call the library and print what it returns.
struct UnlearnCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unlearn",
        abstract: "Makes trained image classifiers forget classes, without the classes' images.",
        discussion: """
            Forgetting learns noise in place of the classes' images, damages the weights with it and repairs the \
            retained classes (UNSIR, arXiv 2111.08947). This is approximate class unlearning.

            Data sets: fashion-mnist[:DIR], cifar10:DIR, cifar100:DIR, idx:IMAGES,LABELS or folder:DIR, a folder with \
            pictures in a subfolder for each class.

            EXAMPLES
              unlearn train --dataset fashion-mnist --architecture resnet18 --epochs 3 \\
                --output model.safetensors
              unlearn forget model.safetensors --classes "T-shirt/top" \\
                --retain fashion-mnist --output forgotten.safetensors
              unlearn evaluate forgotten.safetensors \\
                --dataset fashion-mnist --forgotten "T-shirt/top"
              unlearn audit model.safetensors forgotten.safetensors \\
                --dataset fashion-mnist --forgotten "T-shirt/top" --report .
            """,
        version: PackageVersion.current,
        subcommands: [
            Train.self, Forget.self, Evaluate.self, Compare.self, Predict.self, AuditCommand.self, Inspect.self,
            Convert.self,
        ])

    /// Names a command that there is none of, before any option after it is looked at.
    private static func checkCommand(_ name: String?) throws {
        guard let name, !name.hasPrefix("-"), name != "help" else { return }
        let names = configuration.subcommands.map {
            $0.configuration.commandName ?? String(describing: $0).lowercased()
        }
        guard !names.contains(name) else { return }
        throw ValidationError("There is no command '\(name)'; the commands are \(names.joined(separator: ", ")).")
    }

    /// Does what the arguments ask for and ends the program.
    static func start() async -> Never {
        do {
            let arguments = ProgramArguments.all
            try checkCommand(arguments.first)
            var command = try parseAsRoot(arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            Foundation.exit(0)
        } catch {
            Failure(error).exit()
        }
    }
}
