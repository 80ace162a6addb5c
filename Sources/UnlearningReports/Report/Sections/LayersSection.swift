import Plotting
import Unlearning

extension LayerFigure {
    /// The probe's accuracy on retained classes, empty where a record of an earlier version has none.
    fileprivate var probeAccuracyOnRetained: ByModel<Double> { retainedProbeAccuracy ?? ByModel() }
}

extension AuditReport {
    /// Adds changes of features and weights by layer.
    func addLayers(to page: inout Page) {
        let layers = result.figures.layers
        guard !layers.isEmpty else {
            page.absent("layers", "Layer by layer", missing("The comparison of layers", measure: .weightDistance))
            return
        }
        page.section(
            "layers", "Layer by layer",
            "From input to output. A model with a forget accuracy of 0 % may still hold the class in its features: if a "
                + "linear probe finds the class in the unlearned model more often than in a retrained one, the class was "
                + "hidden, not forgotten. The probe of a retrained model is not at 0 % either, since features of other "
                + "classes describe the class too."
        ) { page in
            page.figures(
                [
                    chart(
                        layers, \.probeRecall, title: "Linear probe: recall of the forgotten classes",
                        summary: "Share of their test images that a linear probe of each stage's features recognizes.",
                        axis: Axis("recall", style: .percent, range: 0...1)),
                    chart(
                        layers, \.probeAccuracyOnRetained, title: "Linear probe: accuracy on the retained classes",
                        summary:
                            "The share of their test images that the same probe of each stage puts in the right class.",
                        axis: Axis("accuracy", style: .percent, range: 0...1)),
                    chart(
                        layers, \.centroidRecall, title: "Nearest class centroid: recall of the forgotten classes",
                        summary: "The same for the class with the nearest mean features.",
                        axis: Axis("recall", style: .percent, range: 0...1)),
                    chart(
                        layers, \.alignment, title: "Similarity of features to the original's",
                        summary: "Linear CKA of each stage's features: 1 means equal up to rotation and scale.",
                        axis: Axis("linear CKA", range: 0...1)),
                    chart(
                        layers, \.weightDistance, title: "Distance of weights from the original's",
                        summary:
                            "Norm of the difference divided by the norm of the original's weights. Retraining changes every "
                            + "layer; a change of the last layers alone is easy to undo.",
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
