import NeuralGraph
import TestSupport
import Testing

/// All three passes of many random convolutions against the naive reference in Double.
@Suite("Convolution fuzz", .tags(.operations)) struct ConvolutionFuzzTests {
    private let worst = WorstErrors("fuzzed convolution")

    @Test("agrees with the reference", .tags(.slow), .slow, arguments: FuzzedConvolution.allCases)
    func agreesWithTheReference(_ kind: FuzzedConvolution) throws {
        var random = SeededRandom(seed: 11, stream: "fuzz.\(kind.rawValue)")
        for _ in 0..<80 {
            let item = kind.draw(&random)
            let reference = item.referenceGradients()
            let options = drawOptions(&random, batch: item.batch)
            let run = try EngineRun(item.model, input: item.input, outputGradient: item.outputGradient, options)
            let place = "\(item), \(run.algorithms[0]), capacity \(options.capacity ?? 0), \(options.workers) workers"
            expectWithinTolerances(GradientErrors(run, from: reference), item, place)
        }
    }

    /// The second of two layers over one input adds its share to the first one's.
    @Test("input gradients add up", arguments: FuzzedConvolution.allCases)
    func inputGradientsAddUp(_ kind: FuzzedConvolution) throws {
        var random = SeededRandom(seed: 12, stream: "fuzz.\(kind.rawValue)")
        for _ in 0..<8 {
            let item = kind.draw(&random, products: 500_000)
            var builder = GraphBuilder(inputShape: item.inputShape)
            let branches = try ["first", "second"].map {
                try builder.add(item.operation, named: $0, builder.input)
            }
            _ = try builder.add(Add(), named: "sum", branches)
            let model = Model(graph: try builder.graph(), seed: random.next())
            let dy = ReferenceTensor(
                item.outputGradient.map(Double.init), batch: item.batch, shape: item.outputShape)
            let shares = ["first", "second"].map { name in
                let weight = (model.parameters["\(name).weight"]?.elements ?? []).map { Double($0) }
                return Reference.convolutionGradients(of: dy, item.reference, weight: weight, item.operation)
            }
            let sum = zip(shares[0].input.elements, shares[1].input.elements).map { $0 + $1 }

            let run = try EngineRun(
                model, input: item.input, outputGradient: item.outputGradient,
                drawOptions(&random, batch: item.batch))
            let error = relativeDifference(run.inputGradient, from: sum)
            #expect(
                worst.isWithin(Tolerance.inputGradient, error, "sum of input gradients", at: "\(item)"),
                "\(item), \(run.algorithms[0]): \(error)")
        }
    }

    /// A plan for more examples than there are, and any number of workers.
    private func drawOptions(_ random: inout SeededRandom, batch: Int) -> EngineRun.Options {
        let capacity = batch + random.pick([0, 0, 1, 15])
        let workers = random.pick([1, 2, 3])
        let algorithms = random.pick([Algorithms.fast, .fast, .fast, .strict])
        return EngineRun.Options().with {
            $0.capacity = capacity
            $0.workers = workers
            $0.algorithms = algorithms
        }
    }

    private func expectWithinTolerances(_ errors: GradientErrors, _ item: ConvolutionCase, _ place: String) {
        let checks: [(String, Double, Double)] = [
            ("output", errors.output, Tolerance.output),
            ("input gradient", errors.input, Tolerance.inputGradient),
            ("parameter gradient", errors.worstParameter, Tolerance.weightGradient(positions: item.positions)),
        ]
        for (name, error, tolerance) in checks {
            #expect(worst.isWithin(tolerance, error, name, at: place), "\(place): \(name) is off by \(error)")
        }
    }
}
