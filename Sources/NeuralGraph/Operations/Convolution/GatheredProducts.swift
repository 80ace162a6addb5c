import CNeuralKernels

/// The products of one direction of a convolution: every target position gathers source positions through taps.
///
/// In bfloat16 a task rounds its own images where it has all products that read them; else all images are rounded first.
struct GatheredProducts: Sendable {
    /// The runs of all positions of one row class and one column class.
    private struct PositionClass: Sendable {
        let runs: [cnk_run]
        /// Words of each run: side by side in the source and in the packed weights.
        let length: Int
    }

    let rows: TapTable
    private let columns: TapTable
    private let rowSpans: [TapTable.Span]
    let columnSpans: [TapTable.Span]
    private let classes: [PositionClass]
    private let usedRows: [Int]
    private let usedColumns: [Int]
    private let kernelColumns: Int
    let sourceColumns: Int
    let sourceChannels: Int
    private let targetChannels: Int
    let sourcePositions: Int
    let precision: Precision
    /// Words of a source position: floats, or pairs of bfloat16.
    let sourceWords: Int
    /// Words from one image of the source to the next.
    let imageWords: Int

    private static let panel = Int(CNK_PANEL)
    /// Rows of a product that fill the micro-kernel's registers.
    static let enoughRows = 12

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
        rowSpans = rows.spans
        columnSpans = columns.spans
        self.sourceColumns = sourceColumns
        self.sourceChannels = sourceChannels
        self.sourcePositions = sourcePositions
        self.precision = precision
        self.sourceWords = sourceWords
        imageWords =
            precision == .float32
            ? sourcePositions * sourceWords : Self.withoutAliasing(sourcePositions * sourceWords)
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
    var panelStride: Int { usedRows.count * usedColumns.count * sourceWords * Self.panel }
    var panels: Int { (targetChannels + Self.panel - 1) / Self.panel }
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
        let tasks = tasks(batch: batch, workers: threads.workers)
        let roundsFirst = precision == .bfloat16 && !tasks.roundsImages
        if roundsFirst { round(source, batch: batch, into: scratch, threads: threads) }
        let blocks = (batch + tasks.images - 1) / tasks.images
        let rowParts = tasks.takesRows ? rows.bases.count : 1
        let targetCount = rows.bases.count * columns.bases.count * targetChannels
        threads.forEach(groups(of: tasks) * blocks * rowParts) { task, worker in
            let (rest, rowPart) = task.quotientAndRemainder(dividingBy: rowParts)
            let (group, block) = rest.quotientAndRemainder(dividingBy: blocks)
            let first = block * tasks.images
            let count = min(tasks.images, batch - first)
            let channel = group * tasks.panels * Self.panel
            var product = cnk_brgemm()
            if tasks.roundsImages {
                let rounded = scratch + worker * tasks.images * imageWords
                round(source + first * sourcePositions * sourceChannels, images: count, into: rounded)
                product.a = UnsafePointer(rounded)
            } else {
                product.a = (roundsFirst ? UnsafePointer(scratch) : source) + first * imageWords
            }
            product.b = packed + group * tasks.panels * panelStride
            product.b_panel = panelStride
            product.c = target + first * targetCount + channel
            product.columns = min(tasks.panels * Self.panel, targetChannels - channel)
            product.outer.count = 1
            product.middle.count = 1
            product.epilogue = epilogue.shifted(by: first * targetCount + channel)
            product.epilogue.bias = epilogue.bias.map { $0 + channel }
            guard tasks.takesRows else {
                for row in rowSpans {
                    for column in columnSpans { multiply(row, column, images: count, product) }
                }
                return
            }
            let row = rows.span(at: rowPart)
            for column in columnSpans { multiply(row, column, images: count, product) }
        }
    }

    /// The products of target positions that see the same taps. `start` has the images' factors and results.
    private func multiply(_ row: TapTable.Span, _ column: TapTable.Span, images: Int, _ start: cnk_brgemm) {
        let columnCount = columns.bases.count
        let place = (row.position * columnCount + column.position) * targetChannels
        let position = classes[row.classNumber * columns.classes.count + column.classNumber]
        let axes = ordered(
            rows: Axis(
                count: row.count, source: row.baseStep * sourceColumns * sourceWords,
                target: row.positionStep * columnCount * targetChannels),
            columns: Axis(
                count: column.count, source: column.baseStep * sourceWords, target: column.positionStep * targetChannels
            ),
            images: Axis(count: images, source: imageWords, target: rows.bases.count * columnCount * targetChannels))
        var product = start
        product.rows = axes.inner.count
        product.a_row = axes.inner.source
        product.c_row = axes.inner.target
        product.groups = cnk_groups(count: axes.groups.count, a: axes.groups.source, c: axes.groups.target)
        product.inner = cnk_axis(count: position.length, a: 1, b: Self.panel)
        let source = start.a + (row.base * sourceColumns + column.base) * sourceWords
        position.runs.withUnsafeBufferPointer { runs in
            product.runs = runs.baseAddress
            product.run_count = runs.count
            for index in 0..<axes.outer.count {
                product.a = source + index * axes.outer.source
                product.c = start.c + place + index * axes.outer.target
                product.epilogue = start.epilogue.shifted(by: place + index * axes.outer.target)
                if precision == .float32 { cnk_multiply(&product) } else { cnk_multiply_pairs(&product) }
            }
        }
    }

    /// The axis of a product's rows, of its groups of rows, and that of several products. Rows are a row's or a column's positions if
    /// there are enough, since images lie further apart; groups share rows of the source if they can.
    private func ordered(rows: Axis, columns: Axis, images: Axis) -> (inner: Axis, groups: Axis, outer: Axis) {
        if columns.count >= min(max(rows.count, images.count), Self.enoughRows) {
            return rows.count > 1 ? (columns, rows, images) : (columns, images, rows)
        }
        if rows.count >= min(images.count, Self.enoughRows) {
            return columns.count > 1 ? (rows, columns, images) : (rows, images, columns)
        }
        return columns.count > 1 ? (images, columns, rows) : (images, rows, columns)
    }

    /// Positions side by side: how many, and how far it is from one to the next.
    private struct Axis {
        let count: Int
        let source: Int
        let target: Int
    }
}
