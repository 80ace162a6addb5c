import TestSupport
import Testing
import Unlearning

@Suite("Prototype relearning, head share and weight distance", .tags(.audit))
struct RepresentationHeadTests {
    @Test("the rewritten row is PyTorch's")
    func prototype() throws {
        let fixture = try RepresentationFixture()
        let features = try RepresentationFixture.training(.narrow)
        let labels = RepresentationFixture.labels(60)
        let weight = try GeneratedNumbers.symmetric("prototype.weight", shape: [4, 8])
        let bias = try GeneratedNumbers.symmetric("prototype.bias", shape: [4])
        let head = try LinearHead(weight: weight, bias: bias)
        let relearning = try PrototypeRelearning(head: head, features: features, labels: labels, forgotten: [2])
        let rows = labels.indices.filter { labels[$0] == 2 }.prefix(3)
        let examples = try Tensor(rows.flatMap { features.elements[$0 * 8..<($0 + 1) * 8] }, shape: [3, 8])
        let rewritten = try relearning.head(rewriting: 2, from: examples)
        let test = try RepresentationFixture.test(.narrow)
        let expected = try fixture.file.values("prototype.predictions").map { Int($0) }
        #expect(try rewritten.predictions(of: test) == expected)
        #expect(try rewritten.predictions(of: test) != head.predictions(of: test))
        #expect(
            relativeDifference(rewritten.weights.elements[16..<24], from: try fixture.file.values("prototype.row"))
                < 1e-6)
        let newBias = try fixture.file.scalar("prototype.new_bias")
        #expect(abs(rewritten.biases[2] - newBias) < 1e-6 * abs(newBias))
        #expect(rewritten.biases[3] == Double(bias[3]))
    }

    @Test("a prototype among orthogonal classes, by hand")
    func prototypeByHand() throws {
        let head = try LinearHead(weight: Tensor([1, 0, 0, 1, -9, -9], shape: [3, 2]), bias: nil)
        let features = try Tensor([2, 0, 0, 2], shape: [2, 2])
        let relearning = try PrototypeRelearning(head: head, features: features, labels: [0, 1], forgotten: [2])
        // Center (1, 1), mean row (1/2, 1/2), rows at 1/sqrt 2 from it, mean logit 2. A prototype at (4, 5) lies at
        // (3, 4) from the center: row (1/2 + 3 / 5 sqrt 2, 1/2 + 4 / 5 sqrt 2), bias 2 - 4.5 - 32 / 5 sqrt 2.
        let rewritten = try relearning.head(rewriting: 2, from: Tensor([3, 5, 5, 5], shape: [2, 2]))
        let (x, y) = (0.5 + 3 / (5 * 2.0.squareRoot()), 0.5 + 4 / (5 * 2.0.squareRoot()))
        let bias = 2 - 4 * x - 5 * y
        for point in [[4, 5], [2, 0], [0, 2], [3, 3.5], [4, 2], [10, 9]] as [[Float]] {
            let (u, v) = (Double(point[0]), Double(point[1]))
            let logits = [u, v, x * u + y * v + bias]
            let answer = logits.indices.max { logits[$0] < logits[$1] }
            #expect(try rewritten.predictions(of: Tensor(point, shape: [1, 2])) == [answer].compactMap { $0 })
        }
        #expect(try head.predictions(of: Tensor([4, 5], shape: [1, 2])) == [1])
    }

    @Test("prototypes that cannot be made are errors")
    func prototypesThatCannotBeMade() throws {
        let head = try LinearHead(weight: Tensor(repeating: 1, shape: [2, 3]), bias: nil)
        let features = Tensor(repeating: 1, shape: [2, 3])
        #expect(throws: ShapeError.self) {
            try PrototypeRelearning(head: head, features: features, labels: [1, 1], forgotten: [1])
        }
        #expect(throws: ShapeError.self) {
            try PrototypeRelearning(
                head: head, features: Tensor(repeating: 1, shape: [2, 2]), labels: [0, 1], forgotten: [1])
        }
        let relearning = try PrototypeRelearning(head: head, features: features, labels: [0, 1], forgotten: [1])
        #expect(throws: ShapeError.self) {
            try relearning.head(rewriting: 1, from: Tensor(repeating: 0, shape: [0, 3]))
        }
        #expect(throws: ShapeError.self) { try relearning.head(rewriting: 2, from: features) }
        #expect(throws: LinearAlgebraError.self) {
            try relearning.head(rewriting: 1, from: Tensor(repeating: .nan, shape: [1, 3]))
        }
        #expect(throws: ShapeError.self) {
            try LinearHead(weight: Tensor(repeating: 1, shape: [2, 3]), bias: Tensor(repeating: 1, shape: [3]))
        }
        // An example in the middle of the others points nowhere, and makes no undefined number.
        let middle = try relearning.head(rewriting: 1, from: features)
        #expect(try middle.predictions(of: features).count == 2)
    }

    @Test("the head share is the part of the loss that returns, or nil without a loss")
    func headShare() {
        #expect(HeadShare.value(original: 0.8, unlearned: 0, restored: 0.8) == 1)
        #expect(HeadShare.value(original: 0.8, unlearned: 0, restored: 0) == 0)
        #expect(HeadShare.value(original: 0.75, unlearned: 0.25, restored: 0.5) == 0.5)
        #expect(HeadShare.value(original: 0.75, unlearned: 0.25, restored: 0) == -0.5)
        #expect(HeadShare.value(original: 0.8, unlearned: 0.795, restored: 0.8) == nil)
        #expect(HeadShare.value(original: 0, unlearned: 0, restored: 0.8) == nil)
        #expect(HeadShare.value(original: 0.5, unlearned: 0.6, restored: 0.8) == nil)
    }

    @Test("weight distances are PyTorch's")
    func weightDistance() throws {
        let fixture = try RepresentationFixture()
        let model = try RepresentationFixture.tinyNetwork()
        var moved: [String: Tensor] = [:]
        for (name, tensor) in model.parameters {
            let step = try GeneratedNumbers.symmetric("moved.\(name)", shape: tensor.shape)
            moved[name] = try Tensor(zip(tensor.elements, step.elements).map { $0 + 0.1 * $1 }, shape: tensor.shape)
        }
        let distance = try WeightDistance(from: model, to: model.replacing(moved))
        #expect(distance.layers.map(\.name) == ["conv1", "bn1", "conv2", "fc"])
        for layer in distance.layers {
            let expected = try fixture.file.scalar("distance.\(layer.name)")
            #expect(abs(try #require(layer.value) - expected) < 1e-6 * expected, "\(layer.name)")
        }
        let expected = try fixture.file.scalar("distance.total")
        #expect(abs(try #require(distance.total) - expected) < 1e-6 * expected)
    }

    @Test("weight distances by hand, of zeros too")
    func weightDistanceByHand() throws {
        let model = try undecidedModel(features: 2, classes: 2)
        #expect(try WeightDistance(from: model, to: model).layers == [WeightDistance.Layer(name: "fc", value: 0)])
        let ones = try model.replacing(["fc.weight": Tensor(repeating: 1, shape: [2, 2])])
        // From nothing to something there is no relative distance.
        #expect(try WeightDistance(from: model, to: ones).total == nil)
        #expect(try WeightDistance(from: ones, to: model).total == 1)
        let twos = try model.replacing(["fc.weight": Tensor(repeating: 3, shape: [2, 2])])
        #expect(try WeightDistance(from: ones, to: twos).total == 2)
        let other = Model(graph: try vectorNetwork(features: 2, classes: 2), seed: 1)
        #expect(throws: StateDictionaryError.self) { try WeightDistance(from: model, to: other) }
        #expect(throws: StateDictionaryError.self) { try WeightDistance(from: other, to: model) }
        let wider = try undecidedModel(features: 3, classes: 2)
        #expect(throws: StateDictionaryError.wrongShape(name: "fc.weight", expected: [2, 2], found: [2, 3])) {
            try WeightDistance(from: model, to: wider)
        }
    }
}
