import Foundation
import TestSupport
import Testing
import Unlearning

@Suite("Configurations", .tags(.unlearning))
struct ConfigurationTests {
    static let all: [UNSIR.Configuration] = [
        .paper, .paperSafe,
        UNSIR.Configuration(
            noise: NoiseMaximizer.Configuration(
                imagesPerClass: 3, steps: 0,
                optimizer: .sgd(momentum: 0.9, nesterov: true, weightDecay: 1e-4),
                learningRate: 0.3, lambda: 0, normalization: .batch),
            impair: ImpairStep.Configuration(
                noiseRepetitions: 2,
                training: TrainingConfiguration(
                    epochs: 2, batchSize: 7, optimizer: .adamW(weightDecay: 0.1), learningRate: 0.5,
                    schedule: .oneCycle(warmUpFraction: 0.2), labelSmoothing: 0.1, clipping: .norm(1),
                    frozen: ["conv1", "fc.bias"])),
            repair: TrainingConfiguration(
                optimizer: .adam(beta1: 0.8), schedule: .step(every: 3, factor: 0.1), clipping: .value(0.5))),
    ]

    @Test("every configuration survives JSON", arguments: all)
    func roundTrip(configuration: UNSIR.Configuration) throws {
        try configuration.validate()
        let data = try JSONEncoder().encode(configuration)
        #expect(try JSONDecoder().decode(UNSIR.Configuration.self, from: data) == configuration)
    }

    @Test("the paper's preset has the paper's numbers")
    func paper() throws {
        struct Numbers: Decodable {
            struct Noise: Decodable {
                let imagesPerClass: Int
                let steps: Int
                let optimizer: [String: [String: Double]]
                let learningRate: Double
                let lambda: Double
                let normalization: String
            }
            struct Training: Decodable {
                let epochs: Int
                let batchSize: Int
                let optimizer: [String: [String: Double]]
                let learningRate: Double
                let labelSmoothing: Double
                let frozen: [String]
            }
            struct Impair: Decodable {
                let noiseRepetitions: Int
                let training: Training
            }
            let noise: Noise
            let impair: Impair
            let repair: Training
        }
        let data = try JSONEncoder().encode(UNSIR.Configuration.paper)
        let numbers = try JSONDecoder().decode(Numbers.self, from: data)
        let adam = ["adam": ["beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weightDecay": 0]]
        #expect(numbers.noise.imagesPerClass == 256)
        #expect(numbers.noise.steps == 40)
        #expect(numbers.noise.learningRate == 0.1)
        #expect(numbers.noise.lambda == 0.1)
        #expect(numbers.noise.normalization == "running")
        #expect(numbers.noise.imagesPerClass * numbers.impair.noiseRepetitions == 5120)
        #expect(numbers.impair.training.learningRate == 0.02)
        #expect(numbers.repair.learningRate == 0.01)
        #expect(numbers.noise.optimizer == adam)
        for training in [numbers.impair.training, numbers.repair] {
            #expect(training.epochs == 1 && training.batchSize == 256)
            #expect(training.optimizer == adam && training.labelSmoothing == 0 && training.frozen.isEmpty)
        }
    }

    @Test("the safe preset is the paper at a tenth of the rates, with 20 noise steps")
    func safe() {
        var paper = UNSIR.Configuration.paper
        paper.noise.steps = 20
        paper.impair.training.learningRate /= 10
        paper.repair.learningRate /= 10
        #expect(UNSIR.Configuration.paperSafe == paper)
    }

    @Test("presets are methods by name, and none needs more than retain data")
    func presets() throws {
        #expect(
            UnlearningPreset.allCases.map(\.rawValue) == [
                "default", "noiseless", "fast", "thorough", "paper", "paper-safe",
            ])
        #expect(
            UnlearningPreset.allCases.map(\.method.name) == [
                "default", "noiseless", "fast", "thorough", "unsir-paper", "unsir",
            ])
        for preset in UnlearningPreset.allCases {
            try preset.method.validate()
            #expect(preset.method.requirements == [.retainData])
            #expect(UnlearningMethods.names.contains(preset.method.name))
        }
        #expect((UnlearningPreset.paper.method as? UNSIR)?.configuration == .paper)
    }

    @Test(
        "few examples give more epochs, so that there are as many steps",
        arguments: [(36, 2), (32, 2), (31, 3), (1, 64)])
    func minimumSteps(stepsPerEpoch: Int, epochs: Int) {
        #expect(TrainingConfiguration(epochs: 2, minimumSteps: 64).epochs(ofSteps: stepsPerEpoch) == epochs)
    }

    typealias Change = @Sendable (inout UNSIR.Configuration) -> Void
    static let mistakes: [(Change, String)] = [
        (
            { $0.noise.imagesPerClass = 0 },
            "noise images per class cannot be 0; use a number from 1 to 100000"
        ),
        (
            { $0.noise.imagesPerClass = .max },
            "noise images per class cannot be \(Int.max); use a number from 1 to 100000"
        ),
        ({ $0.noise.steps = -1 }, "noise steps cannot be -1; use a number from 0 to 1000000"),
        ({ $0.noise.learningRate = 0 }, "noise learning rate cannot be 0.0; use a finite number above 0"),
        ({ $0.noise.lambda = -0.5 }, "noise lambda cannot be -0.5; use a finite number of at least 0"),
        ({ $0.noise.lambda = .infinity }, "noise lambda cannot be inf; use a finite number of at least 0"),
        (
            { $0.noise.optimizer = .sgd(momentum: -1) },
            "momentum: -1.0 is out of range; use 0 or more, usually 0.9"
        ),
        ({ $0.impair.noiseRepetitions = 0 }, "noise repetitions cannot be 0; use a number from 1 to 10000"),
        (
            { $0.impair.noiseRepetitions = .max },
            "noise repetitions cannot be \(Int.max); use a number from 1 to 10000"
        ),
        ({ $0.impair.training.epochs = 0 }, "epochs cannot be 0; use a number from 1 to 1000000"),
        ({ $0.repair.epochs = .max }, "epochs cannot be \(Int.max); use a number from 1 to 1000000"),
        ({ $0.repair.batchSize = 0 }, "batch size cannot be 0; use a number from 1 to 1000000"),
        ({ $0.repair.learningRate = .nan }, "learning rate cannot be nan; use a finite number above 0"),
        ({ $0.repair.learningRate = -1 }, "learning rate cannot be -1.0; use a finite number above 0"),
        ({ $0.repair.labelSmoothing = 1 }, "label smoothing cannot be 1.0; use 0 or more and less than 1"),
        ({ $0.repair.labelSmoothing = .nan }, "label smoothing cannot be nan; use 0 or more and less than 1"),
        (
            { $0.repair.clipping = .norm(0) },
            "gradient clipping: 0.0 is out of range; use a number above 0, or none"
        ),
        (
            { $0.repair.schedule = .step(every: 0, factor: 1) },
            "schedule: 0 steps between changes; use 1 or more"
        ),
    ]

    @Test("settings out of range are named with value and remedy", arguments: mistakes)
    func settings(change: Change, text: String) async throws {
        var configuration = Patterns.configuration
        change(&configuration)
        #expect(await message { try configuration.validate() } == text)
        var unlearner = try await Patterns.unlearner(forgetting: [0])
        unlearner.method = UNSIR(configuration: configuration)
        #expect(await message { try await unlearner.forget(classes: [0]) } == text)
    }
}
