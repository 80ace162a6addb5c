import CNeuralKernels

/// Convolution with one kernel for each channel (Howard et al. 2017), by vectors of channels:
///
///     y [position, c]  = sum over live taps of x [position under tap, c] · w [tap, c]        forward
///     dx [position, c] = sum over taps that reach it of dy [output, c] · w [tap, c]          input gradient
///     dw [tap, c]      = sum over images and positions of x [position under tap, c] · dy [position, c]
///
/// Any stride, dilation and padding. Weights are read in the order `[tap][channel]`.
struct DepthwiseConvolution: ConvolutionAlgorithm {
    private let geometry: ConvolutionGeometry
    private let outputs: DepthwisePositions
    private let inputs: DepthwisePositions

    /// Parts of a batch whose shares of the weight gradient are summed apart, so that workers can share the work.
    private static let maximumParts = 16
    /// Floats of the target that one task writes.
    private static let taskFloats = 16 * 1024

    init(geometry: ConvolutionGeometry) {
        self.geometry = geometry
        outputs = DepthwisePositions(
            rows: TapTable(outputsOf: geometry.rows), columns: TapTable(outputsOf: geometry.columns),
            sourceColumns: geometry.columns.length, channels: geometry.inputChannels,
            kernelColumns: geometry.columns.kernelSize)
        inputs = DepthwisePositions(
            rows: TapTable(inputsOf: geometry.rows), columns: TapTable(inputsOf: geometry.columns),
            sourceColumns: geometry.columns.outputLength, channels: geometry.inputChannels,
            kernelColumns: geometry.columns.kernelSize)
    }

    /// Whether the algorithm computes this convolution at all.
    static func supports(_ geometry: ConvolutionGeometry) -> Bool {
        geometry.groups == geometry.inputChannels && geometry.outputChannels == geometry.inputChannels
    }

    var name: String { "depthwise" }

    func packedCount(_ pass: ConvolutionPass) -> Int { pass == .weightGradient ? 0 : geometry.weightCount }

    func scratchCount(_ pass: ConvolutionPass, batch: Int, workers: Int) -> Int {
        pass == .weightGradient ? parts(batch: batch) * geometry.weightCount : 0
    }

    func packWeights(
        _ pass: ConvolutionPass, w: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>,
        threads: ThreadTeam
    ) {
        for channel in 0..<geometry.inputChannels {
            for tap in 0..<geometry.patch {
                packed[tap * geometry.inputChannels + channel] = w[channel * geometry.patch + tap]
            }
        }
    }

    func forward(
        x: UnsafePointer<Float>, w: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, epilogue: cnk_epilogue,
        batch: Int, scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        convolve(x, w, outputs, sourceCount: geometry.inputCount, into: y, epilogue, batch: batch, threads: threads)
    }

    func inputGradient(
        dy: UnsafePointer<Float>, w: UnsafePointer<Float>, dx: GradientTarget, batch: Int,
        scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        convolve(
            dy, w, inputs, sourceCount: geometry.outputCount, into: dx.pointer, .adding(to: dx), batch: batch,
            threads: threads)
    }

    func weightGradient(
        x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dw: UnsafeMutablePointer<Float>, batch: Int,
        scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        let (count, parts) = (geometry.weightCount, parts(batch: batch))
        let images = (batch + parts - 1) / parts
        threads.forEach(parts) { part, _ in
            let sums = scratch + part * count
            sums.update(repeating: 0, count: count)
            for image in part * images..<max(part * images, min(batch, (part + 1) * images)) {
                for row in 0..<outputs.rowCount {
                    outputs.forEachSpan(row: row) { source, target, span in
                        withUnsafePointer(to: span) {
                            cnk_depthwise_weights(
                                x + image * geometry.inputCount + source, dy + image * geometry.outputCount + target,
                                sums, $0)
                        }
                    }
                }
            }
        }
        for part in 1..<max(1, parts) { cnk_add(scratch, scratch + part * count, scratch, count) }
        for channel in 0..<geometry.inputChannels {
            for tap in 0..<geometry.patch {
                dw[channel * geometry.patch + tap] = scratch[tap * geometry.inputChannels + channel]
            }
        }
    }

    private func convolve(
        _ source: UnsafePointer<Float>, _ weights: UnsafePointer<Float>, _ positions: DepthwisePositions,
        sourceCount: Int, into target: UnsafeMutablePointer<Float>, _ epilogue: cnk_epilogue, batch: Int,
        threads: ThreadTeam
    ) {
        let rows = positions.rowCount
        let size = max(1, Self.taskFloats / max(1, positions.rowFloats))
        threads.forEachBlock(of: batch * rows, size: size) { block in
            for index in block {
                let (image, row) = index.quotientAndRemainder(dividingBy: rows)
                let origin = image * rows * positions.rowFloats
                positions.forEachSpan(row: row) { sourcePlace, targetPlace, span in
                    withUnsafePointer(to: span) { span in
                        withUnsafePointer(to: epilogue.shifted(by: origin + targetPlace)) { epilogue in
                            cnk_depthwise(
                                source + image * sourceCount + sourcePlace, weights, target + origin + targetPlace,
                                span, epilogue)
                        }
                    }
                }
            }
        }
    }

    private func parts(batch: Int) -> Int { min(batch, Self.maximumParts) }
}

/// The target positions of one direction, in spans of a row that see the same taps at even distances.
private struct DepthwisePositions: Sendable {
    private let rows: TapTable
    private let spans: [TapTable.Span]
    /// The taps of every row class and column class.
    private let taps: [[cnk_run]]
    private let columnClasses: Int
    private let sourceColumns: Int
    private let channels: Int
    /// Floats of a target row.
    let rowFloats: Int

    init(rows: TapTable, columns: TapTable, sourceColumns: Int, channels: Int, kernelColumns: Int) {
        self.rows = rows
        self.sourceColumns = sourceColumns
        self.channels = channels
        rowFloats = columns.bases.count * channels
        columnClasses = columns.classes.count
        taps = rows.classes.flatMap { rowTaps in
            columns.classes.map { columnTaps in
                rowTaps.flatMap { row in
                    columnTaps.map { column in
                        cnk_run(
                            a: (row.offset * sourceColumns + column.offset) * channels,
                            b: (row.tap * kernelColumns + column.tap) * channels)
                    }
                }
            }
        }
        spans = columns.spans
    }

    var rowCount: Int { rows.bases.count }

    /// Calls `body` with every span of a target row: where its sources and its targets start in an image.
    func forEachSpan(row: Int, _ body: (_ source: Int, _ target: Int, _ span: cnk_depthwise_span) -> Void) {
        let firstClass = rows.classOf[row] * columnClasses
        for span in spans {
            taps[firstClass + span.classNumber].withUnsafeBufferPointer { taps in
                let place = cnk_depthwise_span(
                    count: span.count, channels: channels, source_step: span.baseStep * channels,
                    target_step: span.positionStep * channels, taps: taps.baseAddress, tap_count: taps.count)
                body(
                    (rows.bases[row] * sourceColumns + span.base) * channels,
                    row * rowFloats + span.position * channels, place)
            }
        }
    }
}
