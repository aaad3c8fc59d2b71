"""What is blocked when a code is drawn without reparameterisation, what is not, and what the other gradient costs."""

from __future__ import annotations

from derivations.notation import decay, eps, integrable, interchange_hypothesis, smooth, z
from derivations.rules import (
    POSITIVE,
    REAL,
    Chain,
    Claim,
    D,
    Density,
    Domain,
    Expect,
    Grad,
    Inner,
    LogDensity,
    Norm2,
    Normal,
    Statement,
    StopGradient,
    constant_vector,
    define,
    density,
    differentiation,
    integrate_by_parts,
    linearity,
    mean_derivative,
    moments,
    scalar,
    scalar_function,
    stein,
    stop_gradient,
    vector,
    vector_calculus,
    vector_function,
    vector_linearity,
)

parameter, parameters = scalar("encoder_weight", r"\phi"), vector("encoder_weights", r"\Phi")
average_of = scalar_function("averaged_of", "f")
centre, way = constant_vector("code_centre", "m"), constant_vector("code_way", "u")
spread = scalar("code_variance", "v", positive=True)
drawn = vector_function("drawn_code", r"\hat z")(parameter, eps)  # mu_phi + sigma_phi eps
encoder, any_encoder = Normal(z, centre, spread), Density("q", z, parameters)
off = z - centre
one_draw = define(
    "score_estimate", r"\hat g", lambda c, at, of, v: Inner(c, at) * Inner(c, at - of) / v, notation=False
)
estimate = one_draw(way, z, centre, spread)
own = -Grad(LogDensity(encoder), z)  # (z - m)/v

nondifferentiable = Claim(
    id="vae.reparameterization.nondifferentiable_sampling",
    title="Drawing a code blocks one gradient, and not the other",
    chapter="Reparameterisation",
    kind="gradient",
    says=(
        Statement(
            D(average_of(StopGradient(drawn)), parameter),
            "=",
            0,
            name="blocked",
            words="a code that is handed on as a number knows nothing of the parameters it was drawn with",
        ),
        Statement(
            Grad(Expect(any_encoder, average_of(z)), parameters),
            "=",
            Expect(any_encoder, average_of(z) * Grad(LogDensity(any_encoder), parameters)),
            name="score function",
            words="yet the gradient of the mean is itself a mean over such codes, and asks for no gradient of f: each "
            "code's value, times the gradient of how likely it was",
        ),
        Statement(
            Expect(encoder, average_of(z) * Inner(way, off) / spread),
            "=",
            Expect(encoder, Inner(way, Grad(average_of(z), z))),
            name="the same mean",
            words="for a Gaussian that is moved along u, both estimators have one mean: the score's and the "
            "pathwise one",
        ),
        Statement(
            Expect(encoder, estimate), "=", Norm2(way), name="linear", words="for f = <u, z> the pathwise one is |u|^2"
        ),
        Statement(
            Expect(encoder, (estimate - Norm2(way)) ** 2),
            "=",
            2 * Norm2(way) ** 2 + Norm2(way) * Inner(way, centre) ** 2 / spread,
            name="variance",
            words="without any variance; that of the score's estimate grows with how far f is from 0, and without "
            "bound as the encoder sharpens unless f is 0 at its centre: a sharp encoder pays for it",
        ),
    ),
    domain=Domain({"encoder_weight": REAL, "code_variance": POSITIVE}),
    hypotheses=(integrable, smooth, interchange_hypothesis, decay),
    scope="any dimension; statement 1: any f and any differentiable sampler; 2: any density with any parameters; 3: "
    "isotropic Gaussians, any f; 4 and 5: f = <u, z>. Densities may be differentiated under the mean, f grows no "
    "faster than the Gaussian falls",
    sources=("journey, 1.3", "article, Reparameterization trick", "notes, 1.2.3", "Williams 1992"),
    words="Sampling does not forbid a gradient, it forbids the pathwise one. The score-function estimator needs no "
    "reparameterisation, and serves where there is none, as for discrete codes; it pays in variance.",
)


@nondifferentiable.proves("blocked")
def _(line: Chain) -> None:
    line(D(average_of(StopGradient(drawn)), parameter))
    line(0, by=[differentiation, stop_gradient], why="what is stopped is held fixed")


@nondifferentiable.proves("score function")
def _(line: Chain) -> None:
    line(Grad(Expect(any_encoder, average_of(z)), parameters))
    line(
        Expect(any_encoder, average_of(z) * Grad(LogDensity(any_encoder), parameters)),
        by=[mean_derivative, vector_calculus],
        why="grad q = q grad log q, and f has no parameter",
    )


@nondifferentiable.proves("the same mean")
def _(line: Chain) -> None:
    line(Expect(encoder, average_of(z) * Inner(way, off) / spread))
    line(
        Expect(encoder, Inner(average_of(z) * way, own)),
        by=[density, vector_calculus],
        why="the score of a Gaussian is (m - z)/v",
    )
    line(
        Expect(encoder, Inner(way, Grad(average_of(z), z))),
        by=[integrate_by_parts(), vector_calculus],
        why="the divergence of f u",
    )


@nondifferentiable.proves("linear")
def _(line: Chain) -> None:
    line(Expect(encoder, estimate))
    line(Norm2(way), by=[moments], why="<u, z> and <u, z - m> have the covariance v |u|^2")


@nondifferentiable.proves("variance")
def _(line: Chain) -> None:
    along = Inner(way, z)
    line(Expect(encoder, (estimate - Norm2(way)) ** 2))
    line(
        Expect(encoder, estimate**2) - 2 * Norm2(way) * Expect(encoder, estimate) + Norm2(way) ** 2,
        by=linearity,
        why="the square of a difference",
    )
    line(
        Expect(encoder, Inner(way, own) * along**2 * Inner(way, off) / spread)
        - 2 * Norm2(way) * Expect(encoder, estimate)
        + Norm2(way) ** 2,
        by=[density, vector_calculus],
        why="one factor <u, z - m>/v is the score's",
    )
    line(
        2 * Norm2(way) ** 2 + Norm2(way) * Inner(way, centre) ** 2 / spread,
        by=[stein, vector_linearity, moments],
        why="by parts the first mean is 2 |u|^2 E <u, z> <u, z - m>/v + |u|^2 E <u, z>^2/v: 3 - 2 + 1 of |u|^4",
    )
