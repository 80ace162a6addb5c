import Plotting
import Unlearning

extension AuditReport {
    /// What changed and what is left, layer by layer.
    func addLayers(to page: inout Page) {
        let layers = result.figures.layers
        guard !layers.isEmpty else {
            page.absent("layers", "Layer by layer", missing("What layers hold", measure: .weightDistance))
            return
        }
        page.section(
            "layers", "Layer by layer",
            "From input to output. A model that scores 0 % may still hold the class in its features: if a linear probe "
                + "reads the class out of the unlearned model better than out of a retrained one, it was hidden and "
                + "not forgotten. A retrained model's probe is not at 0 either, since features of other classes serve."
        ) { page in
            page.figures(
                [
                    chart(
                        layers, \.probeRecall, title: "Linear probe: recall of the forgotten classes",
                        summary: "Share of their test images that a linear probe of each stage's features finds.",
                        axis: Axis("recall", style: .percent, range: 0...1)),
                    chart(
                        layers, \.centroidRecall, title: "Nearest class centroid: recall of the forgotten classes",
                        summary: "The same by the nearest mean feature of a class.",
                        axis: Axis("recall", style: .percent, range: 0...1)),
                    chart(
                        layers, \.alignment, title: "Likeness of features to the original's",
                        summary: "Linear CKA of each stage's features: 1 is the same up to rotation and scale.",
                        axis: Axis("linear CKA", range: 0...1)),
                    chart(
                        layers, \.weightDistance, title: "Distance of weights to the original's",
                        summary:
                            "Norm of the difference by the norm of the original's weights. Retraining moves every layer; a "
                            + "change in the last layers alone is easy to undo.",
                        axis: Axis("relative distance")),
                ].compactMap(\.self))
        }
    }

    private func chart(
        _ layers: [LayerFigure], _ values: KeyPath<LayerFigure, ByModel<Double>>, title: String,
        summary: String, axis: Axis
    ) -> (any Plot)? {
        let models = present(in: layers.map { $0[keyPath: values] })
        let shown = layers.filter { layer in models.contains { layer[keyPath: values][$0] != nil } }
        guard !shown.isEmpty else { return nil }
        return BarChart(
            title: title, summary: summary, axis: axis, groups: shown.map(\.name),
            series: models.map { model in
                BarChart.Series(
                    model.title, values: shown.map { $0[keyPath: values][model] }, style: model.position)
            })
    }
}
