package import NeuralGraph
import Synchronization

/// Reads picture files as a network of one size takes them.
package struct PictureReader: Sendable {
    package let fitting: PictureFitting
    let limits: PictureLimits

    package init(fitting: PictureFitting, limits: PictureLimits) {
        self.fitting = fitting
        self.limits = limits
    }

    /// Reads one file.
    /// - Parameter target: at least `fitting.shape.count` bytes.
    package func read(_ path: String, into target: inout MutableSpan<UInt8>) throws(PictureError) {
        let picture = try DecodedPicture.read(path, limits: limits)
        unsafe target.withUnsafeMutableBufferPointer { target in
            guard let start = target.baseAddress else { return }
            unsafe picture.withUprightPixels { unsafe fitting.write($0, into: start) }
        }
    }

    /// Which of many files cannot be read, in their order; all threads look for them.
    /// - Parameter check: takes a file's position and path, on any thread.
    package static func failures(
        of paths: [String], _ threads: ThreadTeam, check: @Sendable (Int, String) throws(PictureError) -> Void
    ) -> [(position: Int, error: PictureError)] {
        let found = Mutex<[(position: Int, error: PictureError)]>([])
        threads.forEach(paths.count) { position, _ in
            do throws(PictureError) {
                try check(position, paths[position])
            } catch {
                found.withLock { $0.append((position, error)) }
            }
        }
        return found.withLock { $0 }.sorted { $0.position < $1.position }
    }
}

/// Limits of a picture's size, checked before memory is allocated, since a small file can claim any size.
package struct PictureLimits: Sendable, Hashable {
    /// The most pixels of a picture.
    package var pixels: Int
    /// The most bytes that decoding one picture may take; one picture is decoded on every thread.
    package var bytes: Int
    /// The most bytes of a file.
    package var fileBytes: Int

    /// The most pixels of a row or a column.
    static let side = 1_000_000

    /// Creates limits.
    /// - Parameters:
    ///   - pixels: 128 Mi by default, more than any camera takes.
    ///   - bytes: 1 GiB by default.
    ///   - fileBytes: 256 MiB by default.
    package init(pixels: Int = 1 << 27, bytes: Int = 1 << 30, fileBytes: Int = 1 << 28) {
        self.pixels = pixels
        self.bytes = bytes
        self.fileBytes = fileBytes
    }
}
