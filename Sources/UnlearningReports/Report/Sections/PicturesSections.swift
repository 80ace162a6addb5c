import Plotting
import Unlearning

extension AuditReport {
    /// Adds penultimate features in two dimensions.
    func addEmbeddings(to page: inout Page) {
        let figures = result.figures.embeddings
        guard !figures.isEmpty else {
            page.absent(
                "features", "Features in two dimensions", missing("The map of features", measure: .linearProbe))
            return
        }
        page.section(
            "features", "Features in two dimensions",
            "Features before the last layer for some test images, projected onto the first two principal components of the "
                + "original's features; a retrained model has components of its own. If a forgotten class remains a "
                + "separate cluster, the network still distinguishes it."
        ) { page in
            page.figures(figures.map(embedding))
        }
    }

    private func embedding(_ figure: EmbeddingFigure) -> any Plot {
        let groups =
            (result.forgottenClasses + result.adjacentClasses).map { label in
                (result.classNames.className(label), Set([label]))
            } + [
                (
                    "other classes",
                    Set(result.classNames.indices).subtracting(result.forgottenClasses + result.adjacentClasses)
                )
            ]
        let explained = figure.explainedVariance.prefix(2).reduce(0, +)
        return SeriesChart(
            .points, title: "\(figure.model.title.firstCapitalized) model",
            summary: "\(figure.labels.count) test images; the plane explains "
                + "\(NumberStyle.percent.text(explained)) of the variance.",
            xAxis: Axis("first component"), yAxis: Axis("second component"),
            series: groups.map { name, labels in
                let points = figure.labels.indices.filter { labels.contains(figure.labels[$0]) }
                return PointSeries(
                    name, x: points.compactMap { figure.x.indices.contains($0) ? figure.x[$0] : nil },
                    y: points.compactMap { figure.y.indices.contains($0) ? figure.y[$0] : nil })
            })
    }

    /// Adds heat maps of where the networks look.
    func addAttention(to page: inout Page) {
        let figures = result.figures.attention
        guard !figures.isEmpty else {
            page.absent(
                "attention", "Where the network looks", missing("Where the network looks", measure: .kernelAlignment))
            return
        }
        page.section(
            "attention", "Where the network looks",
            "Grad-CAM heat maps: bright regions are evidence for the picture's true class, according to each model. Below each "
                + "picture is the class that the model predicts."
        ) { page in
            page.figures(
                figures.map(\.label).uniqued.map { label in
                    attention(figures.filter { $0.label == label }, label: label)
                })
        }
    }

    private func attention(_ figures: [AttentionFigure], label: Int) -> any Plot {
        let models = present(in: figures.map(\.heat))
        let name = result.classNames.className(label)
        return ImageGrid(
            title: "Test images of \(name)",
            summary: "The picture, and the heat map of each model over it.",
            columns: ["picture"] + models.map(\.title),
            rows: figures.map { figure in
                let picture = figure.image.pixelImage
                return ImageGrid.Row(
                    "",
                    images: [picture]
                        + models.map { model in
                            figure.heat[model].flatMap { heat in
                                picture?.overlaid(with: heat.pixels.map { Float($0) / 255 })
                            }
                        },
                    captions: [name]
                        + models.map { figure.predicted[$0].map(result.classNames.className) ?? "–" })
            })
    }

    /// Adds the curves of learning the classes again.
    func addRelearning(to page: inout Page) {
        let curves = result.figures.relearning
        guard !curves.isEmpty else {
            page.absent(
                "relearning", "Relearning", missing("The speed of relearning", measure: .relearnTime))
            return
        }
        page.section(
            "relearning", "Relearning",
            "Copies of the models are trained on images of the forgotten classes. If the unlearned model reaches the target "
                + "much sooner than a retrained one, it has kept information about them."
        ) { page in
            let repeated = curves.filter { $0.model == .retrained }.count > 1
            let lines = curves.map { curve in
                PointSeries(
                    curve.model.title + (repeated && curve.model == .retrained ? " \(curve.number + 1)" : ""),
                    x: curve.steps.map(Double.init), y: curve.accuracies)
            }
            let last = Double(curves.flatMap(\.steps).max() ?? 0)
            page.figures([
                SeriesChart(
                    .lines, title: "Forget accuracy while relearning",
                    summary: "The target is the accuracy at which the classes count as learned again.",
                    xAxis: Axis("optimizer steps"), yAxis: Axis("forget accuracy", style: .percent, range: 0...1),
                    series: lines + [.init("target", x: [0, last], y: [curves[0].target, curves[0].target])])
            ])
        }
    }
}

extension FigureImage {
    /// The picture to draw; nil if the sizes do not agree.
    fileprivate var pixelImage: PixelImage? {
        guard width <= 1024, height <= 1024, pixels.count == width * height * channels else { return nil }
        return PixelImage(width: width, height: height, bytes: [UInt8](pixels))
    }
}
