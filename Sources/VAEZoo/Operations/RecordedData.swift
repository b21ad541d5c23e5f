import VAECore
import VAERecipes

/// Data that a recipe speaks of, where nobody gives any: nothing is known of them beyond that.
struct RecordedData: DescribedData {
  private let images: StandInData

  init(_ recipe: Recipe) { images = StandInData(recipe.data) }

  func description(_ options: TrainingOptions) -> DataDescription { images.description(options) }

  func condition(
    of recipe: Recipe, isTold: Bool, known: ConditionSpace?
  ) -> ConditionSpace? {
    isTold ? known : nil
  }
}
