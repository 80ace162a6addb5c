internal import CNeuralKernels

/// One way to compute a convolution's three passes.
///
/// `x` is `[batch, input]`, `y` `[batch, output]`, `w` the weights in ``ConvolutionGeometry``'s order; `d` stands
/// before a gradient. Scratch memory has the size that ``scratchCount(_:batch:workers:)`` asked for.
protocol ConvolutionAlgorithm: Sendable {
    var name: String { get }
    func scratchCount(_ pass: ConvolutionPass, batch: Int, workers: Int) -> Int
    func forward(
        x: UnsafePointer<Float>, w: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, batch: Int,
        scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam)
    func inputGradient(
        dy: UnsafePointer<Float>, w: UnsafePointer<Float>, dx: GradientTarget, batch: Int,
        scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam)
    func weightGradient(
        x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dw: UnsafeMutablePointer<Float>, batch: Int,
        scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam)
}

/// The three passes, each of which may use its own algorithm.
enum ConvolutionPass: CaseIterable {
    case forward
    case inputGradient
    case weightGradient
}

/// A convolution in a plan: the algorithm picked for each pass, and the bias.
struct ConvolutionKernel: Kernel {
    let geometry: ConvolutionGeometry
    let hasBias: Bool
    let scratchCount: Int
    private let forwardAlgorithm: any ConvolutionAlgorithm
    private let inputAlgorithm: any ConvolutionAlgorithm
    private let weightAlgorithm: any ConvolutionAlgorithm

    init(geometry: ConvolutionGeometry, hasBias: Bool, request: KernelRequest) {
        func pick(_ pass: ConvolutionPass) -> any ConvolutionAlgorithm {
            ConvolutionPlanner.algorithm(
                for: geometry, pass: pass, batch: request.batchCapacity, precision: request.precision)
        }
        self.geometry = geometry
        self.hasBias = hasBias
        forwardAlgorithm = pick(.forward)
        inputAlgorithm = pick(.inputGradient)
        weightAlgorithm = pick(.weightGradient)
        let (batch, workers) = (request.batchCapacity, request.workers)
        var counts = [forwardAlgorithm.scratchCount(.forward, batch: batch, workers: workers)]
        if request.runsBackward {
            counts.append(inputAlgorithm.scratchCount(.inputGradient, batch: batch, workers: workers))
        }
        if request.wantsParameterGradients {
            counts.append(weightAlgorithm.scratchCount(.weightGradient, batch: batch, workers: workers))
            counts.append(
                ColumnSums.scratchCount(rows: batch * geometry.outputPositions, channels: geometry.outputChannels))
        }
        scratchCount = counts.max() ?? 0
    }

    var backwardReads: BackwardReads { .inputs }

    var algorithm: String {
        let names = [forwardAlgorithm.name, inputAlgorithm.name, weightAlgorithm.name]
        return Set(names).count == 1 ? names[0] : names.joined(separator: " / ")
    }

    func forward(_ pass: ForwardPass) {
        forwardAlgorithm.forward(
            x: pass.inputs[0], w: pass.parameters[0], y: pass.output, batch: pass.batch,
            scratch: pass.scratch, threads: pass.threads)
        guard hasBias else { return }
        let channels = geometry.outputChannels
        pass.threads.forEachChunk(of: pass.batch * geometry.outputPositions, floatsEach: channels) { rows in
            cnk_add_rows(
                pass.output + rows.lowerBound * channels, pass.parameters[1], rows.count, channels)
        }
    }

    func backward(_ pass: BackwardPass) {
        if let dx = pass.inputGradients[0] {
            inputAlgorithm.inputGradient(
                dy: pass.outputGradient, w: pass.forward.parameters[0], dx: dx, batch: pass.batch,
                scratch: pass.scratch, threads: pass.threads)
        }
        if let dw = pass.parameterGradients[0] {
            weightAlgorithm.weightGradient(
                x: pass.forward.inputs[0], dy: pass.outputGradient, dw: dw, batch: pass.batch,
                scratch: pass.scratch, threads: pass.threads)
        }
        if hasBias, let db = pass.parameterGradients[1] {
            ColumnSums.compute(
                pass.outputGradient, rows: pass.batch * geometry.outputPositions,
                channels: geometry.outputChannels, into: db, scratch: pass.scratch, threads: pass.threads)
        }
    }
}

/// Picks the algorithm for each convolution and pass when a plan is made.
enum ConvolutionPlanner {
    /// Up to this many output positions, products that leave padding out do clearly less work than im2col: a 3x3 kernel
    /// has 56 % of its taps in the padding at 2x2 and 31 % at 4x4.
    static let smallMap = 16
    /// From this many output positions on a tile's 36 products are fewer than the live taps; with fewer channels than
    /// lanes of a vector its transforms are not worth it.
    static let winogradMap = 9
    static let winogradChannels = 16

    static func algorithm(
        for geometry: ConvolutionGeometry, pass: ConvolutionPass, batch: Int, precision: Precision
    ) -> any ConvolutionAlgorithm {
        guard precision == .fast, geometry.groups == 1 else { return Im2ColConvolution(geometry: geometry) }
        if geometry.isPointwise { return PointwiseConvolution(geometry: geometry) }
        if WinogradConvolution.supports(geometry), geometry.outputPositions >= winogradMap,
            min(geometry.inputChannels, geometry.outputChannels) >= winogradChannels
        {
            return WinogradConvolution(geometry: geometry)
        }
        // One product per position has one row per example: with few examples it degrades to vectors.
        if geometry.outputPositions <= smallMap, batch >= 16, geometry.columns.dilation == 1 {
            return PositionProducts(geometry: geometry)
        }
        return Im2ColConvolution(geometry: geometry)
    }
}
