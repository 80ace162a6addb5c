/// The architectures that can be built by name. To add one, write its type in a file of its own and name it here.
public enum Architectures {
    package static let types: [any RegisteredArchitecture.Type] = [
        ResNet.self,
        MobileNetV2.self,
        VGG16.self,
        EfficientNetLite0.self,
        AllCNN.self,
        DenseNet.self,
        VisionTransformer.self,
    ]

    /// The names of all variants. Lookup ignores case, `-` and `_`.
    public static let names = types.flatMap { $0.names }

    /// Finds the architecture of a name and its options.
    /// - Throws: ``ArchitectureError`` if the name is unknown, or an option does not fit.
    public static func named(_ identifier: ArchitectureIdentifier) throws(ArchitectureError) -> any Architecture {
        // An architecture may know names of other libraries too, which are not in the list.
        let name = names.first { plain($0) == plain(identifier.name) } ?? identifier.name
        let known = ArchitectureIdentifier(name: name, options: identifier.options)
        if let ensemble = try ShardEnsemble(known) { return ensemble }
        for type in types {
            if let architecture = try type.init(known) { return architecture }
        }
        throw .unknown(name: identifier.name, known: names)
    }

    /// A name without what differs in how people write it.
    private static func plain(_ name: String) -> String {
        name.lowercased().filter { $0 != "-" && $0 != "_" }
    }
}

extension ArchitectureIdentifier: CustomStringConvertible {
    /// Reads `NAME` or `NAME:OPTION=VALUE,OPTION=VALUE`, such as `mobilenet_v2:stem=small,width=0.5`.
    ///
    /// ``Architectures/named(_:)`` checks that the architecture exists.
    /// - Throws: ``ArchitectureError/badText(_:)``.
    public init(parsing text: String) throws(ArchitectureError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        var options: [String: String] = [:]
        for option in parts.count > 1 ? parts[1].split(separator: ",", omittingEmptySubsequences: false) : [] {
            let sides = option.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
            guard sides.count == 2, !sides[0].isEmpty, !sides[1].isEmpty, options[sides[0]] == nil else {
                throw .badText(text)
            }
            options[sides[0]] = sides[1]
        }
        guard let name = parts.first, !name.isEmpty else { throw .badText(text) }
        self.init(name: name, options: options)
    }

    /// The text that ``init(parsing:)`` reads, options in alphabetical order.
    public var description: String {
        let texts = options.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return texts.isEmpty ? name : "\(name):\(texts.joined(separator: ","))"
    }

    func allowOptions(_ known: [String]) throws(ArchitectureError) {
        if let option = options.keys.filter({ !known.contains($0) }).min() {
            throw .unknownOption(architecture: name, option: option, known: known)
        }
    }

    /// An option with a fixed set of values.
    func option<Value: RawRepresentable & CaseIterable>(
        _ option: String, default value: Value
    ) throws(ArchitectureError) -> Value where Value.RawValue == String {
        try parsed(option, default: value, known: Value.allCases.map(\.rawValue)) { Value(rawValue: $0) }
    }

    /// An integer option.
    func option(
        _ option: String, default value: Int, in range: ClosedRange<Int>
    ) throws(ArchitectureError) -> Int {
        let known = "an integer from \(range.lowerBound) to \(range.upperBound)"
        return try parsed(option, default: value, known: [known]) { Int($0).flatMap { range.contains($0) ? $0 : nil } }
    }

    /// A numeric option.
    func option(
        _ option: String, default value: Double, in range: ClosedRange<Double>
    ) throws(ArchitectureError) -> Double {
        let known = "a number from \(range.lowerBound) to \(range.upperBound)"
        return try parsed(option, default: value, known: [known]) {
            Double($0).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    private func parsed<Value>(
        _ option: String, default value: Value, known: [String], _ parse: (String) -> Value?
    ) throws(ArchitectureError) -> Value {
        guard let given = options[option] else { return value }
        guard let parsed = parse(given) else {
            throw .badOption(architecture: name, option: option, value: given, known: known)
        }
        return parsed
    }

    /// The option `width`, 1 by default.
    func width() throws(ArchitectureError) -> Double {
        try option("width", default: 1.0, in: WidthMultiplier.range)
    }
}

extension [String: String] {
    /// The options with `width`, unless it is 1.
    func adding(width: Double) -> [String: String] {
        width == 1 ? self : merging(["width": "\(width)"]) { $1 }
    }
}
