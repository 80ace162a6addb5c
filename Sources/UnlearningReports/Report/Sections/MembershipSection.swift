import Plotting
import Unlearning

extension AuditReport {
    /// Distributions of the scores that membership attacks use.
    func addMembership(to page: inout Page) {
        let figures = result.figures.membershipScores
        guard !figures.isEmpty else {
            page.absent(
                "membership", "Membership scores", missing("How scores spread", measure: .membershipEntropy))
            return
        }
        page.section(
            "membership", "Membership scores",
            "An attack guesses from a score whether an image was trained on. Forgotten training images should spread "
                + "as they do for a retrained model: a pile at a place of its own tells that they were there."
        ) { page in
            for measure in figures.map(\.measure).uniqued {
                page.heading(result[measure]?.measure.title ?? measure.rawValue)
                let shown = figures.filter { $0.measure == measure }
                let largest = shown.flatMap { $0.members + $0.nonMembers + $0.forgotten }.max()
                page.figures(
                    shown.map { figure in
                        var histogram = Histogram(
                            title: "\(figure.model.title.firstCapitalized) model",
                            summary: "Shares of images by \(figure.score).",
                            axis: Axis(figure.score), edges: figure.edges,
                            series: [
                                .init("retained, trained on", shares: figure.members),
                                .init("forgotten, trained on", shares: figure.forgotten),
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
    /// Each element once, in the order of first occurrence.
    var uniqued: [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
