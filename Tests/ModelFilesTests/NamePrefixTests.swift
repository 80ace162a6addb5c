import Foundation
import ModelFiles
import NeuralGraph
import TestSupport
import Testing

/// What wrappers put before every name of a state dictionary: data-parallel training, compilation, a network inside another.
@Suite("Name prefix", .tags(.files)) struct NamePrefixTests {
    private let folder: TemporaryFolder
    private let url: URL
    private let tiny = ArchitectureIdentifier(name: "tiny")
    private let model: Model

    init() throws {
        folder = try TemporaryFolder()
        url = folder.file("model.safetensors")
        model = try Model(graph: TinyArchitecture(bias: true).graph(inputShape: [5, 6, 2], classes: 4), seed: 3)
    }

    private func write(_ tensors: [String: Tensor], prefix: String) throws {
        try SafetensorsWriter.write(
            Dictionary(uniqueKeysWithValues: tensors.map { (prefix + $0.key, $0.value) }), to: url)
    }

    private func read(_ architecture: ArchitectureIdentifier? = nil) throws -> Model {
        try Model(safetensors: url, architecture: architecture, imageSize: nil, registry: TinyArchitecture.registry)
    }

    static let prefixes = [
        "module.", "model.", "_orig_mod.", "backbone.", "net.", "_orig_mod.module.", "fc.", "größe.a.b.", "..",
    ]

    @Test("is taken off and put back", arguments: prefixes) func isTakenOffAndPutBack(_ prefix: String) throws {
        try write(model.stateDictionary, prefix: prefix)
        let names = try SafetensorsFile(contentsOf: url).names
        let foreign = try read(tiny)
        #expect(foreign.stateDictionary == model.stateDictionary)
        #expect((foreign.origin as? SafetensorsOrigin)?.prefix == prefix)
        #expect(try Model(safetensors: url, graph: model.graph).stateDictionary == model.stateDictionary)

        // Copies with other numbers go back under the same names, and are read without being told the network.
        try foreign.replacing(["fc.bias": Tensor([1, 2, 3, 4], shape: [4])]).writeSafetensors(to: url)
        #expect(try SafetensorsFile(contentsOf: url).names == names)
        let copy = try read()
        #expect(try copy.parameters["fc.bias"] == Tensor([1, 2, 3, 4], shape: [4]))
        try copy.writeSafetensors(to: url)
        #expect(try SafetensorsFile(contentsOf: url).names == names)
    }

    /// All names of this network begin with `fc.`.
    @Test("the networks own names stay") func theNetworksOwnNamesStay() throws {
        try write(model.stateDictionary, prefix: "")
        let copy = try read(tiny)
        #expect(copy.stateDictionary == model.stateDictionary && copy.origin == nil)
    }

    @Test("errors have the files names") func errorsHaveTheFilesNames() throws {
        var tensors = model.stateDictionary
        tensors["fc.bias"] = nil
        try write(tensors, prefix: "module.")
        #expect(throws: StateDictionaryError.missing(name: "module.fc.bias")) { try read(tiny) }
        tensors["fc.bias"] = Tensor(repeating: 0, shape: [5])
        try write(tensors, prefix: "module.")
        #expect(throws: StateDictionaryError.wrongShape(name: "module.fc.bias", expected: [4], found: [5])) {
            try read(tiny)
        }
        tensors["fc.bias"] = Tensor(repeating: 0, shape: [4])
        tensors["fc.more"] = Tensor(repeating: 0, shape: [4])
        try write(tensors, prefix: "module.")
        #expect(throws: StateDictionaryError.unexpected(name: "module.fc.more", others: 0)) { try read(tiny) }
    }

    /// A full stop with an accent is one character; these names differ in bytes alone after two characters are dropped.
    @Test("characters that span the beginning are no trap") func charactersThatSpanTheBeginningAreNoTrap() throws {
        let tensor = Tensor(repeating: 0, shape: [1])
        try SafetensorsWriter.write(["m.\u{301}fc.weight": tensor, "m.fc.weight": tensor], to: url)
        #expect(throws: (any Error).self) { try read(tiny) }
    }

    @Test("a beginning that some names lack is named") func aBeginningThatSomeNamesLackIsNamed() throws {
        var tensors = Dictionary(uniqueKeysWithValues: model.stateDictionary.map { ("encoder." + $0.key, $0.value) })
        tensors["loss.weight"] = Tensor(repeating: 0, shape: [1])
        try write(tensors, prefix: "")
        let error = #expect(throws: FileError.self) { try read(tiny) }
        let message = error?.message ?? ""
        #expect(message.contains("tensor 'fc.weight' is missing"))
        #expect(message.contains("the file has 'encoder.fc.weight': take 'encoder.' off the names"))
    }
}
