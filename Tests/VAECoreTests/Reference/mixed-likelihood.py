"""Log-densities of the columns of a table by SciPy, which MixedLikelihoodTests compares with: python mixed-likelihood.py"""

from scipy import stats
from scipy.special import log_softmax

# A real column: centre 3, scale 2, rounded to no digits; value 5.5, mean 0.4 and deviation 0.7 as a model sees it.
print("real", stats.norm.logpdf(5.5, loc=3 + 2 * 0.4, scale=2 * 0.7))
# Two components: means 0.4 and -1, logits 0.3 and -0.2, deviation 0.7.
weights = log_softmax([0.3, -0.2])
parts = [stats.norm.logpdf(5.5, loc=3 + 2 * m, scale=1.4) for m in (0.4, -1)]
import numpy

print("mixture", numpy.logaddexp.reduce(weights + parts))
# A positive one: the logarithm has centre 1, scale 0.5; value 4.2, the rest as before.
print("positive", stats.lognorm.logpdf(4.2, s=0.35, scale=numpy.exp(1 + 0.5 * 0.4)))
# A count: log (1 + n) has centre 1.5, scale 0.8; value 7, number 0.4, dispersion 2.5.
mean = numpy.exp(1.5 + 0.8 * 0.4)
print("negative-binomial", stats.nbinom.logpmf(7, 2.5, 2.5 / (2.5 + mean)))
print("poisson", stats.poisson.logpmf(7, mean))
# Yes with logit -0.6; the second of three categories with logits 0.2, -1, 0.5.
print("yes-no", stats.bernoulli.logpmf(1, 1 / (1 + numpy.exp(0.6))))
print("category", log_softmax([0.2, -1, 0.5])[1])
# A real column with a point: logits 0.9 of no point and -0.3 of the point.
print("point", log_softmax([0.9, -0.3])[1])
print("no point", log_softmax([0.9, -0.3])[0] + stats.norm.logpdf(5.5, loc=3.8, scale=1.4))
