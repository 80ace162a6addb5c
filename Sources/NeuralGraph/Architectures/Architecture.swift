/// A family of networks with a name and options, from which a graph is built for an input and a number of classes.
public protocol Architecture: Sendable {
    /// The name and the options that build it again.
    var identifier: ArchitectureIdentifier { get }

    /// The network for images `[height, width, channels]`.
    func graph(inputShape: Shape, classes: Int) throws(ShapeError) -> Graph

    /// The input channels and the number of classes of a state dictionary, from its tensors' shapes.
    func dimensions(
        fromStateDictionary shapes: [String: Shape]
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
    /// A state dictionary lacks the tensor that tells the architecture's size.
    case notThisArchitecture(architecture: String, missing: String)

    /// What is wrong and what is possible, in one line.
    public var description: String {
        func list(_ names: [String]) -> String { names.joined(separator: ", ") }
        switch self {
        case .unknown(let name, let known):
            return "there is no architecture '\(name)'; choose one of: \(list(known))"
        case .unknownOption(let architecture, let option, let known):
            let choice = known.isEmpty ? "it has none" : "it has: \(list(known))"
            return "\(architecture) has no option '\(option)'; \(choice)"
        case .badOption(let architecture, let option, let value, let known):
            return "\(architecture)'s option '\(option)' cannot be '\(value)'; choose one of: \(list(known))"
        case .notThisArchitecture(let architecture, let missing):
            return "this is not a state dictionary of \(architecture): tensor '\(missing)' is missing or has another "
                + "number of axes; check the architecture's name"
        }
    }
}

/// The architectures that can be built by name.
public enum Architectures {
    /// Their names.
    public static let names = ["resnet18", "allcnn", "allcnn-bn", "vit-tiny", "vit-small", "vit-base"]

    /// The architecture with a name and options.
    /// - Throws: ``ArchitectureError`` if there is none, or an option does not fit.
    public static func named(_ identifier: ArchitectureIdentifier) throws(ArchitectureError) -> any Architecture {
        switch identifier.name.lowercased() {
        case "resnet18":
            try identifier.allowOptions(["stem"])
            return ResNet18(stem: try identifier.option("stem", default: .imagenet))
        case "allcnn":
            try identifier.allowOptions([])
            return AllCNN(normalizes: false)
        case "allcnn-bn":
            try identifier.allowOptions([])
            return AllCNN(normalizes: true)
        default:
            if let transformer = try VisionTransformer(identifier) { return transformer }
            throw .unknown(name: identifier.name, known: names)
        }
    }
}

extension ArchitectureIdentifier {
    func allowOptions(_ known: [String]) throws(ArchitectureError) {
        if let option = options.keys.filter({ !known.contains($0) }).min() {
            throw .unknownOption(architecture: name, option: option, known: known)
        }
    }

    func option<Value: RawRepresentable & CaseIterable>(
        _ option: String, default value: Value
    ) throws(ArchitectureError) -> Value where Value.RawValue == String {
        guard let given = options[option] else { return value }
        guard let chosen = Value(rawValue: given) else {
            throw .badOption(
                architecture: name, option: option, value: given, known: Value.allCases.map(\.rawValue))
        }
        return chosen
    }

    func option(
        _ option: String, default value: Int, in range: ClosedRange<Int>
    ) throws(ArchitectureError) -> Int {
        guard let given = options[option] else { return value }
        guard let chosen = Int(given), range.contains(chosen) else {
            throw .badOption(
                architecture: name, option: option, value: given,
                known: ["\(range.lowerBound)", "...", "\(range.upperBound)"])
        }
        return chosen
    }
}

extension Dictionary where Key == String, Value == Shape {
    /// The shape of a tensor that must be there with a number of axes.
    func shape(
        _ name: String, rank: Int, architecture: String
    ) throws(ArchitectureError) -> Shape {
        guard let shape = self[name], shape.rank == rank else {
            throw .notThisArchitecture(architecture: architecture, missing: name)
        }
        return shape
    }
}
