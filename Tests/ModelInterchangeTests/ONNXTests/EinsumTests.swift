import Foundation
import ModelInterchange
import NeuralGraph
import TestSupport
import Testing

/// Sums of products of an input `[N, 3, 4]`, followed by a flattening and a product that gives two scores.
@Suite("Einsum", .tags(.files)) struct EinsumTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var equation: String
        /// The same with every label, for the reference; nil if it is the same.
        var spelled: String?
        /// The shape of the stored second factor; nil if it is the input again.
        var factor: [Int]?
        var isFactorFirst = false
        /// Whether a linear layer takes the factor as its weights.
        var isLinear = false

        var testDescription: String { equation }
    }

    /// Numbers under a shape, and the sum of products that an equation names, by its definition.
    private struct Numbers {
        var shape: [Int]
        var elements: [Double]

        static func einsum(_ equation: String, _ factors: [Numbers]) -> Numbers {
            let sides = equation.components(separatedBy: "->")
            let terms = sides[0].components(separatedBy: ",").map(Array.init)
            let output = Array(sides[1])
            var lengths: [Character: Int] = [:]
            for (term, factor) in zip(terms, factors) {
                for (label, length) in zip(term, factor.shape) { lengths[label] = length }
            }
            let labels = lengths.keys.sorted()
            func place(_ term: [Character], _ index: [Character: Int]) -> Int {
                term.reduce(0) { $0 * (lengths[$1] ?? 1) + (index[$1] ?? 0) }
            }
            let shape = output.map { lengths[$0] ?? 1 }
            var result = Numbers(shape: shape, elements: [Double](repeating: 0, count: shape.reduce(1, *)))
            for number in 0..<labels.reduce(1, { $0 * (lengths[$1] ?? 1) }) {
                var (rest, index) = (number, [Character: Int]())
                for label in labels {
                    (rest, index[label]) = rest.quotientAndRemainder(dividingBy: lengths[label] ?? 1)
                }
                result.elements[place(output, index)] += zip(terms, factors).reduce(1) {
                    $0 * $1.1.elements[place($1.0, index)]
                }
            }
            return result
        }
    }

    private static let cases = [
        Case(equation: "ntd,de->nte", factor: [4, 5], isLinear: true),
        Case(equation: "de, ntd -> net", factor: [4, 5], isFactorFirst: true, isLinear: true),
        Case(equation: "ntd,tde->ne", factor: [3, 4, 5], isLinear: true),
        Case(equation: "ntd,dab->ntba", factor: [4, 2, 3], isLinear: true),
        Case(equation: "...d,de->...e", spelled: "ntd,de->nte", factor: [4, 5], isLinear: true),
        Case(equation: "ntd,d", spelled: "ntd,d->nt", factor: [4], isLinear: true),
        Case(equation: "ntd,ted->nte", factor: [3, 5, 4]),
        Case(equation: "ntd,td->nd", factor: [3, 4]),
        Case(equation: "ntd,e->nedt", factor: [5]),
        Case(equation: "ntd,td->ntd", factor: [3, 4]),
        Case(equation: "ntd,nsd->nts"), Case(equation: "ntd,nte->nde"), Case(equation: "ntd,ntd->nt"),
        Case(equation: "ntd,nse->ntes"), Case(equation: "ntd,nse->nd"),
    ]

    private static func node(_ equation: String, _ inputs: [String], _ output: String) -> [UInt8] {
        GraphFile.node("Einsum", inputs, [output], name: "sum") { node in
            node.message(5) { attribute in
                attribute.string(1, "equation")
                attribute.string(4, equation)
                attribute.integer(20, 3)
            }
        }
    }

    private func read(_ nodes: [[UInt8]], _ tensors: [[UInt8]], width: Int, head: [Float], batch: Int? = nil) throws
        -> Model
    {
        var file = GraphFile()
        file.input = [batch, 3, 4]
        file.tensors = tensors + [GraphFile.tensor("head", [width, 2], head)]
        file.nodes = nodes + [GraphFile.node("Flatten", ["z"], ["f"]), GraphFile.node("MatMul", ["f", "head"], ["y"])]
        let folder = try TemporaryFolder()
        try overwrite(folder.file("graph.onnx"), with: file.bytes)
        return try Model(onnx: folder.file("graph.onnx"))
    }

    private func numbers(_ count: Int, seed: UInt64) -> [Float] {
        var random = SeededRandom(seed: seed)
        return (0..<count).map { _ in Float(random.normal()) }
    }

    @Test("values and gradients are those of the definition", arguments: cases) func definition(_ test: Case) throws {
        let factor = test.factor.map { numbers($0.reduce(1, *), seed: 1) }
        let x = numbers(2 * 12, seed: 2)
        let equation = (test.spelled ?? test.equation).filter { $0 != " " }
        func sum(_ x: [Double]) -> Numbers {
            let input = Numbers(shape: [2, 3, 4], elements: x)
            let other = factor.map { Numbers(shape: test.factor ?? [], elements: $0.map(Double.init)) } ?? input
            return Numbers.einsum(equation, test.isFactorFirst ? [other, input] : [input, other])
        }
        let width = sum(x.map(Double.init)).elements.count / 2
        let head = numbers(width * 2, seed: 3)
        func scores(_ x: [Double]) -> [Double] {
            let rows = Numbers(shape: [2, width], elements: sum(x).elements)
            return Numbers.einsum(
                "nw,wk->nk", [rows, Numbers(shape: [width, 2], elements: head.map(Double.init))]
            ).elements
        }

        let other = test.factor == nil ? "x" : "v"
        let nodes = [Self.node(test.equation, test.isFactorFirst ? [other, "x"] : ["x", other], "z")]
        let tensors = factor.map { [GraphFile.tensor("v", test.factor ?? [], $0)] } ?? []
        let gradient = numbers(4, seed: 4)
        // The sums have degree 2 at most, so that central differences are exact.
        let slopes = x.indices.map { place in
            func moved(_ step: Double) -> Double {
                var moved = x.map(Double.init)
                moved[place] += step
                return zip(scores(moved), gradient).reduce(0) { $0 + $1.0 * Double($1.1) }
            }
            return moved(0.5) - moved(-0.5)
        }
        // The file's batch is open or fixed.
        for batch in [nil, 2] {
            let model = try read(nodes, tensors, width: width, head: head, batch: batch)
            let run = try EngineRun(model, input: x, outputGradient: gradient)
            #expect(relativeDifference(run.output, from: scores(x.map(Double.init))) < 1e-6)
            #expect(relativeDifference(run.inputGradient, from: slopes) < 1e-5)
            #expect(model.parameters["v"] != nil || !test.isLinear)
            #expect(model.graph.nodes.filter { $0.operation is Linear }.count == (test.isLinear ? 2 : 1))
        }
    }

    @Test("one input is summed and transposed") func oneInput() throws {
        let x = numbers(12, seed: 1).map(Double.init)
        for equation in ["ntd->nd", "ntd->ndt", "ntd->n"] {
            let sum = Numbers.einsum(equation, [Numbers(shape: [1, 3, 4], elements: x)]).elements
            let head = numbers(2 * sum.count, seed: 2)
            let model = try read([Self.node(equation, ["x"], "z")], [], width: sum.count, head: head)
            let options = EngineRun.Options().with { ($0.mode, $0.request) = (.inference, .nothing) }
            let run = try EngineRun(model, input: x.map(Float.init), outputGradient: [], options)
            let expected = (0..<2).map { k in sum.indices.reduce(0) { $0 + sum[$1] * Double(head[2 * $1 + k]) } }
            #expect(relativeDifference(run.output, from: expected) < 1e-6, "\(equation)")
        }
    }

    @Test("attention that is written as two sums is one operation") func attention() throws {
        let nodes = [
            GraphFile.node("Reshape", ["x", "heads"], ["q"]), Self.node("nqhd,nkhd->nhqk", ["q", "q"], "s"),
            GraphFile.node("Softmax", ["s"], ["p"]) { node in
                node.message(5) { attribute in
                    attribute.string(1, "axis")
                    attribute.integer(3, -1)
                    attribute.integer(20, 2)
                }
            },
            Self.node("nhqk,nkhd->nqhd", ["p", "q"], "z"),
        ]
        let head = numbers(24, seed: 1)
        let model = try read(nodes, [GraphFile.tensor("heads", [0, 3, 2, 2])], width: 12, head: head)
        #expect(model.graph.nodes.contains { $0.operation is ScaledDotProductAttention })

        let x = numbers(12, seed: 2)
        let q = Numbers(shape: [1, 3, 2, 2], elements: x.map(Double.init))
        var scores = Numbers.einsum("nqhd,nkhd->nhqk", [q, q])
        for row in stride(from: 0, to: scores.elements.count, by: 3) {
            let powers = (row..<row + 3).map { exp(scores.elements[$0]) }
            for (place, power) in powers.enumerated() { scores.elements[row + place] = power / powers.reduce(0, +) }
        }
        let rows = Numbers.einsum("nhqk,nkhd->nqhd", [scores, q]).elements
        let expected = (0..<2).map { k in rows.indices.reduce(0) { $0 + rows[$1] * Double(head[2 * $1 + k]) } }
        let options = EngineRun.Options().with { ($0.mode, $0.request) = (.inference, .nothing) }
        #expect(
            relativeDifference(try EngineRun(model, input: x, outputGradient: [], options).output, from: expected)
                < 1e-6)
    }

    @Test(
        "what cannot be run is an error that says why",
        arguments: [
            ("nntd,de->nte", "does not fit its inputs"), ("ntd->nte", "does not fit its inputs"),
            ("n.td,de->nte", "does not fit its inputs"), ("ntd,de->ntee", "does not fit its inputs"),
            ("ntt,de->nte", "takes a diagonal"), ("ntd,te->nde", "do not fit its equation"),
            ("ntd,de->te", "goes across examples"),
        ])
    func refusal(_ equation: String, _ reason: String) throws {
        let factor = GraphFile.tensor("v", [4, 5], [Float](repeating: 1, count: 20))
        let error = #expect(throws: FileError.self) {
            try read([Self.node(equation, ["x", "v"], "z")], [factor], width: 15, head: numbers(30, seed: 1))
        }
        let message = try #require(error).message
        #expect(message.contains("node 'sum' (Einsum)") && message.contains(reason), "\(message)")
    }

    @Test("three factors and a sum over examples are refused") func threeFactors() throws {
        for (equation, inputs, reason) in [
            ("ntd,nsd,nud->nt", ["x", "x", "x"], "split the einsum into products of two"),
            ("ntd,nsd->ts", ["x", "x"], "sums over examples"),
        ] {
            let error = #expect(throws: FileError.self) {
                try read([Self.node(equation, inputs, "z")], [], width: 3, head: numbers(6, seed: 1))
            }
            #expect(try #require(error).message.contains(reason))
        }
    }
}
