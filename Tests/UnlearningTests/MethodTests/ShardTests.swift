import Foundation
import TestSupport
import Testing
import Unlearning

@Suite("Training in shards, and forgetting exactly", .tags(.methods))
struct ShardTests {
    private static let training = TrainingConfiguration(
        epochs: 4, batchSize: 20, learningRate: 0.005)
    private static let shards = 3

    private static func untrained(shards: Int = shards) throws -> Model {
        let architecture = try Architectures.named(
            ArchitectureIdentifier(name: "resnet18", options: ["width": "0.1", "shards": "\(shards)"]))
        return try Model(untrained: architecture, for: Patterns.train, imageSize: 12, channels: 1, seed: 4)
    }

    private static func trained(
        on images: any ImageDataset, augments: Bool = true, threads: Int? = nil
    ) async throws -> Model {
        let model = try untrained()
        return try await Trainer(configuration: training).train(
            model,
            on: model.prepare(
                images, augmentation: augments ? Augmentation(padding: 1, horizontalFlipProbability: 0) : nil),
            options: RunOptions(seed: 4, threadCount: threads)
        ).model
    }

    private static let first = Task { try await trained(on: Patterns.train) }

    private func images(_ positions: [Int]) throws -> ImageSubset {
        try ImageSubset(Patterns.train, indices: positions)
    }

    private func images(without positions: [Int]) throws -> ImageSubset {
        try images((0..<Patterns.train.count).filter { !positions.contains($0) })
    }

    private func unlearner(_ model: Model, retaining: any ImageDataset, threads: Int? = nil) throws -> Unlearner {
        // Another seed than the training's, which has no say.
        Unlearner(
            model: model, retaining: retaining, method: try UnlearningMethods.named("sisa"),
            options: RunOptions(seed: 9, threadCount: threads))
    }

    /// The shards whose copies differ.
    private func changed(_ one: Model, _ other: Model) -> [Int] {
        (0..<Self.shards).filter { shard in
            one.stateDictionary.contains { name, tensor in
                name.hasPrefix("shards.\(shard).") && other.stateDictionary[name] != tensor
            }
        }
    }

    @Test(
        "samples: the network is, to the bit, the one that never saw them, on any number of threads",
        arguments: [1, 2, 3])
    func samples(threads: Int) async throws {
        let original = try await Self.first.value
        let outcome = try await unlearner(original, retaining: images(without: [7]), threads: threads)
            .forget(samples: images([7]))
        let expected = try await Self.trained(on: images(without: [7]), threads: threads)
        #expect(outcome.model.stateDictionary == expected.stateDictionary)
        #expect(outcome.model.metadata.training == expected.metadata.training)
        let changed = changed(original, outcome.model)
        let shard = try #require(changed.first)
        #expect(changed.count == 1)
        #expect(
            outcome.notes == ["1 of 3 shards were trained again, those that held what is to be forgotten: \(shard)"])
        // The other shards' columns of the last layer keep their bits too.
        let (before, after) = (
            try #require(original.parameters["head.weight"]), try #require(outcome.model.parameters["head.weight"])
        )
        let (columns, width) = (before.shape[1], before.shape[1] / Self.shards)
        for index in 0..<before.shape.count where index % columns / width != shard {
            #expect(before[index].bitPattern == after[index].bitPattern)
        }
        #expect(outcome.model.parameters["head.bias"]?.elements == [Float](repeating: 0, count: Patterns.classes))
    }

    @Test("equal images share a shard, and a second request, for a class, is exact too")
    func again() async throws {
        let original = try await Self.first.value
        let gone = [7, 13, 19, 25, 31]
        let one = try await unlearner(original, retaining: images(without: [13])).forget(samples: images([13])).model
        // The sample that is forgotten already is named again, and its shard is trained again for another one alone.
        let first = try await unlearner(one, retaining: images(without: gone)).forget(samples: images(gone)).model
        #expect(try await Self.trained(on: images(without: gone)).stateDictionary == first.stateDictionary)
        let twice = try await unlearner(first, retaining: images(without: gone)).forget(samples: images(gone))
        #expect(twice.model.stateDictionary == first.stateDictionary)
        #expect(twice.notes == ["0 of 3 shards were trained again, those that held what is to be forgotten"])
        let folder = try TemporaryFolder()
        let url = folder.url.appendingPathComponent("model.safetensors")
        try first.writeSafetensors(to: url)
        let read = try Model(safetensors: url)
        #expect(read.stateDictionary == first.stateDictionary)

        let rest = try images(without: gone).excluding(classes: [2])
        var second = Unlearner(
            model: read, retaining: rest, forgetting: try images(without: gone).only(classes: [2]),
            validation: Patterns.test, method: try UnlearningMethods.named("sisa"))
        let outcome = try await second.forget(classes: [2])
        let expected = try await Self.trained(on: rest)
        #expect(outcome.model.stateDictionary == expected.stateDictionary)
        #expect(outcome.model.metadata.training == expected.metadata.training)
        #expect(outcome.accuracyAfter?.forgotten == 0)

        // A copy of an image that is forgotten is with it, so that one shard alone is trained again.
        let doubled = TwiceShown(images: Patterns.train, position: 7)
        let model = try await Self.trained(on: doubled)
        second = try unlearner(model, retaining: images(without: [7]))
        let both = try await second.forget(samples: ImageSubset(doubled, indices: [7, Patterns.train.count]))
        #expect(changed(model, both.model).count == 1)
    }

    @Test("its logits are the mean of the copies', each of which is a network of its own")
    func mean() async throws {
        let model = try await Self.first.value
        let test = try model.prepare(Patterns.test)
        let logits = try await Predictor().logits(of: test, by: model)
        let network = try Architectures.named(
            ArchitectureIdentifier(name: "resnet18", options: ["width": "0.1"]))
        let graph = try network.graph(inputShape: model.graph.inputShape, classes: Patterns.classes)
        let head = try #require(model.parameters["head.weight"])
        let width = head.shape[1] / Self.shards
        var sum = [Float](repeating: 0, count: logits.shape.count)
        var all: Set<[Float]> = []
        for shard in 0..<Self.shards {
            let prefix = "shards.\(shard)."
            var tensors: [String: Tensor] = [:]
            for (name, tensor) in model.stateDictionary where name.hasPrefix(prefix) {
                tensors[String(name.dropFirst(prefix.count))] = tensor
            }
            tensors["fc.weight"] = try Tensor(
                (0..<Patterns.classes * width).map {
                    head[$0 / width * head.shape[1] + shard * width + $0 % width] * Float(Self.shards)
                }, shape: [Patterns.classes, width])
            tensors["fc.bias"] = Tensor(repeating: 0, shape: [Patterns.classes])
            let copy = try Model(graph: graph, stateDictionary: tensors)
            let own = try await Predictor().logits(of: test, by: copy)
            all.insert(own.elements)
            sum = zip(sum, own.elements).map { $0 + $1 / Float(Self.shards) }
        }
        #expect(all.count == Self.shards)
        let scale = try #require(sum.map(\.magnitude).max())
        for (found, expected) in zip(logits.elements, sum) { #expect(abs(found - expected) < 1e-5 * scale) }
    }

    @Test("it is a network as any other to other methods, and is retrained in shards too")
    func otherMethods() async throws {
        let model = try await Self.first.value
        let retain = try Patterns.retained(without: [2])
        let outcome = try await Unlearner(
            model: model, retaining: retain, validation: Patterns.test, method: .default
        ).forget(classes: [2])
        let (before, after) = (try #require(outcome.accuracyBefore), try #require(outcome.accuracyAfter))
        // Guessing is right in one of six.
        #expect(try #require(before.all) > 0.6)
        #expect(try #require(after.forgotten) < 0.05)
        #expect(try #require(after.retained) > #require(before.retained) - 0.1)
        // Its shards are no longer what they were trained to.
        await #expect(throws: UnlearningError.shardsChanged) {
            try await unlearner(outcome.model, retaining: images(without: [7]).excluding(classes: [2]))
                .forget(samples: images([7]))
        }
        let retrained = try await Unlearner(
            model: model, retaining: images(without: [7]), method: FullRetraining(), training: Self.training,
            options: RunOptions(seed: 4)
        ).forget(samples: images([7]))
        // With the original's random changes of images, which its file remembers.
        let expected = try await Self.trained(on: images(without: [7]))
        #expect(retrained.model.stateDictionary == expected.stateDictionary)
        #expect(retrained.model.metadata.training == expected.metadata.training)
    }

    @Test("a model without shards, other data and impossible numbers of shards are refused")
    func refused() async throws {
        let model = try await Self.first.value
        await #expect(throws: UnlearningError.missingNeed(method: "sisa", need: .shards)) {
            try await unlearner(Patterns.model, retaining: images(without: [7])).forget(samples: images([7]))
        }
        // Untrained, the network has copies but no record of what they hold.
        await #expect(throws: UnlearningError.missingNeed(method: "sisa", need: .shards)) {
            try await unlearner(Self.untrained(), retaining: images(without: [7])).forget(samples: images([7]))
        }
        for (retain, change) in [(try images(without: [7, 8]), "one less"), (try images(without: []), "one twice")] {
            let text = await message { try await unlearner(model, retaining: retain).forget(samples: images([7])) }
            #expect(
                text?.hasSuffix("or name again, those that it has forgotten since") == true, "\(change): \(text ?? "-")"
            )
        }
        let few = try Self.untrained(shards: 64)
        let text = await message {
            try await Trainer().train(few, on: images([0, 1, 2]), options: RunOptions(seed: 4))
        }
        #expect(text?.hasPrefix("number of shards cannot be 64; shard") == true, "\(text ?? "-")")
        for count in [1, 65] {
            #expect(throws: ArchitectureError.self) { try Self.untrained(shards: count) }
        }
    }
}

/// Images with one of them twice.
private struct TwiceShown: ImageDataset {
    let images: PatternImages
    let position: Int
    var name: String { images.name }
    var imageShape: TensorShape { images.imageShape }
    var classNames: [String] { images.classNames }
    var normalization: Normalization { images.normalization }
    var count: Int { images.count + 1 }

    func label(at index: Int) -> Int { images.label(at: index < images.count ? index : position) }

    func readPixels(at index: Int, into target: inout MutableSpan<UInt8>) {
        images.readPixels(at: index < images.count ? index : position, into: &target)
    }
}
