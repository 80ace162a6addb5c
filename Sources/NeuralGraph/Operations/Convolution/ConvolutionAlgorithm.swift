import CNeuralKernels

/// One way to compute a convolution's three passes.
///
/// `x` is `[batch, input]`, `y` `[batch, output]`, `w` the weights in ``ConvolutionGeometry``'s order; `d` stands
/// before a gradient. Scratch memory has the size that ``scratchCount(_:batch:workers:)`` asked for.
///
/// An algorithm may need weights in an order of its own. It writes them with ``packWeights(_:w:into:threads:)``, at every
/// step where weights change and once where they do not, and its passes read it in place of `w`.
protocol ConvolutionAlgorithm: Sendable {
    var name: String { get }
    /// Floats of weights in the algorithm's order; 0 if it reads them as they are.
    func packedCount(_ pass: ConvolutionPass) -> Int
    func scratchCount(_ pass: ConvolutionPass, batch: Int, workers: Int) -> Int
    func packWeights(
        _ pass: ConvolutionPass, w: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>,
        threads: ThreadTeam)
    func forward(
        x: UnsafePointer<Float>, w: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, epilogue: cnk_epilogue,
        batch: Int, scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam)
    func inputGradient(
        dy: UnsafePointer<Float>, w: UnsafePointer<Float>, dx: GradientTarget, batch: Int,
        scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam)
    func weightGradient(
        x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dw: UnsafeMutablePointer<Float>, batch: Int,
        scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam)
}

extension ConvolutionAlgorithm {
    func packedCount(_ pass: ConvolutionPass) -> Int { 0 }

    func packWeights(
        _ pass: ConvolutionPass, w: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>,
        threads: ThreadTeam
    ) {}
}

/// The three passes, each of which may use its own algorithm.
enum ConvolutionPass: CaseIterable {
    case forward
    case inputGradient
    case weightGradient
}

extension cnk_epilogue {
    /// Results are written as they are.
    static var none: cnk_epilogue { cnk_epilogue() }

    /// Results are added to the target's content if it accumulates.
    static func adding(to target: GradientTarget) -> cnk_epilogue {
        var epilogue = cnk_epilogue()
        epilogue.accumulates = target.accumulates ? 1 : 0
        return epilogue
    }

    /// The epilogue for the part of the result that starts at `offset`.
    func shifted(by offset: Int) -> cnk_epilogue {
        var shifted = self
        shifted.residual = residual.map { $0 + offset }
        return shifted
    }

    /// Whether anything is left to do.
    var isNeeded: Bool { bias != nil || residual != nil || rectifies != 0 }
}
