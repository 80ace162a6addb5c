import CMeasurement
import Foundation
import Unlearning
import Workloads

/// Prints how fast every layer of products of the benchmarked networks is, by itself and on one thread, as a share of the
/// machine's multiply-adds in registers.
@main
struct LayerSpeed {
    /// The networks with the batches and images of their training steps.
    private static let networks: [(name: String, batch: Int, size: Int)] = [
        ("resnet18-imagenet", 256, 32), ("resnet18-small", 64, 32), ("allcnn-bn", 128, 32), ("vit-tiny", 128, 32),
        ("resnet50", 8, 224), ("mobilenetv2", 128, 32),
    ]

    static func main() throws {
        var arguments = CommandLine.arguments.dropFirst()
        var (precision, budget, rounds, filters) = (Precision.float32, 0.2, 1, [String]())
        while let argument = arguments.popFirst() {
            if argument == "--precision", let known = arguments.popFirst().flatMap({ Precision(rawValue: $0) }) {
                precision = known
            } else if argument == "--seconds", let seconds = arguments.popFirst().flatMap({ Double($0) }), seconds > 0 {
                budget = seconds
            } else if argument == "--rounds", let count = arguments.popFirst().flatMap({ Int($0) }), count > 0 {
                rounds = count
            } else if !argument.hasPrefix("-") {
                filters.append(argument)
            } else {
                let usage =
                    "usage: layer-speed [--precision float32|bfloat16] [--seconds N] [--rounds N] [NETWORK...]\n"
                FileHandle.standardError.write(Data(usage.utf8))
                exit(64)
            }
        }
        var peak = 0.0
        var rows: [Row] = []
        for round in 0..<rounds {
            var index = 0
            for network in networks where filters.isEmpty || filters.contains(where: { network.name.contains($0) }) {
                for layer in try Layer.all(of: network.name, imageSize: network.size) {
                    peak = max(peak, measuredPeak())
                    let speed = try layer.measure(batch: network.batch, precision: precision, budget: budget)
                    if round == 0 {
                        rows.append(Row(network: "\(network.name)/\(network.batch)", layer: layer, speed: speed))
                    } else {
                        rows[index].keepFaster(speed)
                    }
                    index += 1
                }
            }
        }
        print("| network | layer | layers | ms | GFLOP/s | of peak | backward ms | GFLOP/s | of peak | algorithms |")
        print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |")
        for row in rows { print(row.text(peak: peak)) }
        print(
            "\nThe peak of one thread in float32: \(String(format: "%.0f", 1e-9 * peak)) GFLOP/s; factors: \(precision)."
        )
    }

    private struct Row {
        let network: String
        let layer: Layer
        private(set) var speed: (forward: Layer.Speed, backward: Layer.Speed)

        init(network: String, layer: Layer, speed: (forward: Layer.Speed, backward: Layer.Speed)) {
            (self.network, self.layer, self.speed) = (network, layer, speed)
        }

        mutating func keepFaster(_ other: (forward: Layer.Speed, backward: Layer.Speed)) {
            if other.forward.seconds < speed.forward.seconds { speed.forward = other.forward }
            if other.backward.seconds < speed.backward.seconds { speed.backward = other.backward }
        }

        func text(peak: Double) -> String {
            func numbers(_ speed: Layer.Speed) -> String {
                let rate = speed.operations / speed.seconds
                return String(
                    format: "%.2f | %.0f | %.0f %%", 1e3 * speed.seconds, 1e-9 * rate, 100 * rate / peak)
            }
            return "| \(network) | \(layer.name) | \(layer.count) | \(numbers(speed.forward)) | "
                + "\(numbers(speed.backward)) | \(speed.forward.algorithm) |"
        }
    }

    private static func measuredPeak() -> Double {
        let start = cm_thread_seconds()
        let operations = cm_multiply_adds(400_000)
        return operations / (cm_thread_seconds() - start)
    }
}
