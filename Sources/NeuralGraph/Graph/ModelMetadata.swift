/// A model's properties beyond its numbers, which files written by this package carry.
public struct ModelMetadata: Sendable, Codable, Hashable {
    /// The architecture that the graph was built from, if it has a name.
    public var architecture: ArchitectureIdentifier?
    /// The classes' names in the order of the outputs; empty if unknown.
    public var classNames: [String]
    /// The conversion of pixel values to inputs; nil if unknown.
    public var normalization: Normalization?
    /// The conversion of pictures of other sizes; nil if unknown, or if all images had one size.
    public var resizing: ImageResizing?
    /// The learning rate that the model was trained with, if known.
    public var learningRate: Double?
    /// How the model was trained, as JSON; nil if unknown.
    package var training: String?
    /// The indices of the classes that the model has forgotten, over all requests so far.
    public var forgottenClasses: Set<Int>
    /// The requests that the model was made to forget by, in their order, as far as its file remembers them.
    public var requests: [ForgottenRequest]
    /// The classes whose outputs were removed, by their indices before any was, in rising order.
    package var droppedClasses: [Int]

    /// Creates metadata; every argument is optional.
    public init(
        architecture: ArchitectureIdentifier? = nil, classNames: [String] = [],
        normalization: Normalization? = nil, resizing: ImageResizing? = nil, learningRate: Double? = nil,
        forgottenClasses: Set<Int> = [], requests: [ForgottenRequest] = []
    ) {
        self.architecture = architecture
        self.classNames = classNames
        self.normalization = normalization
        self.resizing = resizing
        self.learningRate = learningRate
        self.forgottenClasses = forgottenClasses
        self.requests = requests
        droppedClasses = []
    }

    private enum Key: String, CodingKey {
        case architecture, classNames, normalization, resizing, learningRate, training, forgottenClasses, requests
        case droppedClasses
    }

    /// Reads metadata; properties that an older file lacks get their defaults.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        self.init(
            architecture: try container.decodeIfPresent(ArchitectureIdentifier.self, forKey: .architecture),
            classNames: try container.decode([String].self, forKey: .classNames),
            normalization: try container.decodeIfPresent(Normalization.self, forKey: .normalization),
            resizing: try container.decodeIfPresent(ImageResizing.self, forKey: .resizing),
            learningRate: try container.decodeIfPresent(Double.self, forKey: .learningRate),
            forgottenClasses: Set(try container.decodeIfPresent([Int].self, forKey: .forgottenClasses) ?? []),
            requests: try container.decodeIfPresent([ForgottenRequest].self, forKey: .requests) ?? [])
        droppedClasses = try container.decodeIfPresent([Int].self, forKey: .droppedClasses) ?? []
        training = try container.decodeIfPresent(String.self, forKey: .training)
    }

    /// Writes metadata; equal metadata gives equal bytes.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encodeIfPresent(architecture, forKey: .architecture)
        try container.encode(classNames, forKey: .classNames)
        try container.encodeIfPresent(normalization, forKey: .normalization)
        try container.encodeIfPresent(resizing, forKey: .resizing)
        try container.encodeIfPresent(learningRate, forKey: .learningRate)
        try container.encodeIfPresent(training, forKey: .training)
        if !forgottenClasses.isEmpty { try container.encode(forgottenClasses.sorted(), forKey: .forgottenClasses) }
        if !requests.isEmpty { try container.encode(requests, forKey: .requests) }
        if !droppedClasses.isEmpty { try container.encode(droppedClasses, forKey: .droppedClasses) }
    }
}

/// A request that a model was made to forget by, as its file remembers it.
public struct ForgottenRequest: Sendable, Codable, Hashable {
    /// The classes, by their indices before any output was removed, in rising order; empty if samples were forgotten.
    public var classes: [Int]
    /// The number of samples that were forgotten; nil if classes were.
    public var samples: Int?
    /// The time of the record, such as `2026-01-31T12:00:00Z`; nil if there was no record.
    public var date: String?
    /// The SHA-256 of the record's content, 64 hexadecimal digits; nil if there was no record.
    public var record: String?

    /// Creates a request.
    public init(classes: [Int], samples: Int? = nil, date: String? = nil, record: String? = nil) {
        self.classes = classes
        self.samples = samples
        self.date = date
        self.record = record
    }
}

extension ModelMetadata {
    /// The number of outputs that the network had before any was removed, for one that has a number now.
    package func originalCount(of outputs: Int) -> Int { outputs + droppedClasses.count }

    /// The index that a class had before any output was removed.
    /// - Parameter output: its index now.
    package func originalIndex(of output: Int) -> Int {
        droppedClasses.sorted().reduce(output) { $1 <= $0 ? $0 + 1 : $0 }
    }

    /// The last request for a class, if the file remembers one.
    /// - Parameter output: the class's index now.
    package func lastRequest(for output: Int) -> ForgottenRequest? {
        let index = originalIndex(of: output)
        return requests.last { $0.classes.contains(index) }
    }
}

/// An architecture's name and options, from which the graph can be built.
public struct ArchitectureIdentifier: Sendable, Codable, Hashable {
    /// The name, such as `resnet18`.
    public var name: String
    /// The options, such as `stem: small`.
    public var options: [String: String]

    /// Creates an identifier.
    public init(name: String, options: [String: String] = [:]) {
        self.name = name
        self.options = options
    }
}

/// The conversion of a picture to the network's size, by bilinear interpolation.
public enum ImageResizing: Sendable, Codable, Hashable {
    /// The shorter side is scaled to a number of pixels, the proportions stay, and the center is cut out.
    case cropped(shorterSide: Int)
    /// Height and width are scaled to the input's; the proportions change.
    case stretched
}

/// The conversion of pixel values to network inputs: `(pixel / 255 - mean) / standardDeviation`, per channel.
public struct Normalization: Sendable, Codable, Hashable {
    /// One mean per channel, in units of the full pixel range (0 to 1).
    public var mean: [Float]
    /// One standard deviation per channel, greater than 0, in the same units.
    public var standardDeviation: [Float]

    /// Creates a normalization.
    public init(mean: [Float], standardDeviation: [Float]) {
        self.mean = mean
        self.standardDeviation = standardDeviation
    }

    /// The normalization for a number of channels: a single value is used for every channel.
    /// - Throws: ``ShapeError`` if the counts do not fit or a deviation is not above 0.
    package func expanded(toChannels channels: Int) throws(ShapeError) -> Normalization {
        guard [1, channels].contains(mean.count), [1, channels].contains(standardDeviation.count) else {
            throw ShapeError(
                "normalization",
                "\(mean.count) means and \(standardDeviation.count) deviations for \(channels) channels; "
                    + "give one, or one per channel")
        }
        guard standardDeviation.allSatisfy({ $0 > 0 && $0.isFinite }), mean.allSatisfy(\.isFinite) else {
            throw ShapeError(
                "normalization", "standard deviations must be above 0 and all values finite; found \(self)")
        }
        func spread(_ values: [Float]) -> [Float] {
            values.count == 1 ? [Float](repeating: values[0], count: channels) : values
        }
        return Normalization(mean: spread(mean), standardDeviation: spread(standardDeviation))
    }
}
