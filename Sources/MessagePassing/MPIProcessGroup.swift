#if MPI
    internal import CMPI
    import Foundation
    package import NeuralGraph

    /// The processes of an MPI job.
    ///
    /// MPI moves bytes, and nothing is computed by it. Any thread may call. A lock keeps calls apart, which
    /// `MPI_THREAD_SERIALIZED` requires.
    package final class MPIProcessGroup: ProcessGroup {
        package let rank: Int
        package let count: Int
        /// The MPI library's name and version in one line.
        package let library: String
        private let mover = TransferMover()

        /// Joins the job that a launcher started.
        /// - Returns: nil if the library cannot be called from several threads.
        package init?() {
            guard cmpi_start() != 0 else { return nil }
            cmpi_prepare_ending()
            cmpi_prepare_background()
            (rank, count) = (Int(cmpi_rank()), Int(cmpi_count()))
            let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: cmpi_version_length) {
                $0.initialize(repeating: 0)
                return $0.baseAddress.map { cmpi_version($0) > 0 ? String(cString: $0) : "unknown" } ?? "unknown"
            }
            library = String(text.prefix { $0 != "\n" && $0 != "," })
        }

        package func gather(_ bytes: UnsafeMutableRawBufferPointer, counts: [Int]) {
            guard count > 1, bytes.count > 0 else { return }
            let unit = Self.unit(counts)
            mover.locked {
                withCounts(counts, unit) { counts, offsets in cmpi_gather(bytes.baseAddress, unit, counts, offsets) }
            }
        }

        package func exchange(
            _ sent: UnsafeRawBufferPointer, counts sentCounts: [Int],
            into received: UnsafeMutableRawBufferPointer, counts receivedCounts: [Int]
        ) {
            // Sender and receiver have to agree on the unit, and each sees its own counts alone.
            let unit: Int32 = 4
            mover.locked {
                withCounts(sentCounts, unit) { sentCounts, sentOffsets in
                    withCounts(receivedCounts, unit) { receivedCounts, receivedOffsets in
                        cmpi_exchange(
                            sent.baseAddress, sentCounts, sentOffsets, received.baseAddress, receivedCounts,
                            receivedOffsets, unit)
                    }
                }
            }
        }

        package func startExchange(
            _ sent: UnsafeRawBufferPointer, counts sentCounts: [Int],
            into received: UnsafeMutableRawBufferPointer, counts receivedCounts: [Int]
        ) -> Transfer {
            let unit: Int32 = 4
            return mover.start(.exchange) { [self] in
                var record: UnsafeMutableRawPointer?
                withCounts(sentCounts, unit) { sentCounts, sentOffsets in
                    withCounts(receivedCounts, unit) { receivedCounts, receivedOffsets in
                        record = cmpi_start_exchange(
                            sent.baseAddress, sentCounts, sentOffsets, received.baseAddress, receivedCounts,
                            receivedOffsets, unit)
                    }
                }
                return record
            }
        }

        package func startGather(_ bytes: UnsafeMutableRawBufferPointer, counts: [Int]) -> Transfer {
            let unit = Self.unit(counts)
            return mover.start(.gathering) { [self] in
                var record: UnsafeMutableRawPointer?
                withCounts(counts, unit) { record = cmpi_start_gather(bytes.baseAddress, unit, $0, $1) }
                return record
            }
        }

        package func isOver(_ transfer: Transfer) -> Bool {
            mover.isOver(transfer)
        }

        package func wait(for transfer: Transfer) {
            mover.finish(transfer)
        }

        package func broadcast(_ bytes: UnsafeMutableRawBufferPointer) {
            let most = 1 << 30
            mover.locked {
                for start in stride(from: 0, to: bytes.count, by: most) {
                    cmpi_broadcast(bytes.baseAddress.map { $0 + start }, Int32(min(most, bytes.count - start)))
                }
            }
        }

        /// Ends this process's part of the job once all have come to their end.
        package func finish() {
            mover.stop()
            cmpi_finish()
        }

        /// Says that this process ends early, and waits for the others to do the same.
        /// - Returns: whether all of them do within the time.
        package func allEnd(withinMilliseconds limit: Int, wait: (_ milliseconds: Int) -> Void) -> Bool {
            mover.stop()
            for _ in 0..<limit / 10 {
                if cmpi_all_end() != 0 { return true }
                wait(10)
            }
            return cmpi_all_end() != 0
        }

        /// Ends all processes of the job at once.
        package func abort(code: Int32) { cmpi_abort(code) }

        /// The largest unit that all counts are multiples of: MPI counts in 32 bits.
        private static func unit(_ counts: [Int]) -> Int32 {
            [64, 4].first { unit in counts.allSatisfy { $0 % unit == 0 } }.map(Int32.init) ?? 1
        }

        private func withCounts(
            _ counts: [Int], _ unit: Int32, _ body: (UnsafePointer<Int32>?, UnsafePointer<Int32>?) -> Void
        ) {
            var (offsets, units): ([Int32], [Int32]) = ([], [])
            var end = 0
            for count in counts.map({ $0 / Int(unit) }) {
                guard end <= Int32.max, count <= Int32.max else {
                    // Gradients of 2^31 numbers: no network that this engine runs is near.
                    return cmpi_abort(1)
                }
                offsets.append(Int32(end))
                units.append(Int32(count))
                end += count
            }
            units.withUnsafeBufferPointer { counts in
                offsets.withUnsafeBufferPointer { body(counts.baseAddress, $0.baseAddress) }
            }
        }
    }

    /// Lets transfers go on while the processors compute: MPI moves bytes only when it is called.
    ///
    /// One transfer of each kind is on its way at a time. More would fill the link's queue, in which the small messages of batch
    /// norm, for which the processors wait, come last. Unchecked, since everything is guarded by the lock.
    private final class TransferMover: @unchecked Sendable {
        enum Kind { case exchange, gathering }

        /// A transfer that was asked for.
        private final class Item {
            let kind: Kind
            /// Starts it; nil once it has been.
            var start: (() -> UnsafeMutableRawPointer?)?
            /// MPI's record of it, from its start until it has been seen to end.
            var record: UnsafeMutableRawPointer?

            init(_ kind: Kind, _ start: @escaping () -> UnsafeMutableRawPointer?) {
                (self.kind, self.start) = (kind, start)
            }

            var isOver: Bool { start == nil && record == nil }

            func begin() {
                record = start?()
                start = nil
            }
        }

        /// Microseconds between two calls.
        private static let pause: UInt32 = 100

        private let lock = NSLock()
        /// Counts transfers that were asked for.
        private let work = DispatchSemaphore(value: 0)
        /// Transfers that have not been seen to end, in the order in which they were asked for.
        private var items: [Item] = []
        private var hasThread = false
        private var isStopped = false

        /// Makes a call of MPI, while no other thread does.
        func locked<Result>(_ body: () -> Result) -> Result { lock.withLock(body) }

        /// Asks for a transfer, which starts when those of its kind before it are over.
        func start(_ kind: Kind, _ body: @escaping () -> UnsafeMutableRawPointer?) -> Transfer {
            let item = Item(kind, body)
            lock.withLock {
                items.append(item)
                move()
                // Without a thread, transfers go on when they are asked about or waited for.
                if !hasThread { hasThread = startDetachedThread { [weak self] in self?.run() } }
            }
            work.signal()
            return Transfer(record: Unmanaged.passRetained(item).toOpaque())
        }

        func isOver(_ transfer: Transfer) -> Bool {
            guard let record = transfer.record else { return true }
            let item = Unmanaged<Item>.fromOpaque(record).takeUnretainedValue()
            return lock.withLock {
                move()
                return item.isOver
            }
        }

        /// Waits until a transfer is over, and forgets it.
        func finish(_ transfer: Transfer) {
            guard let record = transfer.record else { return }
            let item = Unmanaged<Item>.fromOpaque(record).takeRetainedValue()
            while true {
                let isOver = lock.withLock {
                    move()
                    return item.isOver
                }
                if isOver { return }
            }
        }

        /// Makes no more calls. A call that another thread waits in may hold the lock for good, so this does not.
        func stop() {
            guard lock.lock(before: Date(timeIntervalSinceNow: 0.1)) else { return }
            isStopped = true
            lock.unlock()
            work.signal()
        }

        private func run() {
            while true {
                work.wait()
                while lock.withLock({ isStopped ? false : move() }) { usleep(Self.pause) }
                if lock.withLock({ isStopped }) { return }
            }
        }

        /// Starts what can start and lets everything go on; tells whether something is not over. The lock is held.
        @discardableResult
        private func move() -> Bool {
            for kind in [Kind.exchange, .gathering] {
                // What is over makes room for the next of its kind.
                while let item = items.first(where: { $0.kind == kind }) {
                    if item.start != nil { item.begin() }
                    if let record = item.record {
                        guard cmpi_is_over(record) != 0 else { break }
                        cmpi_wait(record)
                        item.record = nil
                    }
                    items.removeAll { $0 === item }
                }
            }
            return !items.isEmpty
        }
    }
#endif
