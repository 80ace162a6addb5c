// A report is about an audit: one import gives both.
@_exported import Unlearning
