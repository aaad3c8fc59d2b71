"""The signs of the field's LaTeX: which decorate, which take arguments, which are two spellings of one."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


def _listed(text: str) -> list[str]:
    return text.split()


GREEK = words(
    "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau phi chi psi omega ell "
    "Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega partial emptyset varnothing infty varsigma varrho varpi"
)
ACCENTS = {
    "hat": "hat",
    "widehat": "hat",
    "bar": "bar",
    "overline": "bar",
    "tilde": "tilde",
    "widetilde": "tilde",
    "dot": "dot",
    "ddot": "ddot",
    "check": "check",
    "breve": "breve",
    "underline": "underline",
}
SPACES = words(
    r"\, \; \: \! \  ~ \quad \qquad \> \/ \enspace \thinspace \hfill \enskip \strut \mathstrut "
    r"\vdots"
)
SPACES |= {"\\ ", "\\\n", "\\\t", "~"}
WIDE_SPACES = frozenset([r"\quad", r"\qquad"])
SIZES = words(
    r"\big \Big \bigg \Bigg \bigl \bigr \Bigl \Bigr \biggl \biggr \Biggl \Biggr \bigm \Bigm \biggm \Biggm \middle "
    r"\displaystyle \textstyle \scriptstyle \scriptscriptstyle \limits \nolimits \small \large \normalsize \notag "
    r"\nonumber \relax \noindent \centering \footnotesize \tiny \Large \mathsurround \bf \rm \it \sf \displaylimits "
    r"\allowbreak \nobreak \protect \medspace \thickspace \bfseries \itshape \boldmath \square \blacksquare \qed "
    r"\Box \qedhere \huge \Huge \LARGE \scriptsize"
)
DROP_ARGUMENT = words(
    r"\tag \label \hspace \vspace \phantom \hphantom \vphantom \color \ref \eqref \cite \footnote \hskip \mspace "
    r"\intertext \shortintertext \raisetag \vcenter \kern \mkern \nbsp"
)
SECOND_ARGUMENT = words(r"\textcolor \colorbox \htmlClass \class \htmlId \href \cssId \style \raisebox")
TRANSPARENT = words(
    r"\boxed \cancel \bcancel \xcancel \ensuremath \mathop \mathrel \mathbin \mathopen \mathclose \mathord \mathinner "
    r"\smash \vec \fbox \hbox \mbox \substack \mathpunct \pmb \bbox \overrightarrow \llap \rlap \underlines"
)
STYLES = words(
    r"\mathbf \boldsymbol \bm \mathrm \mathsf \mathit \mathnormal \bold \symbf \symbfit \symrm \mathtt \textit "
    r"\textbf \textrm \textsf \text \operatorname \mathbb \mathcal \mathscr \mathfrak \cal \emph \textnormal "
    r"\textsc \texttt \Bbb \frak \mathds \boldsymbolsymbol \textup \vb"
)
TEXTS = words(r"\text \textrm \textit \textbf \textsf \textnormal \operatorname \emph \textsc \texttt \textup")
SCRIPT_LETTERS = words(r"\mathbb \mathcal \mathscr \mathfrak \cal \Bbb \frak \mathds")
FANCY = {"E": "𝔼", "N": "𝒩", "L": "ℒ", "R": "ℝ", "U": "𝒰", "T": "𝒯", "V": "𝕍", "H": "ℋ"}
SAME = {
    r"\mid": "|",
    r"\vert": "|",
    r"\lvert": "|",
    r"\rvert": "|",
    r"\|": "‖",
    r"\Vert": "‖",
    r"\lVert": "‖",
    r"\rVert": "‖",
    r"\parallel": "‖",
    r"\lbrace": r"\{",
    r"\rbrace": r"\}",
    r"\lbrack": "[",
    r"\rbrack": "]",
    r"\ast": "*",
    r"\cdot": "·",
    r"\bullet": "·",
    r"\times": "×",
    r"\odot": "⊙",
    r"\intop": r"\int",
    r"\circ": "⊙",
    r"\coloneqq": ":=",
    r"\coloneq": ":=",
    r"\eqqcolon": "=:",
    r"\triangleq": ":=",
    r"\leq": r"\le",
    r"\leqslant": r"\le",
    r"\geq": r"\ge",
    r"\geqslant": r"\ge",
    r"\eqslantgtr": r"\ge",
    r"\eqslantless": r"\le",
    r"\lt": "<",
    r"\gt": ">",
    r"\intercal": r"\top",
    r"\gets": r"\leftarrow",
    r"\rightarrow": r"\to",
    r"\longrightarrow": r"\to",
    r"\colon": ":",
    r"\prime": "'",
    r"\dotsc": r"\dots",
    r"\dotsb": r"\dots",
    r"\ldots": r"\dots",
    r"\cdots": r"\dots",
    r"\dotso": r"\dots",
    r"\Longrightarrow": r"\Rightarrow",
    r"\implies": r"\Rightarrow",
    r"\Leftrightarrow": r"\iff",
    r"\Longleftrightarrow": r"\iff",
    r"\ln": r"\log",
    r"\simeq": r"\approx",
    r"\cong": r"\approx",
    r"\langle": "⟨",
    r"\rangle": "⟩",
    r"\lang": "⟨",
    r"\rang": "⟩",
    "−": "-",
    "≤": r"\le",
    "≥": r"\ge",
    "≈": r"\approx",
    "∼": r"\sim",
    "∈": r"\in",
    "∝": r"\propto",
    "‖": "‖",
    "×": "×",
    "·": "·",
    "⋅": "·",
}
_GREEK_IN_ORDER = (
    "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau phi chi psi omega "
    "Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega epsilon phi"
)
UNICODE_LETTERS = dict(zip("αβγδεζηθκλμνξπρστφχψωΓΔΘΛΞΠΣΦΨΩϵϕ", _listed(_GREEK_IN_ORDER), strict=True))
VARIANTS = {"varepsilon": "epsilon", "varphi": "phi", "vartheta": "theta", "hslash": "hbar"}  # fmt: skip
UNICODE_VARIANTS = {"ε": "epsilon"}
ONE_ARGUMENT = frozenset(ACCENTS)
ENVIRONMENTS_OF_ROWS = words(
    "aligned align align* split gather gather* gathered equation equation* multline multline* eqnarray eqnarray* "
    "alignat alignat* alignedat flalign flalign* displaymath math subequations dmath dmath* empheq"
)
WORDS_OF_COMMANDS = {r"\min": "min", r"\max": "max", r"\argmin": "argmin", r"\argmax": "argmax", r"\det": "det",
                     r"\exp": "exp", r"\log": "log", r"\tr": "tr", r"\Tr": "tr", r"\KL": "KL", r"\Pr": "Pr",
                     r"\dim": "dim", r"\inf": "inf", r"\sup": "sup", r"\sin": "sin", r"\cos": "cos", r"\tanh": "tanh",
                     r"\diag": "diag", r"\sgn": "sgn", r"\lim": "lim", r"\arg": "arg", r"\E": "𝔼"}  # fmt: skip
