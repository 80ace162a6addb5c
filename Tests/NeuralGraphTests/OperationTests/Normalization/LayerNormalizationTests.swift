import NeuralGraph
import TestSupport
import Testing

@Suite("Layer normalization", .tags(.operations)) struct LayerNormalizationTests {
    private let worst = WorstErrors("layer normalization")

    private static let normalized: [TensorShape] = [[3, 17], [40], [2, 3, 5], [4, 16]]

    @Test(
        "layer normalization agrees with two-sided differences", arguments: normalized.indices,
        [(true, true), (true, false), (false, true), (false, false)])
    func layerNormalizationAgreesWithTwoSidedDifferences(_ index: Int, _ parts: (Bool, Bool)) throws {
        let shape = Self.normalized[index]
        for (mean, deviation) in [(0.0, 1.0), (3, 0.5)] {
            let item = try OperationCase(shape, batch: 3, seed: 8) { random, count in
                random.normals(count, mean: mean, deviation: deviation)
            } build: { builder in
                let x = try builder.pointwise(builder.input, named: "x", .affine(scale: 2, shift: 0.5))
                let y = try builder.layerNormalization(
                    x, named: "norm", epsilon: 1e-6, hasScale: parts.0, hasShift: parts.1)
                let z = try builder.layerNormalization(y, named: "again")
                _ = try builder.arithmetic(.addition, z, x, named: "sum")
            }
            try item.expectCorrect(worst, "layer norm of \(shape), \(parts), mean \(mean)")
        }
    }
}
