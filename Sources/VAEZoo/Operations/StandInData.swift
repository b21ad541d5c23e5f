import VAECore
import VAERecipes

/// Data that stand for those to come, where a recipe is looked at before there are any: what it says of
/// its data, or binary images of 32×32 pixels, which all variants take.
public struct StandInData: DescribedData {
  private let images: DataDescription

  /// - Parameter recipe: what the recipe says of its data.
  public init(_ recipe: DataDescription?) {
    images =
      recipe
      ?? DataDescription(height: 32, width: 32, channels: 1, range: .binary, rule: "binary")
  }

  /// The images.
  public func description(_ options: TrainingOptions) -> DataDescription { images }

  /// What the recipe says, or two classes.
  public func condition(
    of recipe: Recipe, isTold: Bool, known: ConditionSpace?
  ) -> ConditionSpace? {
    isTold ? known ?? ConditionSpace(classes: 2) : nil
  }
}
