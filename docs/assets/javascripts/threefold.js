// Everything here is a convenience: the pages are complete without it.
(() => {
  "use strict";

  const addCopyButtons = (root) => {
    for (const code of root.querySelectorAll("code.tf-tex:not([data-ready])")) {
      code.dataset.ready = "";
      const button = document.createElement("button");
      button.type = "button";
      button.className = "tf-copy";
      button.textContent = "Copy TeX";
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
        setTimeout(() => { button.textContent = "Copy TeX"; }, 1500);
      });
      code.after(button);
    }
  };

  const made = (name, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  };

  // A digit under noise: the table holds the numbers, the attribute the pictures.
  class NoisedDigit extends HTMLElement {
    connectedCallback() {
      if (this.querySelector("input")) return;
      const pictures = JSON.parse(this.dataset.pictures);
      const rows = [...this.querySelectorAll("tbody tr")];
      const canvas = made("canvas", {width: 8, height: 8});
      const said = made("output");
      const slider = made("input", {type: "range", min: 0, max: pictures.length - 1, value: 4});
      slider.setAttribute("aria-label", "step t");
      const show = () => {
        const pixels = pictures[slider.value].match(/../g).map((pair) => parseInt(pair, 16));
        const image = new ImageData(8, 8);
        pixels.forEach((grey, i) => image.data.set([grey, grey, grey, 255], 4 * i));
        canvas.getContext("2d").putImageData(image, 0, 0);
        const [t, abar, signal, noise, snr] = [...rows[slider.value].cells].map((cell) => cell.textContent);
        said.textContent = `t = ${t}: ᾱ = ${abar}, image × ${signal} + noise × ${noise}, SNR ${snr}`;
        slider.setAttribute("aria-valuetext", said.textContent);
        rows.forEach((row, i) => row.classList.toggle("tf-chosen", i === Number(slider.value)));
      };
      slider.addEventListener("input", show);
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", "the digit at the chosen step");
      const table = this.querySelector(".tf-scroll");
      table.before(made("div", {className: "tf-slide"}, canvas, made("div", {}, slider, said)));
      const folded = made("details", {className: "tf-solution"}, made("summary", {textContent: "The table"}));
      table.replaceWith(folded);
      folded.append(table);
      show();
    }
  }

  // Paths of samplers: a button for each.
  class SamplerPaths extends HTMLElement {
    connectedCallback() {
      if (this.querySelector("button")) return;
      const groups = [...this.querySelectorAll("g")];
      const buttons = groups.map((group) => {
        const button = made("button", {type: "button", className: `tf-choice ${group.classList[1]}`});
        button.textContent = group.dataset.label;
        button.setAttribute("aria-pressed", "true");
        button.addEventListener("click", () => {
          const shown = button.getAttribute("aria-pressed") !== "true";
          button.setAttribute("aria-pressed", String(shown));
          group.style.display = shown ? "" : "none";
        });
        return button;
      });
      this.prepend(made("div", {className: "tf-choices"}, ...buttons));
    }
  }

  // Altered statements: choose a formula and a mistake.
  class BreakIt extends HTMLElement {
    connectedCallback() {
      if (this.querySelector("select")) return;
      const sections = [...this.querySelectorAll("section")];
      const choice = (label, names) => {
        const select = made("select", {}, ...names.map((name, i) => made("option", {value: i, textContent: name})));
        return [select, made("label", {}, `${label} `, select)];
      };
      const [formula, formulaLabel] = choice("Formula", sections.map((section) => section.dataset.title));
      const holder = made("span");
      const show = () => {
        sections.forEach((section, i) => { section.hidden = i !== Number(formula.value); });
        const mistakes = [...sections[formula.value].querySelectorAll("details")];
        const [mistake, label] = choice("Mistake", mistakes.map((item) => item.firstElementChild.textContent));
        const open = () => mistakes.forEach((item, i) => {
          item.open = i === Number(mistake.value);
          item.hidden = !item.open;
        });
        mistake.addEventListener("change", open);
        holder.replaceChildren(label);
        open();
      };
      formula.addEventListener("change", show);
      this.prepend(made("div", {className: "tf-choices"}, formulaLabel, holder));
      show();
    }
  }

  const elements = {"tf-abar": NoisedDigit, "tf-paths": SamplerPaths, "tf-break": BreakIt};
  for (const [name, element] of Object.entries(elements)) {
    if (!customElements.get(name)) customElements.define(name, element);
  }

  // What a symbol means: at the pointer, at a tap, and for all symbols of a formula that the keyboard has reached.
  const {base} = JSON.parse(document.getElementById("__config").textContent);
  const root = new URL(base.replace(/\/?$/, "/"), location.href);
  const tip = made("div", {id: "tf-tip", className: "tf-tip", hidden: true});
  let marked = null, leaving = 0, coming = 0;

  // The forms of "Check your own" bring a script of their own, and end the judge when the reader leaves.
  class CheckYourOwn extends HTMLElement {
    async connectedCallback() {
      try {
        this.script = await import(new URL("assets/javascripts/check-your-own.js", root).href);
        this.script.begin(this);
      } catch {
        this.querySelector("[role=status]").textContent = "The script of this page could not be loaded. From a folder on " +
          "disk it cannot run: serve the site, for instance by make docs-serve.";
      }
    }

    disconnectedCallback() { this.script?.end(); }
  }
  if (!customElements.get("tf-own")) customElements.define("tf-own", CheckYourOwn);

  // So does the map, which is whole without it.
  class ClaimMap extends HTMLElement {
    async connectedCallback() {
      if (location.protocol === "file:") return; // from a folder on disk no script is fetched
      const script = await import(new URL("assets/javascripts/map.js", root).href).catch(() => null);
      if (this.isConnected && !this.querySelector("select")) this.shown = script?.begin(this);
    }

    disconnectedCallback() { this.shown?.end(); }
  }
  if (!customElements.get("tf-map")) customElements.define("tf-map", ClaimMap);

  const hideTip = () => {
    clearTimeout(coming);
    tip.hidden = true;
    marked?.classList.remove("tf-on");
    document.querySelector("[aria-describedby=tf-tip]")?.removeAttribute("aria-describedby");
    marked = null;
  };

  const meaning = (name) => {
    const line = made("span");
    line.innerHTML = window.tfSymbols?.[name] ?? "";
    return line;
  };

  const placeTip = (around, ...content) => {
    tip.replaceChildren(...content);
    if (!tip.isConnected) document.body.append(tip);
    tip.hidden = false;
    const box = around.getBoundingClientRect();
    const left = Math.min(box.left, document.documentElement.clientWidth - tip.offsetWidth - 12);
    tip.style.left = `${Math.max(8, left) + scrollX}px`;
    tip.style.top = `${box.bottom + 6 + scrollY}px`;
  };

  const showSymbol = (symbol) => {
    if (symbol === marked) return;
    hideTip();
    marked = symbol;
    symbol.classList.add("tf-on");
    const href = new URL(`reference/notation.html#symbol-${symbol.dataset.s}`, root).href;
    placeTip(symbol, meaning(symbol.dataset.s), " ", made("a", {href, textContent: "Notation"}));
  };

  const showLegend = (formula) => {
    const symbols = new Map();
    for (const symbol of formula.querySelectorAll("[data-s]")) {
      if (!symbols.has(symbol.dataset.s)) symbols.set(symbol.dataset.s, symbol);
    }
    if (!symbols.size) return;
    hideTip();
    const list = made("dl");
    for (const [name, symbol] of symbols) {
      const drawn = made("span", {className: "katex"});
      drawn.append(symbol.cloneNode(true));
      list.append(made("dt", {}, drawn), made("dd", {}, meaning(name)));
    }
    placeTip(formula, list);
    formula.setAttribute("aria-describedby", "tf-tip");
  };

  // What a tag says, before one goes there: the title, the verdict and the formula of its page, or the row that is named.
  const LINGERS = 150; // milliseconds: who only passes over a tag asks for nothing
  const pages = new Map();
  const parsed = (url) => {
    if (!pages.has(url)) {
      const page = fetch(url).then((answer) => (answer.ok ? answer.text() : Promise.reject(answer.status)));
      pages.set(url, page.then((text) => new DOMParser().parseFromString(text, "text/html")));
      pages.get(url).catch(() => pages.delete(url));
    }
    return pages.get(url);
  };

  const tagOf = (target) => {
    const link = target.closest?.("a[href*='tag/'], a[*|href*='tag/']");
    const href = link && (link.href.baseVal ?? link.href);
    const url = href && new URL(href, location.href);
    const isTag = url && url.href.startsWith(new URL("tag/", root).href) && url.pathname !== location.pathname;
    return isTag && location.protocol !== "file:" && !link.closest("#tf-tip") ? [link, url] : [];
  };

  const previewTag = (link, url) => {
    hideTip();
    marked = link;
    coming = setTimeout(async () => {
      const page = await parsed(url.href.split("#")[0]).catch(() => null);
      if (!page || marked !== link) return;
      const row = url.hash && page.getElementById(decodeURIComponent(url.hash.slice(1)));
      const shown = (row && row.querySelector(".tf-math")) || page.querySelector(".tf-statement");
      const head = made("p", {}, made("strong", {textContent: page.querySelector("h1")?.firstChild?.textContent ?? ""}), " ");
      const badge = page.querySelector(".tf-id .tf-badge");
      if (badge) head.append(badge.cloneNode(true));
      const content = made("div", {className: "md-typeset tf-preview"}, head);
      if (shown) content.append(shown.cloneNode(true));
      for (const element of content.querySelectorAll("[id], [tabindex]")) {
        element.removeAttribute("id");
        element.removeAttribute("tabindex");
      }
      placeTip(link, content);
      link.setAttribute("aria-describedby", "tf-tip");
      link.removeAttribute("title"); // the browser's own would lie over it
    }, LINGERS);
  };

  document.addEventListener("pointerover", (event) => {
    if (event.pointerType === "touch") return;
    const symbol = event.target.closest?.("[data-s]");
    clearTimeout(leaving);
    const [link, url] = tagOf(event.target);
    if (link) { if (link !== marked) previewTag(link, url); }
    else if (symbol && !symbol.closest("#tf-tip, a")) showSymbol(symbol);
    else if (!event.target.closest?.("#tf-tip") && marked) leaving = setTimeout(hideTip, 250);
  });
  document.addEventListener("click", (event) => {
    const symbol = event.target.closest?.("[data-s]");
    if (symbol && !symbol.closest("#tf-tip, a")) showSymbol(symbol);
    else if (!tip.contains(event.target) || event.target.closest("a")) hideTip();
  });
  document.addEventListener("focusin", (event) => {
    if (event.target.matches?.(".tf-math:focus-visible")) showLegend(event.target);
    const [link, url] = event.target.matches?.("a:focus-visible") ? tagOf(event.target) : [];
    if (link) previewTag(link, url);
  });
  document.addEventListener("focusout", (event) => { if (event.target.matches?.(".tf-math") || event.target === marked) hideTip(); });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hideTip(); });

  // A link into folded evidence opens it.
  const openTarget = () => {
    if (!location.hash || location.hash.includes("=")) return; // what a form carries is no place
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const folded = target && target.closest("details");
    if (folded) folded.open = true;
  };

  // What scrolls sideways can be reached by the keyboard.
  const reachScrolling = () => {
    for (const box of document.querySelectorAll("pre > code, .md-typeset__scrollwrap")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0; else box.removeAttribute("tabindex");
    }
  };

  const start = () => {
    document.querySelector(".md-search")?.setAttribute("aria-label", "Search"); // the theme's dialog has no name
    for (const words of document.querySelectorAll(".tf-inline[title]")) {
      if (words.querySelector("[data-s]")) words.removeAttribute("title"); // the tooltip says it
    }
    hideTip();
    reachScrolling();
    addCopyButtons(document);
    openTarget();
  };
  if (window.document$) window.document$.subscribe(start); else document.addEventListener("DOMContentLoaded", start);
  addEventListener("hashchange", openTarget);
  addEventListener("resize", reachScrolling);
})();
