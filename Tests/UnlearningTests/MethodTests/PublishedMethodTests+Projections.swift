import TestSupport
import Testing
import Unlearning

extension PublishedMethodTests {
    @Test("SVD class forgetting: importance of singular vectors, and the weights projected")
    func subspaceProjection() async throws {
        let method = SubspaceProjection(retainAlphas: [100], forgetAlphas: [3])
        try expectMoves(of: try await forgetting(method), "svd")
    }

    @Test("DAMP: residuals of means over windows, removed as far as depth and probe say")
    func depthAwareProjection() async throws {
        let (retain, forget) = (retain, forget)
        let new = try await running(DepthAwareProjection()) { request, session in
            try DepthAwareProjection().project(
                request.model, forgetting: forget, retaining: retain, session, accuracies: ["conv2": 0.9, "fc": 1])
        }
        try expectMoves(of: try #require(new), "damp")
    }

    @Test("TREW: targets that are tilted to similar classes, and three steps toward them")
    func tiltedReweighting() async throws {
        let (model, forget) = (model, forget)
        for (components, name) in [(nil, "trew.targets"), (2, "trew.targets.components")] as [(Int?, String)] {
            let method = TiltedReweighting(tilt: 10, components: components, training: TrainingConfiguration())
            let targets = try await running(method) { request, session in
                try method.targets(
                    logits: session.outputs(of: model, on: forget), labels: forget.labels,
                    similarities: method.similarities(of: model), without: request.forgottenClasses)
            }
            let expected = try fixture.values(name)
            #expect(zip(targets.elements, expected).allSatisfy { abs($0 - $1) < 1e-5 }, "\(name)")
        }
        let method = TiltedReweighting(training: TrainingConfiguration(epochs: 3, learningRate: 1e-3))
        try expectMoves(of: try await forgetting(method), "trew")
    }
}
