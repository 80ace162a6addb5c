import TestSupport
import Testing
import Unlearning

@Suite("Projections of weights", .tags(.methods))
struct ProjectionTests {
    private static func random(_ count: Int, _ width: Int, seed: UInt64) -> [[Double]] {
        var random = SeededRandom(seed: seed, stream: "vectors")
        return (0..<count).map { _ in (0..<width).map { _ in random.normal() } }
    }

    private static func dot(_ one: [Double], _ other: [Double]) -> Double {
        zip(one, other).reduce(0) { $0 + $1.0 * $1.1 }
    }

    @Test(
        "scaled importance is that of the singular vectors, from fewer and from more vectors than numbers",
        arguments: [5, 12, 1500])
    func importance(count: Int) throws {
        let (width, alpha) = (12, 30.0)
        let vectors = Self.random(count, width, seed: UInt64(count))
        var builder = ActivationSpaceBuilder(count: count, width: width)
        for vector in vectors { builder.add(vector) }
        let weights = DoubleMatrix(rows: 3, columns: width, elements: Self.random(3, width, seed: 1).flatMap(\.self))
        let found = try builder.finish().projection(of: weights, alpha: alpha, named: "layer")
        // By the definition: Σ importance (w · u) u over the singular vectors u.
        let matrix = DoubleMatrix(rows: count, columns: width, elements: vectors.flatMap(\.self))
        let squares = matrix.times(matrix, transposingSelf: true)
        let (values, directions) = try squares.largestEigenpairs(width, named: "squares")
        var expected = [Double](repeating: 0, count: 3 * width)
        for (index, value) in values.enumerated() {
            let importance = alpha * value / ((alpha - 1) * value + squares.trace)
            let direction = (0..<width).map { directions[index, $0] }
            for row in 0..<3 {
                let share = Self.dot((0..<width).map { weights[row, $0] }, direction)
                for column in 0..<width { expected[row * width + column] += importance * share * direction[column] }
            }
        }
        #expect(largestDifference(found.elements, expected) < 1e-9)
    }

    @Test("a space without any length protects and removes nothing")
    func emptySpace() throws {
        var builder = ActivationSpaceBuilder(count: 2, width: 3)
        builder.add([0, 0, 0])
        builder.add([0, 0, 0])
        let weights = DoubleMatrix(rows: 1, columns: 3, elements: [1, 2, 3])
        #expect(try builder.finish().projection(of: weights, alpha: 10, named: "layer").elements == [0, 0, 0])
    }

    @Test("forget directions are orthonormal, and no retained mean has a part in them")
    func directions() throws {
        let retained = Self.random(6, 20, seed: 3)
        let forgotten = Self.random(3, 20, seed: 4)
        let basis = ForgetDirections.basis(forgotten: forgotten, retained: retained)
        #expect(basis.count == 3)
        for (row, direction) in basis.enumerated() {
            for (column, other) in basis.enumerated() {
                #expect(abs(Self.dot(direction, other) - (row == column ? 1 : 0)) < 1e-12)
            }
            #expect(retained.allSatisfy { abs(Self.dot(direction, $0)) < 1e-11 })
        }
        // Weights lose the directions at full strength, and answer retained means as before.
        let weights = DoubleMatrix(rows: 4, columns: 20, elements: Self.random(4, 20, seed: 5).flatMap(\.self))
        let edited = ForgetDirections.removing(basis, from: weights, strength: 1)
        for row in 0..<4 {
            let (old, new) = ((0..<20).map { weights[row, $0] }, (0..<20).map { edited[row, $0] })
            #expect(basis.allSatisfy { abs(Self.dot(new, $0)) < 1e-12 })
            #expect(retained.allSatisfy { abs(Self.dot(new, $0) - Self.dot(old, $0)) < 1e-11 })
        }
    }

    @Test("where retained means span everything, no direction is left, and the method says so")
    func noDirection() async throws {
        #expect(
            ForgetDirections.basis(forgotten: Self.random(1, 4, seed: 1), retained: Self.random(4, 4, seed: 2)).isEmpty)
        // Eight classes over four features: seven retained means span them.
        var builder = GraphBuilder(inputShape: [4])
        let features = try builder.relu(
            try builder.linear(builder.input, named: "fc0", outputs: 4), named: "relu")
        _ = try builder.linear(features, named: "fc1", outputs: 8)
        let model = Model(graph: try builder.graph(), seed: 1)
        let data = try blobs(classes: 8, perClass: 20, features: 4, seed: 1)
        func part(_ includes: (Int) -> Bool) throws -> ExampleSubset {
            try ExampleSubset(data, indices: (0..<data.count).filter { includes(data.label(at: $0)) })
        }
        let retain = try part { $0 != 2 }
        let forget = try part { $0 == 2 }
        let text = try #require(
            await message {
                try await Unlearner(
                    model: model, retaining: retain, forgetting: forget, method: DepthAwareProjection()
                ).forget(classes: [2])
            })
        #expect(text.hasPrefix("method 'damp' finds no direction that the classes to forget have for themselves"))
    }

    @Test("DAMP's strength grows with depth and with what the probe tells apart")
    func strength() {
        #expect(DepthAwareProjection.alpha(accuracy: 1, stage: 5, of: 5) == 1)
        #expect(DepthAwareProjection.alpha(accuracy: 1, stage: 1, of: 5) == 0.2)
        #expect(abs(DepthAwareProjection.alpha(accuracy: 0.75, stage: 2, of: 4) - 0.25) < 1e-15)
        #expect(DepthAwareProjection.alpha(accuracy: 0.3, stage: 5, of: 5) == 0)
    }

    @Test("the layers behind the stages of ResNet-18 are each stage's first convolutions, and the head")
    func stages() throws {
        let graph = try ResNet(.resnet18).graph(inputShape: [32, 32, 3], classes: 10)
        let names = graph.layersAfterStages(limit: 5).map { $0.map(\.name).sorted() }
        #expect(
            names == [
                ["layer1.0.conv1"], ["layer2.0.conv1", "layer2.0.downsample.0"],
                ["layer3.0.conv1", "layer3.0.downsample.0"], ["layer4.0.conv1", "layer4.0.downsample.0"], ["fc"],
            ])
    }

    @Test("the grid takes the pair that scores best on held-out training images, and says so")
    func grid() async throws {
        let outcome = try await MethodCase.unlearner(SubspaceProjection()).forget(classes: MethodCase.classes)
        let note = try #require(outcome.notes.first { $0.hasPrefix("Of 25 pairs") })
        // A fifth of 450 and of 100 images.
        #expect(note.contains("110 held-out training images"))
        // With nothing to choose, nothing is said.
        let single = try await MethodCase.unlearner(SubspaceProjection(retainAlphas: [1000], forgetAlphas: [1]))
            .forget(classes: MethodCase.classes)
        #expect(!single.notes.contains { $0.contains("pairs") })
    }

    @Test("UNSIR's noise does not stand in for the class, inputs that the model takes for it do")
    func standIns() async throws {
        func forgotten(_ standIn: DepthAwareProjection.StandIn) async throws -> Double {
            let method = DepthAwareProjection(rounds: 2, standIn: standIn)
            let outcome = try await MethodCase.unlearner(method, validated: true).forget(classes: MethodCase.classes)
            return try #require(outcome.accuracyAfter?.forgotten)
        }
        let (inputs, noise) = (try await forgotten(.inputs), try await forgotten(.noise))
        #expect(inputs < 0.2 && noise > 0.5, "\(inputs), \(noise)")
    }

    @Test("settings out of range, and too few examples, are refused")
    func settings() async throws {
        let wrong: [any UnlearningMethod] = [
            SubspaceProjection(retainAlphas: [], forgetAlphas: [1]),
            SubspaceProjection(retainAlphas: [10], forgetAlphas: [0]),
            SubspaceProjection(retainAlphas: [10], forgetAlphas: [1], exampleLimit: 1),
            SubspaceProjection(retainAlphas: [10], forgetAlphas: [1], patchLimit: 0),
            SubspaceProjection(retainAlphas: [10], forgetAlphas: [1], heldOutShare: 0.6),
            DepthAwareProjection(stages: 1, standIn: nil), DepthAwareProjection(strength: 0, standIn: nil),
            DepthAwareProjection(strength: 1.5, standIn: nil), DepthAwareProjection(exampleLimit: 7, standIn: nil),
            DepthAwareProjection(heldOutShare: 0, standIn: nil), DepthAwareProjection(rounds: 0, standIn: nil),
            DepthAwareProjection(standIn: .inputs, synthesizer: InputSynthesizer(steps: 0)),
            TiltedReweighting(tilt: -1, training: TrainingConfiguration()),
            TiltedReweighting(tilt: 1, temperature: 0, training: TrainingConfiguration()),
            TiltedReweighting(tilt: 1, components: 0, training: TrainingConfiguration()),
        ]
        for method in wrong {
            #expect(throws: UnlearningError.self, "\(method)") { try method.validate() }
        }
        let model = try await Patterns.model
        let retain = try Patterns.retained(without: [2])
        let one = try Patterns.train.samples(perClass: 1, excluding: [0, 1, 3, 4, 5])
        let texts = [
            await message {
                try await Unlearner(model: model, retaining: retain, forgetting: one, method: SubspaceProjection())
                    .forget(classes: [2])
            },
            await message {
                try await Unlearner(model: model, retaining: retain, forgetting: one, method: DepthAwareProjection())
                    .forget(classes: [2])
            },
        ]
        #expect(texts[0]?.hasPrefix("forget data cannot be 1 example; give 2 or more") == true)
        #expect(texts[1]?.hasPrefix("forget data cannot be 1 example; give 8 or more") == true)
    }

    @Test("gentler settings protect more and remove less, until nothing is left to lower")
    func gentler() async throws {
        let model = try await Patterns.model
        let first = SubspaceProjection(retainAlphas: [10, 100], forgetAlphas: [1, 3, 30])
        let next = try #require(first.gentler(by: 4, for: model) as? SubspaceProjection)
        #expect(next.retainAlphas == [40, 400] && next.forgetAlphas == [1, 8])
        #expect(
            SubspaceProjection(retainAlphas: [1_000_000], forgetAlphas: [1]).gentler(by: 4, for: model) == nil)
        let damp = try #require(DepthAwareProjection().gentler(by: 4, for: model) as? DepthAwareProjection)
        #expect(damp.strength == 0.25)
    }

    @Test("without a tilt, TREW's target is the original without the class")
    func untilted() async throws {
        let model = try await Patterns.model
        let method = TiltedReweighting(tilt: 0, training: TrainingConfiguration())
        let logits = try Tensor([1, 2, 3, 0, 1, 2], shape: [1, 6])
        let targets = try method.targets(
            logits: logits, labels: [2], similarities: method.similarities(of: model), without: [2, 4])
        let expected = try Softmax.probabilities(of: Tensor([1, 2, -.infinity, 0, -.infinity, 2], shape: [1, 6]))
        #expect(largestDifference(targets.elements.map(Double.init), expected.elements.map(Double.init)) < 1e-7)
    }

    @Test("inputs are made for vision transformers too, whose tensors have names of their own")
    func visionTransformer() async throws {
        let graph = try VisionTransformer(.tiny, patch: 4).graph(inputShape: [8, 8, 1], classes: 3)
        let model = Model(graph: graph, seed: 1)
        #expect(try model.matchingStatistics(weight: 1).stateDictionary == model.stateDictionary)
    }

    @Test("a network without a linear layer at its end has no rows to compare, and TREW says so")
    func noHead() async throws {
        var builder = GraphBuilder(inputShape: [4])
        let x = try builder.linear(builder.input, named: "fc", outputs: 3)
        _ = try builder.relu(x, named: "relu")
        let model = Model(graph: try builder.graph(), seed: 1)
        #expect(throws: UnlearningError.noLinearHead(method: "trew")) {
            try TiltedReweighting().similarities(of: model)
        }
    }
}
