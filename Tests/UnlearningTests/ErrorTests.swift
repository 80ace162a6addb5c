import Foundation
import TestSupport
import Testing
import Unlearning

@Suite("Errors", .tags(.unlearning))
struct ErrorTests {
    static let messages: [(UnlearningError, String)] = [
        (.noClasses, "no class to forget was named; name at least one"),
        (
            .allClasses(count: 10),
            "all 10 classes were named or are forgotten already, which leaves nothing to retain; leave out at least one"
        ),
        (.unknownClass(index: 12, classCount: 10), "the model has no class 12; its classes are 0 to 9"),
        (
            .unknownClassName(name: "Hat", known: ["Bag", "Coat"]),
            "the model has no class 'Hat'; its classes are: Bag, Coat"
        ),
        (
            .unknownClassName(name: "Hat", known: []),
            "the model has no class 'Hat'; its classes have no names, so use numbers"
        ),
        (.repeatedClass(index: 2), "class 2 is named twice; name each class once"),
        (
            .wrongClassCount(data: "CIFAR-100", found: 100, expected: 10),
            "CIFAR-100 has 100 classes, but the model has 10; give the data set that the model was trained on"
        ),
        (
            .otherClasses(data: "CIFAR-10", index: 0, found: "airplane", expected: "Bag"),
            "CIFAR-10: class 0 is 'airplane', but the model's is 'Bag'; "
                + "give the data set that the model was trained on"
        ),
        (.noExamples(of: "retain"), "the retain data has no examples; give at least one"),
        (
            .retainsForgottenClass(index: 3, count: 7),
            "the retain data has 7 examples of class 3, which is to be forgotten; "
                + "leave them out, as in samples(perClass: 1000, excluding: [3])"
        ),
        (
            .labelOutOfRange(data: "retain", label: 10, classCount: 10),
            "the retain data has label 10, but the model's classes are 0 to 9; "
                + "check that data and model belong together"
        ),
        (
            .wrongExampleShape(data: "validation", found: [28, 28, 1], expected: [32, 32, 3]),
            "the validation data's examples are 28x28x1, but the model takes 32x32x3; "
                + "prepare them for the model"
        ),
        (
            .unsoundModel(.notFinite(tensor: "fc.bias", value: -.infinity)),
            "the model's tensor 'fc.bias' has the number -infinity; use a model whose training ended well"
        ),
        (
            .unsoundModel(.negativeVariance(tensor: "bn.running_var", value: -0.5)),
            "the model's tensor 'bn.running_var' has the variance -0.5, which is below 0; "
                + "use a model whose training ended well"
        ),
        (
            .outputNotFinite(data: "input", index: 3, value: .nan),
            "the model gives NaN for example 3 of the input data; its weights are too large, so use a model whose "
                + "training ended well"
        ),
        (
            .exampleNotFinite(data: "retain", index: 4),
            "the retain data's example 4 has an infinite or undefined number; leave it out"
        ),
        (
            .diverged(phase: .impair, step: 9, what: "the loss"),
            "impair diverged at step 9: the loss is not finite; use a lower learning rate"
        ),
        (
            .outOfMemory(batch: 512, needed: 3 << 30, available: 2 << 30),
            "batches of 512 take 3072 MiB, and this machine has 2048 MiB; "
                + "use a smaller batch or smaller images"
        ),
        (.notInputs(path: "x.safetensors", message: "holds no tensors"), "x.safetensors: holds no tensors"),
        (.invalidSetting(name: "epochs", value: "0", remedy: "use 1"), "epochs cannot be 0; use 1"),
    ]

    @Test("every error is one line with a remedy", arguments: messages)
    func text(error: UnlearningError, text: String) {
        #expect("\(error)" == text)
        #expect(error.localizedDescription == text)
        #expect(!text.contains("\n"))
    }

    @Test("codes tell kinds apart, and a method of one's own can throw with them")
    func codes() async throws {
        let error = UnlearningError(.invalidSetting, "depth cannot be 0; use 1 or more")
        #expect(error == .invalidSetting(name: "depth", value: "0", remedy: "use 1 or more"))
        #expect(error != UnlearningError(.unsupported, error.description))
        #expect(error.localizedDescription == "depth cannot be 0; use 1 or more")
        let model = Model(graph: try vectorNetwork(features: 4, classes: 4), seed: 0)
        let retain = try blobs(classes: 3, perClass: 5, features: 4, seed: 1)
        func code(_ classes: [Int]) async -> UnlearningError.Code? {
            do {
                _ = try await Unlearner(model: model, retaining: retain).forget(classes: classes)
                return nil
            } catch let error as UnlearningError where error.code == .retainDataHoldsForgottenClass {
                return .retainDataHoldsForgottenClass
            } catch {
                return (error as? UnlearningError)?.code
            }
        }
        #expect(await code([1]) == .retainDataHoldsForgottenClass)
        #expect(await code([7]) == .invalidClasses)
    }

    /// Feature vectors of four classes, of which class 3 is to be forgotten.
    struct Request {
        var model: Model
        var retain: any ExampleSource
        var validation: (any ExampleSource)?
        var classes = [3]

        init() throws {
            model = Model(graph: try vectorNetwork(features: 4, classes: 4), seed: 0)
            retain = try blobs(classes: 3, perClass: 5, features: 4, seed: 1)
        }

        var failure: String? {
            get async {
                let before = model.stateDictionary
                let text = await message {
                    try await Unlearner(
                        model: model, retaining: retain, validation: validation,
                        method: UNSIR(
                            configuration: UNSIR.Configuration(
                                noise: NoiseMaximizer.Configuration(imagesPerClass: 4, steps: 2),
                                impair: ImpairStep.Configuration(noiseRepetitions: 1), repair: TrainingConfiguration()))
                    ).forget(classes: classes)
                }
                #expect(model.stateDictionary == before)
                return text
            }
        }

        func failure(_ change: (inout Request) throws -> Void) async throws -> String? {
            var request = self
            try change(&request)
            return await request.failure
        }
    }

    @Test("classes that cannot be forgotten")
    func classes() async throws {
        let request = try Request()
        #expect(await request.failure == nil)
        for (classes, error) in [
            ([], .noClasses), ([4], .unknownClass(index: 4, classCount: 4)),
            ([-1, 9], .unknownClass(index: -1, classCount: 4)), ([0, 1, 2, 3], .allClasses(count: 4)),
            ([1, 2], .retainsForgottenClass(index: 1, count: 5)),
        ] as [([Int], UnlearningError)] {
            #expect(try await request.failure { $0.classes = classes } == "\(error)")
        }
    }

    @Test("data that does not fit the model")
    func data() async throws {
        let request = try Request()
        let empty = try TensorExamples(Tensor([], shape: [0, 4]), labels: [])
        let wide = try blobs(classes: 3, perClass: 1, features: 5, seed: 1)
        let foreign = try blobs(classes: 5, perClass: 1, features: 4, seed: 1)
        #expect(
            try await request.failure { $0.retain = empty } == "\(UnlearningError.noExamples(of: "retain"))")
        #expect(
            try await request.failure { $0.validation = empty }
                == "\(UnlearningError.noExamples(of: "validation"))")
        #expect(
            try await request.failure { $0.retain = wide }
                == "\(UnlearningError.wrongExampleShape(data: "retain", found: [5], expected: [4]))")
        #expect(
            try await request.failure { $0.validation = wide }
                == "\(UnlearningError.wrongExampleShape(data: "validation", found: [5], expected: [4]))")
        #expect(
            try await request.failure { $0.retain = foreign }
                == "\(UnlearningError.labelOutOfRange(data: "retain", label: 4, classCount: 4))")
        #expect(
            try await request.failure { $0.validation = foreign }
                == "\(UnlearningError.labelOutOfRange(data: "validation", label: 4, classCount: 4))")
    }

    @Test("numbers that are none", arguments: [Float.nan, .infinity, -.infinity])
    func numbers(value: Float) async throws {
        let request = try Request()
        #expect(
            try await request.failure { $0.model = try $0.model.replacing("fc1.bias", at: 2, with: value) }
                == "\(UnlearningError.unsoundModel(.notFinite(tensor: "fc1.bias", value: value)))")
        #expect(
            try await request.failure {
                let examples = try blobs(classes: 3, perClass: 5, features: 4, seed: 1)
                var inputs = examples.inputs
                inputs[11 * 4 + 3] = value
                $0.retain = try TensorExamples(inputs, labels: examples.labels)
            } == "\(UnlearningError.exampleNotFinite(data: "retain", index: 11))")
    }

    @Test("the steps on their own check what they get")
    func steps() async throws {
        let request = try Request()
        let (model, retain) = (request.model, request.retain)
        let broken = try model.replacing("fc0.weight", at: 0, with: .nan)
        func impair(_ noise: [Noise]) async -> String? {
            await message { try await ImpairStep().impair(model, noise: noise, retaining: retain) }
        }
        #expect(await impair([]) == "\(UnlearningError.noExamples(of: "noise"))")
        #expect(
            await impair([Noise(label: 3, images: Tensor(repeating: 0, shape: [2, 7]))])
                == "\(UnlearningError.wrongExampleShape(data: "noise", found: [7], expected: [4]))")
        #expect(
            await impair([Noise(label: 4, images: Tensor(repeating: 0, shape: [2, 4]))])
                == "\(UnlearningError.labelOutOfRange(data: "noise", label: 4, classCount: 4))")
        var images = Tensor(repeating: 0, shape: [3, 4])
        images[9] = .nan
        #expect(
            await impair([Noise(label: 3, images: images)])
                == "\(UnlearningError.exampleNotFinite(data: "noise", index: 2))")
        let notFinite = "\(UnlearningError.unsoundModel(.notFinite(tensor: "fc0.weight", value: .nan)))"
        #expect(await message { try await RepairStep().repair(broken, retaining: retain) } == notFinite)
        #expect(await message { try await Trainer().train(broken, on: retain) } == notFinite)
        #expect(await message { try await NoiseMaximizer().noise(classes: [3], model: broken) } == notFinite)
        #expect(
            await message {
                try await ImpairStep().impair(
                    broken, noise: [Noise(label: 3, images: Tensor(repeating: 0, shape: [2, 4]))],
                    retaining: retain)
            } == notFinite)
    }

    @Test("a reader's error comes through as it is")
    func reader() async throws {
        struct Unreadable: Error, Equatable {}
        struct Broken: ExampleSource {
            let count = 10
            let exampleShape: TensorShape = [4]
            func label(at index: Int) -> Int { 0 }
            func write(_ index: Int, augmentationSeed: UInt64?, into target: inout MutableSpan<Float>)
                throws
            {
                throw Unreadable()
            }
        }
        let model = try Request().model
        await #expect(throws: Unreadable()) {
            try await RepairStep().repair(model, retaining: Broken())
        }
    }
}
