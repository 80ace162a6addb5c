import Plotting
import Unlearning

extension AuditReport {
    /// Adds the distributions of the scores that membership attacks use.
    func addMembership(to page: inout Page) {
        let figures = result.figures.membershipScores
        guard !figures.isEmpty else {
            page.absent(
                "membership", "Membership scores",
                missing("The distribution of membership scores", measure: .membershipEntropy))
            return
        }
        page.section(
            "membership", "Membership scores",
            "A membership attack guesses from a score whether the model was trained on an image. The scores of forgotten "
                + "training images should be distributed as for a retrained model; a peak of their own reveals that they "
                + "were in the training data."
        ) { page in
            for measure in figures.map(\.measure).uniqued {
                page.heading(result[measure]?.measure.title ?? measure.rawValue)
                let shown = figures.filter { $0.measure == measure }
                let largest = shown.flatMap { $0.members + $0.nonMembers + $0.forgotten }.max()
                page.figures(
                    shown.map { figure in
                        var histogram = Histogram(
                            title: "\(figure.model.title.firstCapitalized) model",
                            summary: "Share of images by \(figure.score).",
                            axis: Axis(figure.score), edges: figure.edges,
                            series: [
                                .init("retained, training", shares: figure.members),
                                .init("forgotten, training", shares: figure.forgotten),
                                .init("retained, test", shares: figure.nonMembers),
                            ])
                        histogram.largestShare = largest
                        return histogram
                    })
            }
        }
    }
}

extension Sequence where Element: Hashable {
    /// The elements without repetitions, in the order of first occurrence.
    var uniqued: [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
