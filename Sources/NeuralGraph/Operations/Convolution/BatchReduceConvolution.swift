import CNeuralKernels

/// Convolution as matrix products over the batch, one for each position of the result; nothing is unrolled or copied,
/// and taps that only meet padding cost nothing. At 1x1 a padded 3x3 convolution does 9 times less work this way, at
/// 2x2 2.25 times, at 4x4 1.44 times. It works for every stride, dilation and number of channels, and is fast for a dozen images or more.
///
/// With channels last, the inputs under a kernel row's live taps lie side by side, and so do their weights. For one
/// output position, summed over the live taps:
///
///     y [batch x outputs]  = x [batch x inputs] · w [inputs x outputs]           forward
///     dx [batch x inputs]  = dy [batch x outputs] · wᵀ [outputs x inputs]        input gradient, one input position
///
/// Weights are packed in panels of 32 columns. The micro-kernel sums over all taps before it writes a result.
///
/// In bfloat16 the inputs and the weights of two neighboring channels are a pair, in place of one float.
struct BatchReduceConvolution: ConvolutionAlgorithm {
    let geometry: ConvolutionGeometry
    private let precision: Precision
    private let outputs: GatheredProducts
    private let inputs: GatheredProducts
    private let weights: BatchReduceWeightGradient
    /// The number of images of `geometry` that one image of the batch consists of.
    private let imagesEach: Int

    init(geometry: ConvolutionGeometry, imagesEach: Int = 1, precision: Precision) {
        self.geometry = geometry
        self.precision = precision
        self.imagesEach = imagesEach
        weights = BatchReduceWeightGradient(geometry: geometry, precision: precision)
        outputs = GatheredProducts(outputsOf: geometry, precision: precision)
        inputs = GatheredProducts(inputsOf: geometry, precision: precision)
    }

    /// Whether the algorithm computes this pass at all: the weight gradient reads whole vectors of output channels.
    static func supports(_ geometry: ConvolutionGeometry, _ pass: ConvolutionPass) -> Bool {
        geometry.groups == 1 && (pass != .weightGradient || geometry.outputChannels % 16 == 0)
    }

    var name: String { geometry.isPointwise ? "product" : "batch-reduce GEMM" }

    func packedCount(_ pass: ConvolutionPass) -> Int {
        switch pass {
        case .forward: outputs.packedCount
        case .inputGradient: inputs.packedCount
        case .weightGradient: 0
        }
    }

    func scratchCount(_ pass: ConvolutionPass, batch: Int, workers: Int) -> Int {
        switch pass {
        case .forward: outputs.scratchCount(batch: batch * imagesEach, workers: workers)
        case .inputGradient: inputs.scratchCount(batch: batch * imagesEach, workers: workers)
        case .weightGradient: weights.scratchCount(batch: batch * imagesEach)
        }
    }

    func packWeights(
        _ pass: ConvolutionPass, w: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>,
        threads: ThreadTeam
    ) {
        let (inputs, outputs) = (geometry.inputChannels, geometry.outputChannels)
        let pack = precision == .float32 ? cnk_pack : cnk_pack_pairs
        let packTransposed = precision == .float32 ? cnk_pack_transposed : cnk_pack_pairs_transposed
        switch pass {
        case .forward:
            self.outputs.pack(threads: threads) { panel, columns, tap, slot, stride in
                pack(
                    w + tap * inputs * outputs + panel, outputs, inputs, columns,
                    packed + panel / Int(CNK_PANEL) * stride + slot, stride)
            }
        case .inputGradient:
            self.inputs.pack(threads: threads) { panel, columns, tap, slot, stride in
                packTransposed(
                    w + (tap * inputs + panel) * outputs, outputs, columns, outputs,
                    packed + panel / Int(CNK_PANEL) * stride + slot, stride)
            }
        case .weightGradient: break
        }
    }

    func forward(
        x: UnsafePointer<Float>, w: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, epilogue: cnk_epilogue,
        batch: Int, scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        outputs.multiply(
            x, packed: w, into: y, epilogue: epilogue, batch: batch * imagesEach, scratch: scratch, threads: threads)
    }

    func inputGradient(
        dy: UnsafePointer<Float>, w: UnsafePointer<Float>, dx: GradientTarget, batch: Int,
        scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        inputs.multiply(
            dy, packed: w, into: dx.pointer, epilogue: .adding(to: dx), batch: batch * imagesEach, scratch: scratch,
            threads: threads)
    }

    func weightGradient(
        x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dw: UnsafeMutablePointer<Float>, batch: Int,
        scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        weights.multiply(x: x, dy: dy, into: dw, batch: batch * imagesEach, scratch: scratch, threads: threads)
    }
}

/// The products of one direction: every target position gathers source positions through taps.
private struct GatheredProducts: Sendable {
    /// The runs of all positions of one row class and one column class.
    private struct PositionClass: Sendable {
        let runs: [cnk_run]
        /// Words of each run: side by side in the source and in the packed weights.
        let length: Int
    }

    private let rows: TapTable
    private let columns: TapTable
    private let spans: [TapTable.Span]
    private let classes: [PositionClass]
    private let usedRows: [Int]
    private let usedColumns: [Int]
    private let kernelColumns: Int
    private let sourceColumns: Int
    private let sourceChannels: Int
    private let targetChannels: Int
    private let sourcePositions: Int
    private let precision: Precision
    /// Words of a source position: floats, or pairs of bfloat16.
    private let sourceWords: Int

    private static let panel = Int(CNK_PANEL)
    /// Floats of packed weights that one task works with: what stays in a second-level cache beside its images.
    private static let groupFloats = 128 * 1024
    /// Images of a task: few where weights stay in cache, many elsewhere, unless there would not be two tasks for each worker.
    /// The result's bits do not depend on it.
    private static let fewImages = 24
    private static let manyImages = 96
    /// Images of a batch from which tasks of many of them are enough.
    private static let fullBatch = 6144
    /// Rows of a product that fill the micro-kernel's registers.
    private static let enoughRows = 12

    init(outputsOf geometry: ConvolutionGeometry, precision: Precision) {
        self.init(
            TapTable(outputsOf: geometry.rows), TapTable(outputsOf: geometry.columns), geometry: geometry,
            sourceColumns: geometry.columns.length, sourceChannels: geometry.inputChannels,
            sourcePositions: geometry.rows.length * geometry.columns.length, targetChannels: geometry.outputChannels,
            precision: precision)
    }

    init(inputsOf geometry: ConvolutionGeometry, precision: Precision) {
        self.init(
            TapTable(inputsOf: geometry.rows), TapTable(inputsOf: geometry.columns), geometry: geometry,
            sourceColumns: geometry.columns.outputLength, sourceChannels: geometry.outputChannels,
            sourcePositions: geometry.outputPositions, targetChannels: geometry.inputChannels, precision: precision)
    }

    private init(
        _ rows: TapTable, _ columns: TapTable, geometry: ConvolutionGeometry, sourceColumns: Int,
        sourceChannels: Int, sourcePositions: Int, targetChannels: Int, precision: Precision
    ) {
        let sourceWords = precision == .float32 ? sourceChannels : (sourceChannels + 1) / 2
        self.rows = rows
        self.columns = columns
        spans = columns.spans
        self.sourceColumns = sourceColumns
        self.sourceChannels = sourceChannels
        self.sourcePositions = sourcePositions
        self.precision = precision
        self.sourceWords = sourceWords
        self.targetChannels = targetChannels
        kernelColumns = geometry.columns.kernelSize
        let (usedRows, usedColumns) = (rows.usedTaps, columns.usedTaps)
        self.usedRows = usedRows
        self.usedColumns = usedColumns
        classes = rows.classes.flatMap { rowTaps in
            columns.classes.map { columnTaps in
                var runs: [cnk_run] = []
                // Neighbouring taps whose sources are neighbors too are one run.
                let joins = zip(columnTaps, columnTaps.dropFirst()).allSatisfy {
                    $1.tap == $0.tap + 1 && $1.offset == $0.offset + 1
                }
                for row in rowTaps {
                    for column in joins ? columnTaps.prefix(1) : columnTaps[...] {
                        let slot =
                            (usedRows.firstIndex(of: row.tap) ?? 0) * usedColumns.count
                            + (usedColumns.firstIndex(of: column.tap) ?? 0)
                        runs.append(
                            cnk_run(
                                a: (row.offset * sourceColumns + column.offset) * sourceWords,
                                b: slot * sourceWords * Self.panel))
                    }
                }
                return PositionClass(
                    runs: runs, length: runs.isEmpty ? 0 : (joins ? columnTaps.count : 1) * sourceWords)
            }
        }
    }

    /// Words from one packed panel to the next.
    private var panelStride: Int { usedRows.count * usedColumns.count * sourceWords * Self.panel }
    private var panels: Int { (targetChannels + Self.panel - 1) / Self.panel }
    var packedCount: Int { panels * panelStride }

    /// Calls `body` for every panel and used tap: the panel's first column and number of columns, the tap's number in
    /// the kernel, where its rows start within a panel, and the distance of panels.
    func pack(
        threads: ThreadTeam,
        _ body: (_ panel: Int, _ columns: Int, _ tap: Int, _ slot: Int, _ panelStride: Int) -> Void
    ) {
        threads.forEach(panels) { number, _ in
            let panel = number * Self.panel
            var slot = 0
            for row in usedRows {
                for column in usedColumns {
                    body(
                        panel, min(Self.panel, targetChannels - panel), row * kernelColumns + column, slot,
                        panelStride)
                    slot += sourceWords * Self.panel
                }
            }
        }
    }

    func multiply(
        _ source: UnsafePointer<Float>, packed: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>,
        epilogue: cnk_epilogue, batch: Int, scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        var source = source
        if precision == .bfloat16, !roundsInTasks {
            round(source, positions: batch * sourcePositions, into: scratch, threads: threads)
            source = UnsafePointer(scratch)
        }
        let sourceCount = sourcePositions * sourceWords
        let images = imagesOfTask(batch: batch, workers: threads.workers)
        let blocks = (batch + images - 1) / images
        let (rowCount, columnCount) = (rows.bases.count, columns.bases.count)
        let targetCount = rowCount * columnCount * targetChannels
        let groupPanels = groupPanels
        threads.forEach(groups * blocks * rowCount) { [source] task, worker in
            let (rest, row) = task.quotientAndRemainder(dividingBy: rowCount)
            let (group, block) = rest.quotientAndRemainder(dividingBy: blocks)
            let first = block * images
            let channel = group * groupPanels * Self.panel
            let count = min(images, batch - first)
            var product = cnk_brgemm()
            product.b = packed + group * groupPanels * panelStride
            product.b_panel = panelStride
            product.columns = min(groupPanels * Self.panel, targetChannels - channel)
            product.outer.count = 1
            product.middle.count = 1
            var start = source + first * sourceCount
            if roundsInTasks {
                let rounded = scratch + worker * images * sourceWords
                cnk_pair_columns(source + first * sourceChannels, count, sourceChannels, rounded)
                start = UnsafePointer(rounded)
            }
            for span in spans {
                let position = classes[rows.classOf[row] * columns.classes.count + span.classNumber]
                product.inner = cnk_axis(count: position.length, a: 1, b: Self.panel)
                let source = start + (rows.bases[row] * sourceColumns + span.base) * sourceWords
                let place = first * targetCount + (row * columnCount + span.position) * targetChannels + channel
                // The rows of a product are a row's positions if there are enough, since images lie further apart.
                let imageAxis = Axis(count: count, source: sourceCount, target: targetCount)
                let columnAxis = Axis(
                    count: span.count, source: span.baseStep * sourceWords, target: span.positionStep * targetChannels)
                let usesColumns = span.count >= min(count, Self.enoughRows)
                let (inner, outer) = usesColumns ? (columnAxis, imageAxis) : (imageAxis, columnAxis)
                product.rows = inner.count
                product.a_row = inner.source
                product.c_row = inner.target
                position.runs.withUnsafeBufferPointer { runs in
                    product.runs = runs.baseAddress
                    product.run_count = runs.count
                    for index in 0..<outer.count {
                        product.a = source + index * outer.source
                        product.c = target + place + index * outer.target
                        product.epilogue = epilogue.shifted(by: place + index * outer.target)
                        product.epilogue.bias = epilogue.bias.map { $0 + channel }
                        if precision == .float32 { cnk_multiply(&product) } else { cnk_multiply_pairs(&product) }
                    }
                }
            }
        }
    }

    /// Positions side by side: how many, and how far it is from one to the next.
    private struct Axis {
        let count: Int
        let source: Int
        let target: Int
    }

    /// Panels of weights that a task multiplies by, and how many groups of them there are.
    private var groupPanels: Int { evenPart(of: panels, most: max(1, Self.groupFloats / max(1, panelStride)), step: 1) }
    private var groups: Int { (panels + groupPanels - 1) / groupPanels }

    private func imagesOfTask(batch: Int, workers: Int) -> Int {
        let isFull = precision == .float32 && batch >= Self.fullBatch
        var images = packedCount <= Self.groupFloats && !isFull ? Self.fewImages : Self.manyImages
        while images > Self.fewImages, tasks(images: images, batch: batch) < 2 * workers { images /= 2 }
        return images
    }

    private func tasks(images: Int, batch: Int) -> Int { groups * ((batch + images - 1) / images) * rows.bases.count }

    /// Whether each task rounds its own images, since no other reads them.
    private var roundsInTasks: Bool { precision == .bfloat16 && sourcePositions == 1 }

    /// Words of rounded sources.
    func scratchCount(batch: Int, workers: Int) -> Int {
        guard precision == .bfloat16 else { return 0 }
        let positions = roundsInTasks ? workers * imagesOfTask(batch: batch, workers: workers) : batch * sourcePositions
        return positions * sourceWords
    }

    private func round(
        _ source: UnsafePointer<Float>, positions: Int, into pairs: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        threads.forEachChunk(of: positions, floatsEach: sourceChannels) { part in
            cnk_pair_columns(
                source + part.lowerBound * sourceChannels, part.count, sourceChannels,
                pairs + part.lowerBound * sourceWords)
        }
    }
}
