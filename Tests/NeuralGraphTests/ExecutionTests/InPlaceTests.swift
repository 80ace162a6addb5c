import NeuralGraph
import TestSupport
import Testing

/// Kernels that claim to work in place, rightly or not.
@Suite("Working in place", .tags(.execution)) struct InPlaceTests {
    /// `operation` between two functions that work in place, twice: wherever it wrote too far, it would meet others' values.
    private func item(_ operations: [Rescaling], batch: Int) throws -> OperationCase {
        var item = try OperationCase([4, 6], batch: batch, seed: 3) { builder in
            var x = try builder.pointwise(builder.input, named: "first", .affine(scale: 2, shift: 0))
            for (index, operation) in operations.enumerated() {
                x = try builder.add(operation, named: "rescaling\(index)", x)
                x = try builder.pointwise(x, named: "next\(index)", .affine(scale: 0.5, shift: 0))
            }
        }
        // Whole numbers, so that results are exact.
        item.input = item.input.map { ($0 * 8).rounded() }
        item.outputGradient = item.outputGradient.map { ($0 * 8).rounded() }
        return item
    }

    /// A number becomes 1, 3 times itself; two become one, the first and 3 times the second: together, 10 times the number.
    @Test("a claim is not believed where sizes differ", arguments: [1, 5], Precision.allCases)
    func sizesDiffer(_ batch: Int, _ precision: Precision) throws {
        let options = EngineRun.Options().with { $0.precision = precision }
        let item = try item([.growing, .shrinking], batch: batch)
        let run = try item.run(options)
        #expect(run.output == item.input.map { 5 * $0 })
        #expect(run.inputGradient == item.outputGradient.map { 5 * $0 })
        let reverse = try self.item([.shrinking, .growing], batch: batch)
        let other = try reverse.run(options)
        #expect(other.output == halvedAndDoubled(reverse.input))
        #expect(other.inputGradient == halvedAndDoubled(reverse.outputGradient))
    }

    private func halvedAndDoubled(_ x: [Float]) -> [Float] {
        stride(from: 0, to: x.count, by: 2).flatMap { index in
            let sum = x[index] + 3 * x[index + 1]
            return [0.5 * sum, 1.5 * sum]
        }
    }

    @Test("a claim saves memory where sizes are the same")
    func sizesAreTheSame() throws {
        func bytes(claims: Bool, _ request: GradientRequest) throws -> Int {
            let item = try item([.keeping(claims: claims)], batch: 4)
            let run = try item.run(EngineRun.Options().with { $0.request = request })
            #expect(run.output == item.input)
            #expect(run.inputGradient == (request.input ? item.outputGradient : []))
            return run.byteCount
        }
        #expect(try bytes(claims: true, .nothing) < bytes(claims: false, .nothing))
        #expect(try bytes(claims: true, .both) <= bytes(claims: false, .both))
    }
}

/// Makes two channels of one, or one of two, or leaves them; claims to work in place.
private struct Rescaling: GraphOperation {
    enum Change { case doubled, halved, same }
    let change: Change
    var claims = true

    static let growing = Rescaling(change: .doubled)
    static let shrinking = Rescaling(change: .halved)
    static func keeping(claims: Bool) -> Rescaling { Rescaling(change: .same, claims: claims) }

    var kind: String { "Rescaling" }

    func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        var dimensions = inputs[0].dimensions
        let last = dimensions.removeLast()
        switch change {
        case .doubled: dimensions.append(2 * last)
        case .halved: dimensions.append(last / 2)
        case .same: dimensions.append(last)
        }
        return TensorShape(dimensions)
    }

    func kernel(for request: KernelRequest) -> any Kernel {
        RescalingKernel(change: change, worksInPlace: claims, count: request.output.count)
    }
}

private struct RescalingKernel: Kernel {
    let change: Rescaling.Change
    let worksInPlace: Bool
    let count: Int

    /// One to two, or two to one: the transpose of the one is the other.
    private func spread(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ count: Int) {
        for index in 0..<count { (y[2 * index], y[2 * index + 1]) = (x[index], 3 * x[index]) }
    }

    private func gather(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ count: Int) {
        for index in 0..<count { y[index] = x[2 * index] + 3 * x[2 * index + 1] }
    }

    func forward(_ pass: ForwardPass) {
        let (x, y, count) = (pass.inputs[0], pass.output, pass.batch * count)
        switch change {
        case .doubled: spread(x, y, count / 2)
        case .halved: gather(x, y, count)
        case .same: for index in 0..<count { y[index] = 2 * x[index] / 2 }
        }
    }

    func backward(_ pass: BackwardPass) {
        guard let dx = pass.inputGradients[0] else { return }
        let (dy, count) = (pass.outputGradient, pass.forward.batch * count)
        switch change {
        case .doubled: gather(dy, dx.pointer, count / 2)
        case .halved: spread(dy, dx.pointer, count)
        case .same: for index in 0..<count { dx.pointer[index] = 2 * dy[index] / 2 }
        }
    }
}
