"""Lines of the field that are true, each with the context it stands in: what planted mistakes are planted in."""

from __future__ import annotations

TRUE = [
    ("ddpm", r"q(x_t|x_0) = \mathcal N(x_t; \sqrt{\bar\alpha_t}x_0, (1-\bar\alpha_t)I)"),
    ("ddpm", r"\bar\alpha_t = \alpha_t\bar\alpha_{t-1}"),
    ("ddpm", r"\bar\alpha_t = \prod_{s=1}^t (1-\beta_s)"),
    ("ddpm", r"\tilde\beta_t = \frac{1-\bar\alpha_{t-1}}{1-\bar\alpha_t}\beta_t"),
    (
        "ddpm",
        r"\tilde\mu_t(x_t,x_0) = \frac{\sqrt{\bar\alpha_{t-1}}\beta_t}{1-\bar\alpha_t}x_0"
        r" + \frac{\sqrt{\alpha_t}(1-\bar\alpha_{t-1})}{1-\bar\alpha_t}x_t",
    ),
    (
        "ddpm",
        r"q(x_{t-1}|x_t,x_0) = \mathcal N\left(x_{t-1}; \frac{\sqrt{\bar\alpha_{t-1}}\beta_t}{1-\bar\alpha_t}x_0"
        r" + \frac{\sqrt{\alpha_t}(1-\bar\alpha_{t-1})}{1-\bar\alpha_t}x_t,"
        r" \frac{1-\bar\alpha_{t-1}}{1-\bar\alpha_t}\beta_t I\right)",
    ),
    ("ddpm", r"x_0 = \frac{1}{\sqrt{\bar\alpha_t}}\left(x_t - \sqrt{1-\bar\alpha_t}\epsilon\right)"),
    ("ddpm", r"x_t = \sqrt{\alpha_t\alpha_{t-1}}x_{t-2} + \sqrt{1-\alpha_t\alpha_{t-1}}\epsilon"),
    (
        "ddpm",
        r"\frac{1}{\sqrt{\alpha_t}}\left(x_t - \frac{\beta_t}{\sqrt{1-\bar\alpha_t}}\epsilon_\theta(x_t,t)\right)"
        r" - \frac{x_t}{\sqrt{\alpha_t}}"
        r" = -\frac{1-\alpha_t}{\sqrt{\alpha_t}\sqrt{1-\bar\alpha_t}}\epsilon_\theta(x_t,t)",
    ),
    ("ddpm", r"p_\theta(x_{0:T}) = p(x_T)\prod_{t=1}^T p_\theta(x_{t-1}|x_t)"),
    (
        "ddpm",
        r"\log p_\theta(x_0) \ge \mathbb E_{q(x_{1:T}|x_0)}\left[\log\frac{p_\theta(x_{0:T})}{q(x_{1:T}|x_0)}\right]",
    ),
    ("ddpm", r"\text{SNR}(t) = \frac{\bar\alpha_t}{1-\bar\alpha_t}"),
    ("ddpm", r"1-\bar\alpha_t = \beta_t + \alpha_t(1-\bar\alpha_{t-1})"),
    ("ddpm", r"\|\epsilon-\epsilon_\theta(x_t,t)\|^2 = \|\epsilon\|^2 - 2\epsilon^\top\epsilon_\theta(x_t,t)"
             r" + \|\epsilon_\theta(x_t,t)\|^2"),
    ("ddpm", r"\log\frac{\bar\alpha_t}{1-\bar\alpha_t} = \log\bar\alpha_t - \log(1-\bar\alpha_t)"),
    ("vae", r"\log p_\theta(x) \ge \mathbb E_{q_\phi(z|x)}[\log p_\theta(x|z)] - D_{KL}(q_\phi(z|x)\|p(z))"),
    ("vae", r"\log p(x) = \mathbb E_{q(z|x)}\left[\log\frac{p(x,z)}{q(z|x)}\right] + D_{KL}(q(z|x)\|p(z|x))"),
    ("vae", r"D_{KL}(q(z|x)\|p(z|x)) = \mathbb E_{q(z|x)}[\log q(z|x) - \log p(x,z)] + \log p(x)"),
    ("vae", r"p(z|x) = \frac{p(x|z)p(z)}{p(x)}"),
    ("vae", r"\log p(x,z) = \log p(x|z) + \log p(z)"),
    ("ddpm", r"\sqrt{\bar\alpha_{t-1}}\sqrt{\alpha_t} = \sqrt{\bar\alpha_t}"),
    (
        "ddpm",
        r"\frac{\beta_t\sqrt{\bar\alpha_{t-1}}}{1-\bar\alpha_t}\sqrt{\bar\alpha_t}"
        r" + \frac{\alpha_t}{\sqrt{\alpha_t}}\frac{1-\bar\alpha_{t-1}}{1-\bar\alpha_t}\alpha_t"
        r" = \frac{\beta_t\bar\alpha_{t-1} + \alpha_t(1-\bar\alpha_{t-1})}{1-\bar\alpha_t}\sqrt{\alpha_t}",
    ),
    (
        "vae",
        r"D_{KL}(q_\phi(z|x)\|p(z)) = \frac12\sum_{i=1}^k\left(\mu_{\phi,i}^2 + \sigma_{\phi,i}^2"
        r" - 1 - \log\sigma_{\phi,i}^2\right)",
    ),
]  # fmt: skip
ALL = [tex for _, tex in TRUE]
