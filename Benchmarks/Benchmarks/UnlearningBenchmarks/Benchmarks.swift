import Benchmark
import Foundation
import Workloads

/// Every workload but the long ones is repeated for a few seconds; forgetting and retraining run once.
let benchmarks: @Sendable () -> Void = {
    let threads = ProcessInfo.processInfo.environment["UNLEARNING_THREADS"].flatMap { Int($0) } ?? 2
    for name in Workloads.names {
        let isLong = name.hasPrefix("forgetting") || name.hasPrefix("retraining")
        let configuration = Benchmark.Configuration(
            metrics: [.wallClock, .peakMemoryResident], warmupIterations: isLong ? 0 : 2,
            maxDuration: .seconds(isLong ? 600 : 3), maxIterations: isLong ? 1 : 50)
        Benchmark(name, configuration: configuration) { benchmark, workload in
            for _ in benchmark.scaledIterations { try workload.run() }
        } setup: {
            try Workloads.named(name, threads: threads)
        }
    }
}
