/// Functions of single numbers in double precision: what the operations of the same names compute of
/// each element, for constants such as normalisers that need no tensor.
///
/// No function stops the process. What an argument outside of the domain gives, such as NaN or an
/// infinity, is stated with each.
///
/// ```swift
/// // The logarithm of the area of the unit sphere in m dimensions.
/// let logArea = log(2) + m / 2 * log(.pi) - SpecialFunctions.logGamma(m / 2)
/// ```
public enum SpecialFunctions {}
