import Foundation
package import NeuralGraph

/// The description of a model in its file's properties, such as safetensors' `__metadata__`.
package struct ModelDescription: Equatable {
    /// The newest version that is read, which is also the one written.
    package static let version = 1
    /// The longest axis of an input that is accepted: no product of three overflows.
    package static let longestAxis = 65_536
    /// The largest number of classes that is accepted.
    package static let maximumClasses = 16_777_216

    private static let versionKey = "unlearning.format_version"
    private static let modelKey = "unlearning.model"

    package var metadata: ModelMetadata
    /// One example's shape, `[height, width, channels]`.
    package var inputShape: [Int]
    package var classes: Int

    package init(metadata: ModelMetadata, inputShape: [Int], classes: Int) {
        self.metadata = metadata
        self.inputShape = inputShape
        self.classes = classes
    }

    /// Reads the description; nil if the file has none, as PyTorch's own files.
    package init?(_ file: SafetensorsFile, path: String) throws(FileError) {
        try self.init(file.metadata, path: path)
    }

    /// Reads the description from a file's properties; nil if they have none.
    package init?(_ properties: [String: String], path: String) throws(FileError) {
        guard let version = properties[Self.versionKey], let text = properties[Self.modelKey] else {
            return nil
        }
        guard let number = Int(version), number >= 1 else {
            throw FileError(
                path,
                "the metadata's \(Self.versionKey) is \(quoted(version)), which is not a version; "
                    + "write the file again")
        }
        guard number <= Self.version else {
            throw FileError(
                path,
                "the file has format version \(number), and this program reads \(Self.version); update it")
        }
        do {
            self = try JSONDecoder.model.decode(ModelDescription.self, from: Data(text.utf8))
        } catch {
            throw FileError(
                path,
                "the metadata's \(Self.modelKey) is damaged (\(Self.reason(error))); write the file again")
        }
        guard (1...4).contains(inputShape.count),
            inputShape.allSatisfy({ (1...Self.longestAxis).contains($0) })
        else {
            throw FileError(
                path, "the metadata's input shape \(inputShape) is not one of an image; write the file again")
        }
        guard (1...Self.maximumClasses).contains(classes) else {
            throw FileError(
                path, "the metadata's \(classes) classes are out of range; write the file again")
        }
        guard metadata.classNames.isEmpty || metadata.classNames.count == classes else {
            throw FileError(
                path,
                "the metadata has \(metadata.classNames.count) class names for \(classes) classes; "
                    + "write the file again")
        }
        if let problem = metadata.problemWithMemory(classes: classes) {
            throw FileError(path, "the metadata's \(problem); write the file again")
        }
    }

    /// The strings that go into `__metadata__`.
    func encoded() throws(FileError) -> [String: String] {
        // PyTorch's loaders look for the format.
        try properties().merging(["format": "pt"]) { own, _ in own }
    }

    /// The description as properties of a file.
    package func properties() throws(FileError) -> [String: String] {
        do {
            let text = String(decoding: try JSONEncoder.model.encode(self), as: UTF8.self)
            return [Self.versionKey: String(Self.version), Self.modelKey: text]
        } catch {
            throw FileError("metadata", "cannot be written: \(error)")
        }
    }

    /// Throws if the caller asks for another network or input size than the file's.
    func checkAgreement(
        network: any Architecture, asked: (any Architecture)?, options: [String: String], imageSize: Int?,
        path: String
    ) throws(FileError) {
        let own = network.identifier
        // Options that the caller omits are the file's; given ones may be spelled differently, such as 0.50.
        if let asked = asked?.identifier,
            asked.name != own.name || options.contains(where: { own.options[$0.key] != asked.options[$0.key] })
        {
            throw FileError(
                path, "the file is for \(Self.text(own)), not \(Self.text(asked)); leave the architecture out"
            )
        }
        if let imageSize, inputShape.count != 3 || inputShape[0] != imageSize || inputShape[1] != imageSize {
            throw FileError(
                path,
                "the file is for inputs of \(TensorShape(inputShape)), not of size \(imageSize); leave the size out"
            )
        }
    }

    private static func text(_ identifier: ArchitectureIdentifier) -> String { quoted(identifier.description) }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case DecodingError.keyNotFound(let key, _): "no \(key.stringValue)"
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
            "wrong type of \(context.codingPath.map(\.stringValue).joined(separator: "."))"
        default: "not JSON"
        }
    }
}

extension ModelDescription: Codable {
    private enum Key: String, CodingKey {
        case inputShape, classes
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        metadata = try ModelMetadata(from: decoder)
        inputShape = try container.decode([Int].self, forKey: .inputShape)
        classes = try container.decode(Int.self, forKey: .classes)
    }

    package func encode(to encoder: any Encoder) throws {
        try metadata.encode(to: encoder)
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(inputShape, forKey: .inputShape)
        try container.encode(classes, forKey: .classes)
    }
}

extension ModelMetadata {
    /// What is wrong with what a file remembers of forgotten classes; nil if all of it is valid.
    package func problemWithMemory(classes: Int) -> String? {
        if let index = forgottenClasses.filter({ !(0..<classes).contains($0) }).min() {
            return "forgotten class \(index) is not one of the model's \(classes)"
        }
        guard forgottenClasses.count < classes else {
            return "list of forgotten classes has all \(classes) of the model's"
        }
        let all = originalCount(of: classes)
        guard droppedClasses == Set(droppedClasses).sorted(), droppedClasses.allSatisfy((0..<all).contains) else {
            return "list of removed outputs, \(droppedClasses.prefix(10)), is not one of \(all) classes"
        }
        for request in requests {
            if let index = request.classes.first(where: { !(0..<all).contains($0) }) {
                return "request to forget class \(index) is for none of \(all) classes"
            }
            if let samples = request.samples, samples < 1 { return "request has \(samples) samples" }
            if let date = request.date, !(1...40).contains(date.utf8.count) || !date.allSatisfy(\.isASCII) {
                return "request's date \(quoted(String(date.prefix(40)))) is none"
            }
            if let record = request.record, record.utf8.count != 64 || !record.allSatisfy(\.isHexDigit) {
                return "request's record \(quoted(String(record.prefix(70)))) is no SHA-256"
            }
        }
        return nil
    }
}

extension JSONEncoder {
    fileprivate static var model: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return encoder
    }
}

extension JSONDecoder {
    fileprivate static var model: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return decoder
    }
}
