/// A family of networks with a name and options, from which a graph is built for an input and a number of classes.
public protocol Architecture: Sendable {
    /// The name and the options that build it again.
    var identifier: ArchitectureIdentifier { get }

    /// The network for images `[height, width, channels]`.
    func graph(inputShape: TensorShape, classes: Int) throws(ShapeError) -> Graph

    /// The input channels and the number of classes of a state dictionary, from its tensors' shapes.
    func dimensions(
        fromStateDictionary shapes: [String: TensorShape]
    ) throws(ArchitectureError) -> (channels: Int, classes: Int)
}

/// An architecture that cannot be built.
public enum ArchitectureError: Error, Equatable, CustomStringConvertible {
    /// There is no architecture of this name.
    case unknown(name: String, known: [String])
    /// The architecture has no such option.
    case unknownOption(architecture: String, option: String, known: [String])
    /// The option does not take this value.
    case badOption(architecture: String, option: String, value: String, known: [String])
    /// A text that should name an architecture and its options does not.
    case badText(String)
    /// A state dictionary lacks the tensor that tells the architecture's size.
    case notThisArchitecture(architecture: String, missing: String)

    /// What is wrong and what is possible, in one line.
    public var description: String {
        func list(_ names: [String]) -> String { names.joined(separator: ", ") }
        switch self {
        case .unknown(let name, let known):
            return
                "there is no architecture '\(name)'\(NearestName.hint(for: name, in: known)); choose one of: \(list(known))"
        case .unknownOption(let architecture, let option, let known):
            let choice = known.isEmpty ? "it has none" : "it has: \(list(known))"
            return "\(architecture) has no option '\(option)'\(NearestName.hint(for: option, in: known)); \(choice)"
        case .badOption(let architecture, let option, let value, let known):
            return "\(architecture)'s option '\(option)' cannot be '\(value)'; it takes: \(list(known))"
        case .badText(let text):
            return "'\(text)' does not name an architecture; write NAME or NAME:OPTION=VALUE,OPTION=VALUE, each option "
                + "once"
        case .notThisArchitecture(let architecture, let missing):
            return "this is not a state dictionary of \(architecture): tensor '\(missing)' is missing or has another "
                + "number of axes; check the architecture's name"
        }
    }
}

extension Dictionary where Key == String, Value == TensorShape {
    /// The shape of a tensor that must be there with a number of axes.
    func shape(
        _ name: String, rank: Int, architecture: String
    ) throws(ArchitectureError) -> TensorShape {
        guard let shape = self[name], shape.rank == rank else {
            throw .notThisArchitecture(architecture: architecture, missing: name)
        }
        return shape
    }

    /// Channels and classes from the weights of the first convolution and of the last linear layer.
    func dimensions(
        stem: String, head: String, architecture: String
    ) throws(ArchitectureError) -> (channels: Int, classes: Int) {
        let first = try shape(stem, rank: 4, architecture: architecture)
        let last = try shape(head, rank: 2, architecture: architecture)
        return (first[1], last[0])
    }
}
