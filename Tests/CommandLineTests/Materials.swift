import Foundation
import ModelInterchange
import TestSupport
import Testing
import Unlearning

/// A tiny data set and a network trained on it, made once for all tests.
///
/// The data set has Fashion-MNIST's files and class names, but images of 4x4: each class has a bright pixel of its own.
final class Materials: Sendable {
    static let shared = Result { try Materials() }

    /// A quarter of a ResNet-18's width: a run takes a third of a second, most of it outside the network.
    static let architecture = "resnet18:stem=small,width=0.25"
    static let network = ["--architecture", architecture, "--image-size", "4", "--channels", "1"]
    static let training = network + ["--epochs", "8", "--batch-size", "16", "--seed", "1"]

    let folder: TemporaryFolder
    /// What training printed.
    let trained: Program.Ending

    var dataset: String { "fashion-mnist:\(folder.path("data"))" }
    var model: String { folder.path("model.safetensors") }
    /// The same tensors without our metadata, as PyTorch would write them.
    var plainModel: String { folder.path("plain.safetensors") }

    private init() throws {
        folder = try TemporaryFolder()
        let data = folder.url.appendingPathComponent("data")
        try FileManager.default.createDirectory(at: data, withIntermediateDirectories: true)
        for (prefix, perClass, seed) in [("train", 24, 1), ("t10k", 8, 2)] {
            var random = SeededRandom(seed: UInt64(seed))
            let labels = (0..<10 * perClass).map { UInt8($0 % 10) }
            try Data(IDX.images(labels: labels, random: &random))
                .write(to: data.appendingPathComponent("\(prefix)-images-idx3-ubyte"))
            try Data(IDX.labels(labels)).write(to: data.appendingPathComponent("\(prefix)-labels-idx1-ubyte"))
        }
        let model = folder.path("model.safetensors")
        trained = try Program.run(
            ["train", "--dataset", "fashion-mnist:\(data.path)", "--output", model, "--json"] + Self.training)
        if trained.status == 0 {
            let network = try Model(contentsOf: URL(fileURLWithPath: model))
            try SafetensorsWriter.write(
                network.stateDictionary,
                to: URL(fileURLWithPath: folder.path("plain.safetensors")))
        }
    }
}

/// IDX files in memory.
enum IDX {
    static let side = 4

    static func header(magic: UInt32, _ sizes: [Int]) -> [UInt8] {
        ([magic] + sizes.map { UInt32($0) }).flatMap { word in
            (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * $0)) }
        }
    }

    static func images(labels: [UInt8], random: inout SeededRandom) -> [UInt8] {
        var bytes = header(magic: 0x803, [labels.count, side, side])
        for label in labels {
            for pixel in 0..<side * side {
                let value = (pixel == Int(label) ? 220.0 : 40) + 15 * random.normal()
                bytes.append(UInt8(min(255, max(0, value))))
            }
        }
        return bytes
    }

    static func labels(_ labels: [UInt8]) -> [UInt8] { header(magic: 0x801, [labels.count]) + labels }
}

extension Materials {
    /// Writes the network in another format.
    /// - Returns: the path.
    func convert(to path: String, _ format: String) throws -> String {
        let ending = try Program.run(["convert", model, path, "--json"])
        #expect(ending.status == 0, "\(ending.errors)")
        #expect(try ending.json()["format"] as? String == format)
        return path
    }

    /// Expects that a file holds the network as it was before it was converted.
    func expectNetwork(in path: String) throws {
        let models = try [model, path].map { try Model(contentsOf: URL(fileURLWithPath: $0)) }
        // Other formats have no place for the number of batches that batch norm has seen, which nothing depends on.
        let tensors = models.map { $0.stateDictionary.filter { !$0.key.hasSuffix("num_batches_tracked") } }
        #expect(tensors[0] == tensors[1])
        #expect(models[0].metadata == models[1].metadata)
    }
}
