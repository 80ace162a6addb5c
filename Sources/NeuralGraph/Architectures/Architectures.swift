/// The architectures that can be built by name.
public enum Architectures {
    /// Their names. Case, `-` and `_` do not matter when one is looked up.
    public static let names = [
        "resnet18", "resnet34", "resnet50", "mobilenet_v2", "vgg16_bn", "efficientnet_lite0",
        "tf_efficientnet_lite0", "allcnn", "allcnn-bn", "vit-tiny", "vit-small", "vit-base",
    ]

    /// The architecture with a name and options.
    /// - Throws: ``ArchitectureError`` if there is none, or an option does not fit.
    public static func named(_ identifier: ArchitectureIdentifier) throws(ArchitectureError) -> any Architecture {
        // Transformers have names of other libraries besides, which are not in the list.
        let name = names.first { plain($0) == plain(identifier.name) } ?? identifier.name
        switch name {
        case "mobilenet_v2":
            try identifier.allowOptions(["stem", "width"])
            return MobileNetV2(
                width: try identifier.width(),
                stem: try identifier.option("stem", default: .imagenet))
        case "vgg16_bn":
            try identifier.allowOptions(["width"])
            return VGG16(width: try identifier.width())
        case "efficientnet_lite0", "tf_efficientnet_lite0":
            try identifier.allowOptions(["width"])
            return EfficientNetLite0(
                origin: name == "efficientnet_lite0" ? .pytorch : .tensorflow, width: try identifier.width())
        case "allcnn", "allcnn-bn":
            try identifier.allowOptions([])
            return AllCNN(normalizes: name == "allcnn-bn")
        default:
            if let depth = ResNet.Depth(rawValue: name) {
                try identifier.allowOptions(["stem", "width"])
                return ResNet(
                    depth, stem: try identifier.option("stem", default: .imagenet), width: try identifier.width())
            }
            let named = ArchitectureIdentifier(name: name, options: identifier.options)
            if let transformer = try VisionTransformer(named) { return transformer }
            throw .unknown(name: identifier.name, known: names)
        }
    }

    /// A name without what people write differently.
    private static func plain(_ name: String) -> String {
        name.lowercased().filter { $0 != "-" && $0 != "_" }
    }
}

extension ArchitectureIdentifier: CustomStringConvertible {
    /// Reads `NAME` or `NAME:OPTION=VALUE,OPTION=VALUE`, such as `mobilenet_v2:stem=small,width=0.5`. Whether there is
    /// such an architecture is for ``Architectures/named(_:)`` to say.
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

    /// An option that is one of some words.
    func option<Value: RawRepresentable & CaseIterable>(
        _ option: String, default value: Value
    ) throws(ArchitectureError) -> Value where Value.RawValue == String {
        try parsed(option, default: value, known: Value.allCases.map(\.rawValue)) { Value(rawValue: $0) }
    }

    /// An option that is a whole number.
    func option(
        _ option: String, default value: Int, in range: ClosedRange<Int>
    ) throws(ArchitectureError) -> Int {
        let known = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        return try parsed(option, default: value, known: [known]) { Int($0).flatMap { range.contains($0) ? $0 : nil } }
    }

    /// An option that is a number.
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

    /// The option `width`, 1 if it is left out.
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
