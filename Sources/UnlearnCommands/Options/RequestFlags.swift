package import ArgumentParser
import Foundation
package import Unlearning
import UnlearningReports

/// What a request to forget asks for besides the classes: what was forgotten elsewhere, names, and outputs.
package struct RequestFlags: ParsableArguments {
    @Option(
        name: .customLong("already-forgotten"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Classes that the model has forgotten elsewhere, by number or name; its file does not say so.",
            valueName: "classes"),
        transform: ClassList.init(parsing:))
    package var alreadyForgotten: [ClassList] = []

    @Option(
        name: .customLong("rename-forgotten"),
        help: ArgumentHelp(
            "Put this text in place of the classes' names in the model, the record, the report and the run folder; 'digest' "
                + "puts a salted digest there.", valueName: "text"))
    package var renaming: String?

    @Option(
        help: ArgumentHelp(
            "The salt of --rename-forgotten digest, to keep apart from the model. (default: a random one, which is printed)",
            valueName: "text"))
    package var salt: String?

    @Flag(help: "Remove the classes' outputs from the network; later classes move down.")
    package var dropOutputs = false

    package init() {}

    package func validate() throws {
        try refuse(
            [("--salt", salt != nil)], unless: renaming == Renaming.digestWord, "is for --rename-forgotten digest.")
        if let renaming, let fault = Renaming.fault(of: renaming) {
            throw ValidationError("--rename-forgotten '\(renaming.prefix(40))' \(fault)")
        }
        if let salt, salt.isEmpty { throw ValidationError("--salt is empty; give a text, or leave it out") }
    }

    /// What they ask for.
    package var details: RequestDetails {
        RequestDetails(
            alreadyForgotten: alreadyForgotten.isEmpty ? nil : ClassList(joining: alreadyForgotten),
            renaming: renaming.map { Renaming(text: $0, salt: salt) }, dropsOutputs: dropOutputs)
    }
}

/// What a request asks for besides the classes.
package struct RequestDetails: Sendable {
    /// Classes that the model has forgotten although its file does not say so.
    var alreadyForgotten: ClassList?
    /// What takes the place of the classes' names; nil leaves them.
    package var renaming: Renaming?
    var dropsOutputs = false
    /// The samples to forget in place of classes.
    var samples: SampleList?

    package init(
        alreadyForgotten: ClassList? = nil, renaming: Renaming? = nil, dropsOutputs: Bool = false,
        samples: SampleList? = nil
    ) {
        (self.alreadyForgotten, self.renaming) = (alreadyForgotten, renaming)
        (self.dropsOutputs, self.samples) = (dropsOutputs, samples)
    }
}
