import ModelFiles

/// What a Core ML specification says, as far as it is read: `Model.proto` of https://github.com/apple/coremltools.
struct CoreMLDocument: Sendable {
    /// The newest specification version that is read; 10 is iOS 26's.
    static let newestVersion = 10

    /// How the network is written down.
    enum Network: Sendable {
        /// An ML program.
        case program(MILFunction)
        /// A neural network; its message, and whether it is a classifier's.
        case layers(WireMessage, isClassifier: Bool)
    }

    let version: Int
    let inputs: [CoreMLFeature]
    let outputs: [CoreMLFeature]
    /// The output with the name of the predicted class; empty if the model is no classifier.
    let predictedName: String
    /// The output with the classes' probabilities; empty if there is none.
    let probabilitiesName: String
    /// What the model's makers noted (`userDefined`).
    let properties: [String: String]
    let network: Network

    /// Reads a specification.
    init(_ bytes: [UInt8]) throws {
        let model = WireMessage(bytes, in: 0..<bytes.count)
        version = try model.integer(1) ?? 0
        guard let description = try model.message(2), version > 0 else {
            throw ONNXProblem("the file has no description or no version; it is not a Core ML model")
        }
        guard version <= Self.newestVersion else {
            throw ONNXProblem(
                "the model has specification version \(version), and up to \(Self.newestVersion) are read; convert it for "
                    + "an older system (minimum_deployment_target=ct.target.iOS16)")
        }
        guard try !model.flag(10) else {
            throw ONNXProblem("the model is updatable on the device, which is not read; convert it without that")
        }
        guard try description.messages(13).isEmpty else {
            throw ONNXProblem("the model has a state between calls, which no image classifier has; it is not read")
        }
        inputs = try description.messages(1).map(CoreMLFeature.init)
        outputs = try description.messages(10).map(CoreMLFeature.init)
        predictedName = try description.text(11)
        probabilitiesName = try description.text(12)
        properties = try Self.properties(description)
        network = try Self.network(model)
    }

    /// The notes in a description's metadata.
    static func properties(_ description: WireMessage) throws(ONNXProblem) -> [String: String] {
        var properties: [String: String] = [:]
        guard let metadata = try description.message(100) else { return [:] }
        for entry in try metadata.messages(100) { properties[try entry.text(1)] = try entry.text(2) }
        return properties
    }

    private static func network(_ model: WireMessage) throws -> Network {
        for number in try model.numbers().sorted() where number >= 200 {
            switch number {
            case 502:
                guard let program = try model.message(502) else { continue }
                return .program(try MILFunction(ofProgram: program))
            case 303, 403, 500:
                guard let layers = try model.message(number) else { continue }
                return .layers(layers, isClassifier: number == 403)
            default:
                throw ONNXProblem(
                    "the model is \(kinds[number] ?? "of the kind \(number)"), and only ML programs and neural networks are "
                        + "read; give the network alone")
            }
        }
        throw ONNXProblem("the file has no model; it is damaged")
    }

    private static let kinds = [
        200: "a pipeline", 201: "a pipeline", 202: "a pipeline", 300: "a linear regression",
        301: "a support vector machine", 302: "an ensemble of trees", 400: "a linear classifier",
        401: "a support vector machine", 402: "an ensemble of trees", 404: "a nearest-neighbor classifier",
        555: "a custom model", 556: "a link to another model", 2002: "Apple's vision feature print",
        3000: "a model in a format of its own",
    ]
}

/// An input or output of a Core ML model.
struct CoreMLFeature: Sendable {
    /// The order of a picture's channels.
    enum ColorSpace: Int, Sendable {
        case gray = 10
        case rgb = 20
        case bgr = 30
        case grayFloat16 = 40
    }

    /// The type, as far as it is read.
    enum Kind: Sendable {
        case image(width: Int, height: Int, ColorSpace)
        /// An array of numbers by its axes; empty if they are not declared.
        case array([Int])
        /// A class's name or number, or a dictionary of scores.
        case other
    }

    let name: String
    let kind: Kind
    /// Whether other sizes than the declared one are allowed.
    let isFlexible: Bool

    init(_ message: WireMessage) throws {
        name = try message.text(1)
        guard let type = try message.message(3) else {
            throw ONNXProblem("the feature \(quoted(name)) has no type; the file is damaged")
        }
        if let image = try type.message(4) {
            let number = try image.integer(3) ?? 0
            guard let color = ColorSpace(rawValue: number) else {
                throw ONNXProblem("the image \(quoted(name)) has the color space \(number), which is not known")
            }
            kind = .image(width: try image.integer(1) ?? 0, height: try image.integer(2) ?? 0, color)
            isFlexible = try image.field(21) != nil || image.field(31) != nil
        } else if let array = try type.message(5) {
            kind = .array(try array.integers(1))
            isFlexible = try array.field(21) != nil || array.field(31) != nil
        } else {
            kind = .other
            isFlexible = false
        }
    }
}
