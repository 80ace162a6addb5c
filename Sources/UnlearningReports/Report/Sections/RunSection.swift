import Foundation
import Plotting
import Unlearning

extension AuditReport {
    private static let phases: [(phase: RunPhase, title: String, loss: String)] = [
        (.noise, "Noise", "objective"), (.synthesis, "Synthesis", "objective"), (.teaching, "Teaching", "loss"),
        (.importance, "Importance", "loss"), (.forgetting, "Forgetting", "loss"), (.impair, "Impair", "loss"),
        (.repair, "Repair", "loss"), (.training, "Training", "loss"),
    ]
    private static let imagesPerClass = 5

    /// Adds the run that made the model forget: losses and noise.
    func addRun(to page: inout Page) {
        guard let run = record.forgetting else {
            page.absent(
                "run", "The unlearning run",
                "Loss curves and learned noise are not shown: the audit was given model files, not the run that made them. "
                    + "'unlearn forget --report' shows them.")
            return
        }
        page.section(
            "run", "The unlearning run",
            (run.configuration == nil ? "Method: \(run.method ?? "not recorded"). " : "")
                + (run.phaseSeconds[RunPhase.noise.rawValue] == nil
                    ? ""
                    : "UNSIR learns noise that maximizes the original's loss for the class, trains a step on it to damage the "
                        + "class (impair), and then trains on the retained classes to restore them (repair). It did not use "
                        + "images of the forgotten classes. ") + "Its settings are listed under Record."
        ) { page in
            let accuracies = run.accuracies ?? [:]
            page.table(
                "Phases",
                columns: ["phase", "steps", "seconds", "first loss", "last loss"]
                    + (accuracies.isEmpty ? [] : ["forgotten classes after it", "retained classes after it"]),
                rows: Self.phases.filter { run.phaseSeconds[$0.phase.rawValue] != nil }.map { phase, title, _ in
                    let losses = run.losses[phase.rawValue] ?? []
                    return [
                        title, "\(losses.count)",
                        run.phaseSeconds[phase.rawValue].map { String(format: "%.1f", $0) } ?? "–",
                        losses.first.map(NumberStyle.plain().text) ?? "–",
                        losses.last.map(NumberStyle.plain().text) ?? "–",
                    ] + (accuracies.isEmpty ? [] : Self.shares(accuracies[phase.rawValue]))
                })
            page.figures(
                Self.phases.compactMap { phase, title, loss in
                    guard let losses = run.losses[phase.rawValue], !losses.isEmpty else { return nil }
                    return SeriesChart(
                        .lines, title: "\(title): \(loss) by step",
                        summary: "From \(NumberStyle.plain().text(losses[0])) to "
                            + "\(NumberStyle.plain().text(losses[losses.count - 1])) in \(losses.count) steps.",
                        xAxis: Axis("step"), yAxis: Axis(loss), series: [.init(title, y: losses)])
                } + noisePictures)
            if noisePictures.isEmpty, run.configuration != nil {
                page.paragraph(
                    noise.isEmpty
                        ? "The learned noise is not shown: it was not kept."
                        : "The learned noise is not shown: it is not an image of one or three channels.")
            }
        }
    }

    /// Accuracy after a phase, on the validation data.
    private static func shares(_ accuracy: StepAccuracy?) -> [String] {
        [accuracy?.forgotten, accuracy?.retained].map { $0.map(NumberStyle.percent.text) ?? "–" }
    }

    private var noisePictures: [any Plot] {
        let rows = noise.compactMap { noise -> ImageGrid.Row? in
            let images = Self.pictures(noise.images, count: Self.imagesPerClass)
            return images.isEmpty ? nil : ImageGrid.Row(result.classNames.className(noise.label), images: images)
        }
        guard !rows.isEmpty else { return [] }
        return [
            ImageGrid(
                title: "Learned noise",
                summary: "The first \(Self.imagesPerClass) noise images of each forgotten class, each scaled from its "
                    + "smallest to its largest value.",
                rows: rows)
        ]
    }

    /// Converts inputs `[images, height, width, channels]` to pictures; empty for other shapes.
    private static func pictures(_ tensor: Tensor, count: Int) -> [PixelImage] {
        guard tensor.shape.rank == 4 else { return [] }
        let (height, width, channels) = (tensor.shape[1], tensor.shape[2], tensor.shape[3])
        let size = height * width * channels
        guard channels == 1 || channels == 3, height <= 256, width <= 256, size > 0 else { return [] }
        return (0..<min(count, tensor.shape[0])).compactMap { image in
            PixelImage(
                width: width, height: height,
                values: Array(tensor.elements[image * size..<(image + 1) * size]))
        }
    }
}
