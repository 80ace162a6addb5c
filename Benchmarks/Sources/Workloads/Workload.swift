import Foundation
import Unlearning

/// A piece of work that is set up once and then repeated. Its name is the same as its PyTorch twin's.
public protocol Workload {
    /// Floating-point operations of one run if every product is done as it is defined; 0 where they are not counted.
    var operations: Double { get }

    /// The parts of the last run, in order; none of a workload that has no parts.
    var phases: [WorkloadPhase] { get }

    /// Does the work once.
    func run() throws
}

extension Workload {
    /// No parts.
    public var phases: [WorkloadPhase] { [] }
}

/// A part of a workload's run.
public struct WorkloadPhase: Codable, Sendable {
    /// The phase's name, the same as in its PyTorch twin.
    public let name: String
    /// Optimizer steps, as many as in its PyTorch twin.
    public let steps: Int
    /// How long it took.
    public let seconds: Double
}

/// A name that stands for no workload.
public struct UnknownWorkload: Error, CustomStringConvertible {
    let name: String

    public var description: String {
        "there is no workload '\(name)'; there are \(Workloads.names.joined(separator: ", "))"
    }
}

/// The workloads by name.
public enum Workloads {
    /// What ``named(_:threads:precision:)`` takes, besides other sizes in the same form: `BATCHxSIZE` for images of another size
    /// than 32x32, `forgetting/NETWORK/CLASSES` for several classes.
    public static let names =
        ["peak", "gemm/1024"]
        + ["forward", "backward"].flatMap { pass in
            ["64x32", "128x16", "256x8", "512x4"].map { "convolution/\(pass)/\($0)" }
        }
        + ["training-step", "input-gradient", "inference"].flatMap { kind in
            ["resnet18-imagenet/256", "resnet18-small/64", "allcnn-bn/128"].map { "\(kind)/\($0)" }
        }
        + ["training-step", "inference"].map { "\($0)/vit-tiny/128" }
        + ["training-step/mobilenetv2/128", "training-step/resnet50/8x224"]
        + ["forgetting", "forgetting-default", "forgetting-fast", "retraining"].map { "\($0)/resnet18-imagenet" }

    /// The matrix product kernels that were picked for this machine: OpenBLAS's, or the engine's own for bfloat16.
    public static func matrixKernels(_ precision: Precision) throws -> String {
        var builder = GraphBuilder(inputShape: [1])
        _ = try builder.linear(builder.input, named: "product", outputs: 1)
        let model = Model(graph: try builder.graph(), seed: 1)
        return Executor(model: model, batchCapacity: 1, precision: precision).matrixKernels
    }

    /// Sets a workload up.
    public static func named(
        _ name: String, threads: Int, precision: Precision = .float32
    ) throws -> any Workload {
        let parts = name.split(separator: "/").map(String.init)
        let team = ThreadTeam(workers: threads)
        switch (parts.first, parts.count) {
        case ("peak", 1): return Peak(threads: team)
        case ("gemm", 2):
            if let size = Int(parts[1]), size > 0 {
                return try MatMulWorkload(size: size, threads: team, precision: precision)
            }
        case ("convolution", 3):
            let sizes = sizes(parts[2])
            if sizes.count == 2, ["forward", "backward"].contains(parts[1]) {
                return try ConvolutionPasses(
                    channels: sizes[0], map: sizes[1], backward: parts[1] == "backward", threads: team,
                    precision: precision)
            }
        case ("training-step", 3), ("input-gradient", 3), ("inference", 3):
            let sizes = sizes(parts[2])
            if (1...2).contains(sizes.count), let kind = NetworkPass.Kind(rawValue: parts[0]) {
                return try NetworkPass(
                    kind, network: try network(parts[1]), batch: sizes[0], imageSize: sizes.count == 2 ? sizes[1] : 32,
                    threads: team, precision: precision)
            }
        case ("forgetting", 2):
            return try Forgetting(
                network: try network(parts[1]), classCount: 1, threads: threads, precision: precision)
        case ("forgetting", 3):
            if let count = Int(parts[2]), (1...9).contains(count) {
                return try Forgetting(
                    network: try network(parts[1]), classCount: count, threads: threads, precision: precision)
            }
        case ("forgetting-default", 2), ("forgetting-fast", 2):
            return try Forgetting(
                network: try network(parts[1]), preset: String(parts[0].dropFirst("forgetting-".count)),
                threads: threads,
                precision: precision)
        case ("retraining", 2):
            return try Retraining(network: try network(parts[1]), threads: threads, precision: precision)
        default: break
        }
        throw UnknownWorkload(name: name)
    }

    /// The numbers of `64x32`; none if something else stands there.
    private static func sizes(_ text: String) -> [Int] {
        let parts = text.split(separator: "x", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { Int($0) }.filter { $0 > 0 }
        return numbers.count == parts.count ? numbers : []
    }

    static func network(_ name: String) throws -> any Architecture {
        let parts = name.split(separator: "-").map(String.init)
        if parts.count == 2, parts[0] == "resnet18" {
            return try Architectures.named(ArchitectureIdentifier(name: parts[0], options: ["stem": parts[1]]))
        }
        // Patches of 4x4 pixels cut 32x32 images into as many tokens as a larger image has.
        if name.hasPrefix("vit-") {
            return try Architectures.named(ArchitectureIdentifier(name: name, options: ["patch": "4"]))
        }
        return try Architectures.named(ArchitectureIdentifier(name: name))
    }
}
