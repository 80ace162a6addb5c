/// A family of networks with a name and options, which builds a graph for an image size and a number of classes.
public protocol Architecture: Sendable {
    /// The name and the options that build it again.
    var identifier: ArchitectureIdentifier { get }

    /// The names of the first layer's weights `[outputs, channels, ...]` and of the last layer's `[classes, features]`.
    ///
    /// Their shapes tell the input channels and the number of classes of a state dictionary.
    var endTensors: (first: String, last: String) { get }

    /// Builds the network for images `[height, width, channels]`.
    func graph(inputShape: TensorShape, classes: Int) throws(ShapeError) -> Graph

    /// Reads the input channels and the number of classes of a state dictionary from its tensors' shapes.
    ///
    /// The default reads them from the ``endTensors``.
    /// - Throws: ``ArchitectureError/notThisArchitecture(architecture:missing:)``.
    func dimensions(
        fromStateDictionary shapes: [String: TensorShape]
    ) throws(ArchitectureError) -> (channels: Int, classes: Int)
}

extension Architecture {
    public func dimensions(
        fromStateDictionary shapes: [String: TensorShape]
    ) throws(ArchitectureError) -> (channels: Int, classes: Int) {
        func shape(_ name: String, ranks: ClosedRange<Int>) throws(ArchitectureError) -> TensorShape {
            guard let shape = shapes[name], ranks.contains(shape.rank) else {
                throw .notThisArchitecture(architecture: identifier.name, missing: name)
            }
            return shape
        }
        return (try shape(endTensors.first, ranks: 2...4)[1], try shape(endTensors.last, ranks: 2...2)[0])
    }
}

/// An architecture that is found by name: one entry of ``Architectures/types``.
package protocol RegisteredArchitecture: Architecture {
    /// The names of its variants, such as `resnet18` and `resnet34`.
    static var names: [String] { get }

    /// Makes the network of a name and its options; nil if the name is another network's.
    /// - Throws: ``ArchitectureError`` if an option is unknown or has a wrong value.
    init?(_ identifier: ArchitectureIdentifier) throws(ArchitectureError)
}

/// An architecture that is unknown or cannot be built.
public enum ArchitectureError: DescribedError, Equatable {
    /// No architecture has this name.
    case unknown(name: String, known: [String])
    /// The architecture has no such option.
    case unknownOption(architecture: String, option: String, known: [String])
    /// The option does not take this value.
    case badOption(architecture: String, option: String, value: String, known: [String])
    /// The text does not name an architecture and its options.
    case badText(String)
    /// The state dictionary lacks a tensor that tells the network's size.
    case notThisArchitecture(architecture: String, missing: String)

    /// The problem and the remedy in one line.
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
