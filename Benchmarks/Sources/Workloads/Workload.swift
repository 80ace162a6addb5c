import Foundation
import Unlearning

/// A piece of work that is set up once and then repeated. Its name is the same as its PyTorch twin's.
public protocol Workload {
    /// Does the work once.
    func run() throws
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
    /// What ``named(_:threads:)`` takes, besides other sizes in the same form.
    public static let names =
        ["gemm/1024"]
        + ["forward", "backward"].flatMap { pass in
            ["64x32", "128x16", "256x8", "512x4"].map { "convolution/\(pass)/\($0)" }
        }
        + ["training-step", "input-gradient", "inference"].flatMap { kind in
            ["resnet18-imagenet/256", "resnet18-small/64", "allcnn-bn/128"].map { "\(kind)/\($0)" }
        }
        + ["forgetting/resnet18-imagenet", "retraining/resnet18-imagenet"]

    /// Sets a workload up.
    public static func named(_ name: String, threads: Int) throws -> any Workload {
        let parts = name.split(separator: "/").map(String.init)
        let team = ThreadTeam(workers: threads)
        switch (parts.first, parts.count) {
        case ("gemm", 2):
            if let size = Int(parts[1]), size > 0 { return try MatrixProduct(size: size, threads: team) }
        case ("convolution", 3):
            let sizes = parts[2].split(separator: "x").compactMap { Int($0) }
            if sizes.count == 2, sizes.allSatisfy({ $0 > 0 }), ["forward", "backward"].contains(parts[1]) {
                return try ConvolutionPasses(
                    channels: sizes[0], map: sizes[1], backward: parts[1] == "backward", threads: team)
            }
        case ("training-step", 3), ("input-gradient", 3), ("inference", 3):
            if let batch = Int(parts[2]), batch > 0, let kind = NetworkPass.Kind(rawValue: parts[0]) {
                return try NetworkPass(kind, network: try network(parts[1]), batch: batch, threads: team)
            }
        case ("forgetting", 2):
            return try Forgetting(network: try network(parts[1]), threads: threads)
        case ("retraining", 2):
            return try Retraining(network: try network(parts[1]), threads: threads)
        default: break
        }
        throw UnknownWorkload(name: name)
    }

    private static func network(_ name: String) throws -> any Architecture {
        let parts = name.split(separator: "-").map(String.init)
        if parts.count == 2, parts[0] == "resnet18" {
            return try Architectures.named(ArchitectureIdentifier(name: parts[0], options: ["stem": parts[1]]))
        }
        return try Architectures.named(ArchitectureIdentifier(name: name))
    }
}
