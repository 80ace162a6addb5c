import Foundation
import ModelFiles
import NeuralGraph
import TestSupport
import Testing

@Suite("Model file", .tags(.files)) struct ModelFileTests {
    private let folder: TemporaryFolder
    private let url: URL
    private let model: Model

    init() throws {
        folder = try TemporaryFolder()
        url = folder.file("model.safetensors")
        let tiny = TinyArchitecture(bias: true)
        let metadata = ModelMetadata(
            architecture: tiny.identifier, classNames: ["T-shirt/top", "\"Größe\"", "c", "d"],
            normalization: Normalization(mean: [0.2860, 0.1], standardDeviation: [0.3530, 1]),
            learningRate: 0.001)
        let counted = try Model(
            graph: tiny.graph(inputShape: [5, 6, 2], classes: 4), metadata: metadata, seed: 3)
        model = try counted.replacing(["fc.num_batches_tracked": Tensor([1234], shape: [])])
    }

    private func read(_ architecture: ArchitectureIdentifier? = nil, imageSize: Int? = nil) throws -> Model {
        try Model(
            safetensors: url, architecture: architecture, imageSize: imageSize,
            registry: TinyArchitecture.registry)
    }

    private func message(_ architecture: ArchitectureIdentifier? = nil, imageSize: Int? = nil) -> String? {
        do {
            _ = try read(architecture, imageSize: imageSize)
            return nil
        } catch {
            return "\(error)".replacingOccurrences(of: "\(url.path): ", with: "")
        }
    }

    /// Writes the model's tensors with a description of the test's own.
    private func write(_ description: String, version: String = "1") throws {
        try SafetensorsWriter.write(
            model.stateDictionary,
            metadata: ["unlearning.format_version": version, "unlearning.model": description], to: url)
    }

    @Test("round trip") func roundTrip() throws {
        try model.writeSafetensors(to: url)
        let copy = try read()
        #expect(copy.stateDictionary == model.stateDictionary)
        #expect(copy.parameters.keys == model.parameters.keys)
        #expect(copy.metadata == model.metadata)
        #expect(copy.graph.inputShape == [5, 6, 2] && copy.classCount == 4)
        #expect(try folder.content == ["model.safetensors"])
    }

    @Test("bytes are reproducible") func bytesAreReproducible() throws {
        try model.writeSafetensors(to: url)
        let first = try Data(contentsOf: url)
        try read().writeSafetensors(to: url)
        #expect(try Data(contentsOf: url) == first)
    }

    @Test("files are as PyTorch wants them") func filesAreAsPyTorchWantsThem() throws {
        try model.writeSafetensors(to: url)
        let file = try SafetensorsFile(contentsOf: url)
        #expect(file.metadata["format"] == "pt")
        #expect(file.metadata["unlearning.format_version"] == "1")
        #expect(file.names == ["fc.bias", "fc.num_batches_tracked", "fc.running_mean", "fc.weight"])
        #expect(file.scalarType(of: "fc.num_batches_tracked") == .int64)
        #expect(file.scalarType(of: "fc.weight") == .float32)
    }

    @Test("undefined weights are read") func undefinedWeightsAreRead() throws {
        try model.replacing(["fc.bias": Tensor([.nan, .infinity, 0, 1], shape: [4])]).writeSafetensors(to: url)
        #expect(try read().firstNonFiniteTensor == "fc.bias")
    }

    @Test("forgotten classes are remembered") func forgottenClassesAreRemembered() throws {
        var forgetful = model
        forgetful.metadata.forgottenClasses = [3, 0]
        try forgetful.writeSafetensors(to: url)
        #expect(try read().metadata.forgottenClasses == [0, 3])
        #expect(
            try SafetensorsFile(contentsOf: url).metadata["unlearning.model"]?.contains("\"forgottenClasses\":[0,3]")
                == true)
        // A file of an older version does not say.
        try model.writeSafetensors(to: url)
        #expect(try SafetensorsFile(contentsOf: url).metadata["unlearning.model"]?.contains("forgotten") == false)
        #expect(try read().metadata.forgottenClasses == [])
    }

    @Test(
        "requests that cannot be are refused",
        arguments: [
            (ForgottenRequest(classes: [4]), "request to forget class 4 is for none of 4 classes"),
            (ForgottenRequest(classes: [], samples: 0), "request has 0 samples"),
            (ForgottenRequest(classes: [1], record: "abc"), "request's record 'abc' is no SHA-256"),
            (ForgottenRequest(classes: [1], date: ""), "request's date '' is none"),
        ])
    func impossibleRequestsAreRefused(request: ForgottenRequest, message: String) throws {
        var forgetful = model
        forgetful.metadata.requests = [request]
        try forgetful.writeSafetensors(to: url)
        #expect {
            try read()
        } throws: { error in
            "\(error)".contains(message)
        }
    }

    @Test(
        "impossible forgotten classes are refused",
        arguments: [
            ([4], "forgotten class 4 is not one of the model's 4"),
            ([-1, 2], "forgotten class -1 is not one of the model's 4"),
            ([0, 1, 2, 3], "list of forgotten classes has all 4 of the model's"),
        ])
    func impossibleForgottenClassesAreRefused(_ classes: [Int], _ problem: String) throws {
        var forgetful = model
        forgetful.metadata.forgottenClasses = Set(classes)
        try forgetful.writeSafetensors(to: url)
        #expect(message() == "the metadata's \(problem); write the file again")
    }

    @Test("undefined metadata is kept") func undefinedMetadataIsKept() throws {
        var diverged = model
        diverged.metadata.learningRate = .nan
        try diverged.writeSafetensors(to: url)
        #expect(try read().metadata.learningRate?.isNaN == true)
    }

    @Test("the architecture may be repeated") func theArchitectureMayBeRepeated() throws {
        try model.writeSafetensors(to: url)
        for identifier in [ArchitectureIdentifier(name: "tiny"), model.metadata.architecture] {
            #expect(try read(identifier).metadata == model.metadata)
        }
    }

    @Test("another architecture is refused") func anotherArchitectureIsRefused() throws {
        try model.writeSafetensors(to: url)
        #expect(
            message(ArchitectureIdentifier(name: "tiny", options: ["bias": "no"]))
                == "the file is for 'tiny:bias=yes', not 'tiny:bias=no'; leave the architecture out")
        #expect(
            message(ArchitectureIdentifier(name: "huge"))
                == "there is no architecture 'huge'; choose one of: tiny")
        #expect(
            message(imageSize: 5) == "the file is for inputs of 5x6x2, not of size 5; leave the size out")
    }

    @Test("foreign files need an architecture") func foreignFilesNeedAnArchitecture() throws {
        try SafetensorsWriter.write(model.stateDictionary, to: url)
        #expect(
            message()
                == "the file does not say which network it is for; name it, such as "
                + "--architecture resnet18 --image-size 32")
        let tiny = ArchitectureIdentifier(name: "tiny")
        let copy = try read(tiny)
        #expect(copy.stateDictionary == model.stateDictionary)
        #expect(copy.graph.inputShape == [32, 32, 2] && copy.classCount == 4)
        #expect(copy.metadata == ModelMetadata(architecture: TinyArchitecture(bias: true).identifier))
        #expect(try read(tiny, imageSize: 7).graph.inputShape == [7, 7, 2])
        for size in [0, -1, 65_537, Int.max] {
            #expect(message(tiny, imageSize: size) == "image size: \(size) is out of range; use 1...65536")
        }
    }

    @Test("tensors that do not fit are named") func tensorsThatDoNotFitAreNamed() throws {
        let remedy = "check that the architecture and its options are the ones the file was made with"
        let tiny = ArchitectureIdentifier(name: "tiny")
        var tensors = model.stateDictionary
        tensors["extra"] = Tensor(repeating: 0, shape: [1])
        try SafetensorsWriter.write(tensors, to: url)
        #expect(message(tiny) == "tensor 'extra' is not in this network; \(remedy)")
        tensors["extra"] = nil
        tensors["fc.bias"] = Tensor(repeating: 0, shape: [5])
        try SafetensorsWriter.write(tensors, to: url)
        #expect(message(tiny) == "tensor 'fc.bias' is 5 where the network has 4; \(remedy)")
        tensors["fc.bias"] = nil
        try SafetensorsWriter.write(tensors, to: url)
        #expect(message(tiny) == "tensor 'fc.bias' is missing; \(remedy)")
        tensors["fc.weight"] = nil
        try SafetensorsWriter.write(tensors, to: url)
        #expect(message(tiny)?.contains("'fc.weight' is missing") == true)
    }

    @Test("networks of ones own are read by their graph") func networksOfOnesOwnAreReadByTheirGraph() throws {
        var own = model
        own.metadata.architecture = nil
        try own.writeSafetensors(to: url)
        let copy = try Model(safetensors: url, graph: own.graph)
        #expect(copy.stateDictionary == own.stateDictionary && copy.metadata == own.metadata)
        #expect(message()?.hasPrefix("the file does not say which network it is for") == true)
    }

    @Test("architectures of ones own are read") func architecturesOfOnesOwnAreRead() throws {
        let tiny = TinyArchitecture(bias: true)
        try model.writeSafetensors(to: url)
        let copy = try Model(safetensors: url, as: tiny)
        #expect(copy.stateDictionary == model.stateDictionary && copy.metadata == model.metadata)
        #expect(copy.graph.inputShape == model.graph.inputShape)
        #expect(throws: StateDictionaryError.self) { try Model(safetensors: url, as: TinyArchitecture(bias: false)) }
        let error = #expect(throws: ArchitectureError.self) { try Model(safetensors: url, as: AllCNN()) }
        #expect(error == .unknown(name: "tiny", known: ["allcnn-bn"]))

        try SafetensorsWriter.write(model.stateDictionary, to: url)
        let foreign = try Model(safetensors: url, as: tiny, imageSize: 7)
        #expect(foreign.graph.inputShape == [7, 7, 2] && foreign.metadata.architecture == tiny.identifier)
    }

    @Test("known architectures are read by their name", .tags(.slow), .slow, arguments: Architectures.names)
    func knownArchitecturesAreReadByTheirName(_ name: String) throws {
        // At their full sizes these would be files of hundreds of megabytes.
        let options = ["vgg16_bn": ["width": "0.25"], "vit-base": ["depth": "1"]][name] ?? [:]
        let network = try Architectures.named(ArchitectureIdentifier(name: name, options: options))
        let model = try Model(
            graph: network.graph(inputShape: [32, 32, 3], classes: 10),
            metadata: ModelMetadata(architecture: network.identifier), seed: 1)
        try model.writeSafetensors(to: url)
        let copy = try Model(safetensors: url)
        #expect(copy.stateDictionary == model.stateDictionary && copy.metadata == model.metadata)
        #expect(copy.graph.inputShape == [32, 32, 3] && copy.classCount == 10)
    }

    @Test("public initializer asks the registry") func publicInitializerAsksTheRegistry() throws {
        try model.writeSafetensors(to: url)
        #expect(throws: ArchitectureError.self) { try Model(safetensors: url) }
    }

    @Test(
        "damaged descriptions are named",
        arguments: [
            ("", "the metadata's unlearning.model is damaged (not JSON); write the file again"),
            ("{}", "the metadata's unlearning.model is damaged (no classNames); write the file again"),
            (
                #"{"classNames":3}"#,
                "the metadata's unlearning.model is damaged (wrong type of classNames); write the file again"
            ),
            (
                #"{"classNames":[],"inputShape":[],"classes":4}"#,
                "the metadata's input shape [] is not one of an image; write the file again"
            ),
            (
                #"{"classNames":[],"inputShape":[-1,2,3],"classes":4}"#,
                "the metadata's input shape [-1, 2, 3] is not one of an image; write the file again"
            ),
            (
                #"{"classNames":[],"inputShape":[9000000000,9000000000,9000000000],"classes":4}"#,
                "the metadata's input shape [9000000000, 9000000000, 9000000000] is not one of an image; "
                    + "write the file again"
            ),
            (
                #"{"classNames":[],"inputShape":[2,2,2],"classes":0}"#,
                "the metadata's 0 classes are out of range; write the file again"
            ),
            (
                #"{"classNames":["a"],"inputShape":[2,2,2],"classes":4}"#,
                "the metadata has 1 class names for 4 classes; write the file again"
            ),
        ])
    func damagedDescriptionsAreNamed(_ description: String, _ expected: String) throws {
        try write(description)
        #expect(message() == expected)
    }

    @Test("versions are checked") func versionsAreChecked() throws {
        let description =
            #"{"architecture":{"name":"tiny","options":{}},"classNames":[],"#
            + #""inputShape":[5,6,2],"classes":4}"#
        try write(description)
        #expect(message() == nil)
        try write(description, version: "2")
        #expect(message() == "the file has format version 2, and this program reads 1; update it")
        for version in ["0", "-1", "x", ""] {
            try write(description, version: version)
            #expect(
                message()
                    == "the metadata's unlearning.format_version is '\(version)', which is not a version; "
                    + "write the file again")
        }
    }

    @Test("classes must be the tensors") func classesMustBeTheTensors() throws {
        try write(
            #"{"architecture":{"name":"tiny","options":{}},"classNames":[],"inputShape":[5,6,2],"classes":3}"#
        )
        #expect(message()?.hasPrefix("tensor 'fc.weight' is 4x2 where the network has 3x2") == true)
    }

    @Test("large files are read") func largeFilesAreRead() throws {
        // As many numbers as ResNet-18 has.
        let tensors = Dictionary(
            uniqueKeysWithValues: (0..<62).map { ("t\($0)", Tensor(repeating: Float($0), shape: [180_224])) })
        try SafetensorsWriter.write(tensors, to: url)
        #expect(try SafetensorsFile(contentsOf: url).tensors() == tensors)
    }
}
