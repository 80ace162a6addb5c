import Foundation
import TestSupport
import Testing
import Unlearning

/// What NumPy, SciPy and scikit-learn say; written by Tests/Fixtures/Audit/make_distributions.py.
private struct DistributionFixture: Decodable {
    struct Case: Decodable {
        /// Margins by model, then by image.
        let unlearned: [[Double]]
        let retrained: [[Double]]
        let epsilons: [Double]
        let points: [Double]
        let quality: Double
        let medianEpsilon: Double
        let divergences: [Double]
        let meanDivergence: Double
        let percentile95: Double
    }

    struct Rectified: Decodable {
        let attacked: [Double]
        let seen: [[Double]]
        let unseen: [[Double]]
        let unlearned: [[Double]]
        let members: Int
        let scores: [Double]
        let vulnerability: [Double]
        let vulnerable: [Int]
        let area: Double
        let rate: Double
        let vulnerableArea: Double
        let vulnerableRate: Double
    }

    let distributions: [Case]
    let rectified: Rectified

    static func read() throws -> DistributionFixture { try AuditFixture.read(Self.self, "distributions.json") }
}

@Suite("Distributions of answers", .tags(.audit))
struct DistributionTests {
    private func columns(_ rows: [[Double]]) -> [[Double]] {
        (rows.first ?? []).indices.map { column in rows.map { $0[column] } }
    }

    @Test("challenge epsilon and KLoM are those of a search over all rules, and SciPy's entropy", arguments: [0, 1])
    func perImage(number: Int) throws {
        let expected = try DistributionFixture.read().distributions[number]
        let images = Array(zip(columns(expected.unlearned), columns(expected.retrained)))
        let epsilons = images.map { ChallengeEpsilon.value(unlearned: $0, retrained: $1) }
        #expect(largestDifference(epsilons, expected.epsilons) < 1e-9)
        let divergences = images.map { MarginDivergence.value(unlearned: $0, retrained: $1) }
        #expect(largestDifference(divergences, expected.divergences) < 1e-9)
        let models = min(expected.unlearned.count, expected.retrained.count)
        let points = epsilons.map { ChallengeEpsilon.points($0, models: models) }
        #expect(largestDifference(points, expected.points) < 1e-12)
    }

    private func answers(_ margins: [[Double]], right: Double) -> [ModelAnswers] {
        margins.map { margins in
            let shares = GroupAnswers(margins: margins, isRight: margins.indices.map { Double($0) < right * 10 })
            return [.forgottenTraining: shares, .retainedTraining: shares, .retainedTest: shares]
        }
    }

    @Test("means, percentiles and the score are NumPy's")
    func measures() throws {
        let expected = try DistributionFixture.read().distributions[0]
        // 7 and 9 of the 14 images are right.
        let measures = try #require(
            DistributionalMeasures(
                unlearned: answers(expected.unlearned, right: 0.7), retrained: answers(expected.retrained, right: 0.9)))
        #expect(abs(measures.epsilon.forgettingQuality - expected.quality) < 1e-12)
        #expect(abs(measures.epsilon.median - expected.medianEpsilon) < 1e-9)
        #expect(measures.epsilon.cappedShare == 5.0 / 14)
        #expect(abs(try #require(measures.epsilon.retainRatio) - 7.0 / 9) < 1e-12)
        #expect(abs(try #require(measures.epsilon.score) - expected.quality * 49 / 81) < 1e-12)
        let divergence = try #require(measures.divergence[.forgottenTraining])
        #expect(abs(divergence.mean - expected.meanDivergence) < 1e-9)
        #expect(abs(divergence.percentile95 - expected.percentile95) < 1e-9)
        #expect(measures.divergence[.forgottenTest] == nil)
        #expect(DistributionalMeasures(unlearned: [], retrained: answers(expected.retrained, right: 1)) == nil)
    }

    @Test("no rule tells equal models, each tells separate ones, and N models show ln(N - 1) at most")
    func limits() {
        let margins = (0..<32).map { Double($0) }
        #expect(ChallengeEpsilon.value(unlearned: margins, retrained: margins) == 0)
        #expect(ChallengeEpsilon.value(unlearned: margins, retrained: margins.map { $0 + 100 }) == ChallengeEpsilon.cap)
        #expect(ChallengeEpsilon.value(unlearned: margins, retrained: [Double](repeating: 5, count: 32)) == 50)
        // One model of each kind on the wrong side.
        let almost = [-1.0] + margins.dropFirst().map { $0 + 100 }
        let shown = ChallengeEpsilon.value(unlearned: margins.dropLast() + [500], retrained: almost)
        #expect(abs(shown - ChallengeEpsilon.ceiling(models: 32)) < 0.001)
        #expect(ChallengeEpsilon.points(0.49, models: 32) == 1 && ChallengeEpsilon.points(0.5, models: 32) == 0.5)
        // ln 31 is 3.4, so that there are eight bins.
        #expect(ChallengeEpsilon.points(50, models: 32) == 1 / 128.0)
        #expect(MarginDivergence.value(unlearned: margins, retrained: margins) == 0)
        let apart = MarginDivergence.value(unlearned: [0, 0], retrained: [1000, 1000])
        #expect(abs(apart - MarginDivergence.maximum) < 1e-4)
    }

    /// Small networks: trained on all classes, trained without class 2, and the first after an edit of the last row.
    private static let trained = Task { () -> (originals: [Model], retrained: [Model], forgotten: [Model]) in
        let population = try ModelPopulation(
            like: try await Patterns.model, forgetting: [2], samples: nil, images: Patterns.train.samples(perClass: 60),
            training: TrainingConfiguration(epochs: 3, batchSize: 40, learningRate: 0.02), augmentation: nil,
            method: LastRowEdit(), samplesPerClass: 30, count: 8, keepingIn: nil, options: RunOptions(seed: 5))
        var models: (originals: [Model], retrained: [Model], forgotten: [Model]) = ([], [], [])
        for index in 0..<population.count {
            let original = try await population.trained(.original, index)
            models.originals.append(original)
            models.retrained.append(try await population.trained(.retrained, index))
            models.forgotten.append(try await population.unlearned(original, index))
        }
        return models
    }

    private func comparison() async throws -> DistributionalComparison {
        try DistributionalComparison(
            like: try await Patterns.model, forgotten: [2], test: Patterns.test,
            training: Patterns.train.samples(perClass: 60), samples: 120)
    }

    private func answers(_ comparison: DistributionalComparison, _ models: [Model]) async throws -> [ModelAnswers] {
        var answers: [ModelAnswers] = []
        for model in models { answers.append(try await comparison.answers(of: model, named: "model")) }
        return answers
    }

    @Test("originals are told from retrained models, halves of these from each other are not")
    func networks() async throws {
        let trained = try await Self.trained.value
        let comparison = try await comparison()
        let originals = try await answers(comparison, trained.originals)
        let retrained = try await answers(comparison, trained.retrained)
        let result = try comparison.result(unlearned: originals, retrained: retrained)
        #expect(result.measures.epsilon.cappedShare > 0.9)
        let halves = try #require(result.halves)
        #expect(halves.retrained.models == 4)
        #expect(halves.retrained.epsilon.forgettingQuality > halves.unlearned.epsilon.forgettingQuality)
        let chance = try #require(halves.retrained.divergence[.forgottenTraining]?.mean)
        #expect(try #require(halves.unlearned.divergence[.forgottenTraining]?.mean) > chance)
        #expect(result.forgottenImages.count == result.images[.forgottenTraining])
        #expect(result.forgottenImages.allSatisfy { $0.label == 2 })
        let forgotten = try await answers(comparison, trained.forgotten)
        let edited = try comparison.result(unlearned: forgotten, retrained: retrained)
        let known = try #require(result.unlearnedAccuracy[.forgottenTest])
        let left = try #require(edited.unlearnedAccuracy[.forgottenTest])
        #expect(known > 0.5 && left < known / 4)
        // The class is hardly predicted any more, and every image still tells that it was there.
        #expect(edited.measures.epsilon.cappedShare > 0.9)
    }

    @Test("models that cannot be compared are named")
    func badInput() async throws {
        let trained = try await Self.trained.value
        let comparison = try await comparison()
        let originals = try await answers(comparison, trained.originals)
        let retrained = try await answers(comparison, trained.retrained)
        func failure(_ unlearned: [ModelAnswers], _ retrained: [ModelAnswers]) async -> String? {
            await message { try comparison.result(unlearned: unlearned, retrained: retrained) }
        }
        #expect(
            await failure(Array(originals.prefix(3)), retrained)
                == "the number of unlearned models cannot be 3; give 4 or more")
        #expect(
            await failure(originals + [originals[1]], retrained)
                == "unlearned model 9 gives the same answers as another to every image; give each model once")
        #expect(
            await failure(originals, retrained + [retrained[2]])
                == "retrained model 9 is the same as retrained model 3; give each model once")
        let knows = await failure(Array(originals.prefix(4)), Array(originals.suffix(4)))
        #expect(knows?.hasPrefix("retrained model 1 knows class 2") == true, "\(knows ?? "")")
        let fewer = Model(graph: try convolutionalNetwork(Patterns.shape, classes: 5), seed: 0)
        let other = await message { try await comparison.answers(of: fewer, named: "odd.safetensors") }
        #expect(other?.hasPrefix("odd.safetensors has 5 classes and takes 12x12x1, but another model has 6") == true)
        #expect(
            await message {
                try DistributionalComparison(
                    like: trained.originals[0], forgotten: [2], test: Patterns.test,
                    training: Patterns.train.excluding(classes: [2]))
            } == "the training data has no example of what was forgotten; give some of every class")
    }

    @Test("a checkpoint of other models is refused by what differs")
    func otherModels() async throws {
        let folders = try CheckpointFolders()
        let model = try await Patterns.model
        func population(_ seed: UInt64, _ count: Int, _ checkpoint: Checkpoint) throws -> ModelPopulation {
            var options = RunOptions(seed: seed)
            options.checkpoint = checkpoint
            return try ModelPopulation(
                like: model, forgetting: [2], samples: nil, images: Patterns.train, training: Patterns.training,
                augmentation: nil, method: LastRowEdit(), samplesPerClass: 20, count: count, keepingIn: nil,
                options: options)
        }
        do { _ = try population(0, 4, Checkpoint(in: folders.folder)) }
        for (seed, count, words) in [
            (UInt64(1), 4, "differs in the seed: 0 then, 1 now"),
            (0, 5, "differs in the number of models: 4 then, 5 now"),
        ] {
            let checkpoint = try await folders.reopened()
            let refusal = await message { _ = try population(seed, count, checkpoint) }
            #expect(refusal?.contains(words) == true, "\(refusal ?? "accepted")")
        }
        _ = try population(0, 4, await folders.reopened())
    }

    @Test("trained models are kept, and taken again only for the same training")
    func kept() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("population-\(UUID())")
        defer { try? FileManager.default.removeItem(at: folder) }
        let model = try await Patterns.model
        let images = try Patterns.train.samples(perClass: 20)
        func population(_ epochs: Int) throws -> ModelPopulation {
            try ModelPopulation(
                like: model, forgetting: [2], samples: nil, images: images,
                training: TrainingConfiguration(epochs: epochs, batchSize: 60), augmentation: nil,
                method: LastRowEdit(), samplesPerClass: 20, count: 4, keepingIn: folder, options: RunOptions())
        }
        let steps = ProgressLog()
        let first = try await population(1).trained(.retrained, 0, progress: steps.handler)
        let count = steps.all.count
        #expect(count > 0)
        let again = try await population(1).trained(.retrained, 0, progress: steps.handler)
        #expect(again.parameters == first.parameters && steps.all.count == count)
        let other = try await population(1).trained(.original, 0, progress: steps.handler)
        #expect(other.parameters != first.parameters)
        let refusal = await message { _ = try population(2) }
        #expect(refusal?.contains("has a comparison of other settings, classes or data") == true)
    }
}

@Suite("Rectified likelihood inference", .tags(.audit))
struct RectifiedLikelihoodAttackTests {
    @Test("scores and curves are scikit-learn's, also far from every shadow model")
    func scores() throws {
        let expected = try DistributionFixture.read().rectified
        let scores = RectifiedLikelihoodAttack.scores(
            attacked: expected.attacked, unlearned: expected.unlearned, unseen: expected.unseen)
        #expect(largestDifference(scores, expected.scores) < 1e-9)
        let curve = ReceiverOperatingCharacteristic(scores: scores, members: expected.members)
        #expect(abs(curve.area - expected.area) < 1e-12)
        #expect(abs(curve.truePositiveRate(atFalsePositiveRate: 0.01) - expected.rate) < 1e-12)
    }

    @Test("the vulnerable tenth of members and others is NumPy's")
    func vulnerable() throws {
        let expected = try DistributionFixture.read().rectified
        let values = RectifiedLikelihoodAttack.vulnerabilities(seen: expected.seen, unseen: expected.unseen)
        #expect(largestDifference(values, expected.vulnerability) < 1e-9)
        let rows = RectifiedLikelihoodAttack.vulnerable(
            seen: expected.seen, unseen: expected.unseen, members: expected.members)
        #expect(rows == expected.vulnerable)
        let curve = ReceiverOperatingCharacteristic(
            scores: rows.map { expected.scores[$0] }, members: rows.count { $0 < expected.members })
        #expect(abs(curve.area - expected.vulnerableArea) < 1e-12)
        #expect(abs(curve.truePositiveRate(atFalsePositiveRate: 0.01) - expected.vulnerableRate) < 1e-12)
    }
}
