import CNeuralKernels

/// Picks the algorithm for each convolution and pass when a plan is made, by shapes and by names alone: a measurement would
/// make results differ from run to run.
struct ConvolutionPlanner {
    let geometry: ConvolutionGeometry
    /// The largest batch.
    let batch: Int
    let algorithms: Algorithms
    let precision: Precision
    /// Whether weights are prepared once, since they do not change.
    let keepsWeights: Bool

    /// From this many output positions on a tile's 36 products are fewer than the live taps; with fewer channels than
    /// lanes of a vector its transforms are not worth it.
    private static let winogradMap = 9
    private static let winogradChannels = 16
    /// Winograd's algorithm has four times as many weights. To read them takes as long as the products that it leaves out of
    /// this many tiles; to write them first, and to add up their gradients, takes longer.
    private static let tilesForKeptWeights = 8
    private static let tilesForNewWeights = 24
    /// The same where the products that it leaves out would take half the time, in bfloat16.
    private static let tilesForKeptPairs = 24
    private static let tilesForNewPairs = 64
    /// An input gradient's product has a column for each input channel, in whole vectors: for an image of
    /// 3 channels, 13 of 16 padded columns are wasted, whereas unrolling multiplies by whole windows.
    private static let minimumGradientChannels = 16
    /// Rows of a product from which it is as fast as one of many rows.
    private static let fullRows = 8
    /// How much more work unrolled windows are worth: they are written and read, and their products pack them once more.
    private static let unrollingWork = 1.6

    func algorithm(for pass: ConvolutionPass) -> any ConvolutionAlgorithm {
        let isDepthwise = DepthwiseConvolution.supports(geometry)
        // Direct loops are bound by memory, so that rounding would gain nothing.
        let precision = isDepthwise ? .float32 : precision
        let universal = Im2ColConvolution(geometry: geometry, kernel: MatrixKernel(algorithms, precision))
        guard algorithms == .fast else { return universal }
        if isDepthwise { return DepthwiseConvolution(geometry: geometry) }
        if prefersWinograd { return WinogradConvolution(geometry: geometry, precision: precision) }
        guard BatchReduceConvolution.supports(geometry, pass) else { return universal }
        // Every position of a 1x1 convolution is an image of its own.
        if geometry.isPointwise {
            return BatchReduceConvolution(
                geometry: geometry.asSinglePosition, imagesEach: geometry.outputPositions, precision: precision)
        }
        guard isWorthProductsByPosition(pass) else { return universal }
        return BatchReduceConvolution(geometry: geometry, precision: precision)
    }

    private var prefersWinograd: Bool {
        let least: Int
        switch (precision, Int(cnk_bfloat16_speed())) {
        case (.bfloat16, CNK_TILES): return false  // Nothing is worth leaving out.
        case (.bfloat16, CNK_PAIRS_IN_VECTORS): least = keepsWeights ? Self.tilesForKeptPairs : Self.tilesForNewPairs
        default: least = keepsWeights ? Self.tilesForKeptWeights : Self.tilesForNewWeights
        }
        let tiles = batch * WinogradConvolution.tilesPerImage(geometry)
        return tiles >= least && WinogradConvolution.supports(geometry)
            && geometry.outputPositions >= Self.winogradMap
            && min(geometry.inputChannels, geometry.outputChannels) >= Self.winogradChannels
    }

    /// Compares the work of products by position, where those of few rows count more, with that of unrolled windows, which
    /// multiply taps in the padding too.
    private func isWorthProductsByPosition(_ pass: ConvolutionPass) -> Bool {
        let rows: TapTable
        let columns: TapTable
        switch pass {
        case .weightGradient: return true  // Its rows are weights, of which there are many.
        case .inputGradient where geometry.inputChannels < Self.minimumGradientChannels: return false
        case .inputGradient:
            (rows, columns) = (TapTable(inputsOf: geometry.rows), TapTable(inputsOf: geometry.columns))
        case .forward:
            (rows, columns) = (TapTable(outputsOf: geometry.rows), TapTable(outputsOf: geometry.columns))
        }
        let rowTaps = rows.classOf.reduce(0) { $0 + rows.classes[$1].count }
        let columnWork = columns.spans.reduce(0.0) { work, span in
            let productRows = max(span.count, batch)
            let slowdown = max(1, Double(Self.fullRows) / Double(productRows))
            return work + Double(span.count * columns.classes[span.classNumber].count) * slowdown
        }
        let unrolled =
            geometry.rows.outputLength * geometry.rows.kernelSize * geometry.columns.outputLength
            * geometry.columns.kernelSize
        return Double(rowTaps) * columnWork <= Self.unrollingWork * Double(unrolled)
    }
}
