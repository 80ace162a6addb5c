import Foundation
import NeuralGraph
import TestSupport
import Testing

@Suite("Gradient clipping", .tags(.optimization)) struct GradientClippingTests {
    private let threads = ThreadTeam(workers: 2)

    @Test("none changes nothing") func noneChangesNothing() {
        var gradients: [Float] = [3, -4]
        #expect(GradientClipping.none.apply(to: &gradients, count: 2, threads: threads) == nil)
        #expect(gradients == [3, -4])
    }

    @Test("values are limited") func valuesAreLimited() {
        var gradients: [Float] = [3, -4, 0.5, -.infinity, .nan]
        GradientClipping.value(1).apply(to: &gradients, count: 5, threads: threads)
        #expect(gradients[..<4] == [1, -1, 0.5, -1])
        #expect(gradients[4].isNaN)
    }

    @Test("long vectors are scaled") func longVectorsAreScaled() {
        var gradients: [Float] = [3, -4]
        #expect(GradientClipping.norm(2.5).apply(to: &gradients, count: 2, threads: threads) == 5)
        // PyTorch divides by the norm plus 1e-6.
        #expect(relativeError(gradients, [3 * 2.5 / 5.000001, -4 * 2.5 / 5.000001]) < 1e-7)
    }

    @Test("short vectors stay") func shortVectorsStay() {
        var gradients: [Float] = [3, -4]
        #expect(GradientClipping.norm(6).apply(to: &gradients, count: 2, threads: threads) == 5)
        #expect(gradients == [3, -4])
    }

    @Test("undefined norm is returned") func undefinedNormIsReturned() {
        var gradients: [Float] = [3, .nan]
        #expect(GradientClipping.norm(1).apply(to: &gradients, count: 2, threads: threads)?.isNaN == true)
    }

    @Test("huge gradients do not overflow") func hugeGradientsDoNotOverflow() {
        let gradients: [Float] = [3e38, 3e38, 3e38]
        let norm = GradientClipping.euclideanNorm(of: gradients, count: 3, threads: threads)
        #expect(abs(norm / (Double(Float(3e38)) * 3.0.squareRoot()) - 1) < 1e-15)
    }

    /// Around the chunk's length, around the largest number of chunks of that length, and beyond it.
    @Test(
        "norm does not depend on workers",
        arguments: [0, 1, 15, 16, 17, 16383, 16384, 16385, 64 * 16384, 64 * 16384 + 1, 3_000_017])
    func normDoesNotDependOnWorkers(_ count: Int) {
        let values = count > 0 ? LossFixtures.symmetric("values", count: count) : []
        let one = GradientClipping.euclideanNorm(of: values, count: count, threads: ThreadTeam(workers: 1))
        let three = GradientClipping.euclideanNorm(of: values, count: count, threads: ThreadTeam(workers: 3))
        #expect(one == three)
        let naive = values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        #expect(abs(one - naive) <= 1e-12 * naive)
    }

    @Test("thresholds out of range are named", arguments: [Float(0), -1, .nan, .infinity])
    func thresholdsOutOfRangeAreNamed(_ threshold: Float) {
        for clipping: GradientClipping in [.value(threshold), .norm(threshold)] {
            let error = #expect(throws: OptimizationError.self) { try clipping.validate() }
            #expect(error?.setting == "gradient clipping")
        }
    }
}
