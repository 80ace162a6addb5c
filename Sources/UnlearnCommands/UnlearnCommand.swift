package import ArgumentParser
import Foundation
import NeuralGraph
import Unlearning

/// The program. Its commands read options, call the library and print what it returns.
package struct UnlearnCommand: AsyncParsableCommand {
    package static let configuration = withLedger(MissingLedger.self)

    package init() {}

    /// The program's configuration.
    /// - Parameter ledger: the command that keeps ledgers.
    package static func withLedger(_ ledger: any ParsableCommand.Type) -> CommandConfiguration {
        CommandConfiguration(
            commandName: "unlearn",
            abstract: "Makes trained image classifiers forget classes, and audits what they have forgotten.",
            discussion: """
                Forgetting takes the trained model and images of the classes that stay; by default it sees no image of \
                the classes that go. It learns noise that the model takes for anything but them, impairs the last blocks of \
                the network with it, and repairs them on the classes that stay. 'unlearn methods' shows this and all other methods. Every method but 'retrain' \
                is approximate, so audit the result.

                Data sets: \(DatasetArgument.helpForms). A folder has \
                the pictures of each class in a subfolder.

                Exit codes: 0 success, 1 error, 2 a check failed, such as an audit, 3 too little \
                evidence or not replayable here, 64 wrong usage.

                EXAMPLES
                  unlearn check
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
                Train.self, Forget.self, Tune.self, Evaluate.self, AuditCommand.self, Replay.self, Predict.self,
                Compare.self, CompareMethods.self, CompareDistributions.self, Inspect.self, Convert.self,
                MethodsCommand.self, ListCommand.self, Check.self, ledger,
            ])
    }
}

extension ParsableCommand {
    /// Refuses an unknown command by its name, before the options after it are looked at.
    private static func checkCommand(in arguments: [String]) throws {
        let rest = arguments.drop { $0 == "help" }
        guard let name = rest.first, !name.hasPrefix("-") else { return }
        let names = configuration.subcommands.map {
            $0.configuration.commandName ?? String(describing: $0).lowercased()
        }
        guard let index = names.firstIndex(of: name) else {
            throw ValidationError(
                "There is no command '\(name)'\(NearestName.hint(for: name, in: names)); the commands are "
                    + "\(names.joined(separator: ", ")).")
        }
        let command = configuration.subcommands[index]
        if !command.configuration.subcommands.isEmpty { try command.checkCommand(in: Array(rest.dropFirst())) }
    }

    /// Does what the arguments ask for and ends the program.
    static func start() async -> Never {
        do {
            let arguments = ProgramArguments.all
            try ParallelJob.checkAgreement()
            try checkCommand(in: arguments)
            var command = try parseAsRoot(arguments)
            try ParallelJob.check(command)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            ParallelJob.exit(0)
        } catch {
            Failure(error, of: Self.self).exit()
        }
    }
}
