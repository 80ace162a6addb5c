/// The package's version.
public enum PackageVersion {
    /// Major, minor and patch.
    public static let current = "0.1.0"
}
