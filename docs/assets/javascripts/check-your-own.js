// The page "Check your own". The judge is loaded when a reader asks for a verdict, never before.
const WORKER = new URL("check-your-own-worker.js", import.meta.url);
const LONGEST = 20000;
const PATIENCE = 150000; // milliseconds for one request; the judge itself stops earlier
const MARKS = {
  "proved": ["✓", "decided"], "proved as read": ["✓", "decided"], "refuted": ["✗", "refuted"],
  "contradiction": ["✗", "refuted"], "equal up to a constant": ["≈", "given"], "two readings": ["?", "assumed"],
  "undecided": ["?", "assumed"], "not read": ["–", "open"], "definition": ["·", "open"], "not a statement": ["·", "open"],
};

const made = (name, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
};

// A formula as it is typeset; where that is impossible, its LaTeX.
const formula = (tex) => {
  const box = made("div", {className: "tf-math"});
  box.tabIndex = 0;
  box.setAttribute("role", "math");
  box.setAttribute("aria-label", tex.length < 200 ? tex : "formula");
  try {
    window.katex.render(tex, box, {displayMode: true, strict: "ignore", maxSize: 20});
  } catch {
    box.replaceChildren(made("code", {textContent: tex}));
  }
  return box;
};

const facts = (rows) => {
  const list = made("dl", {className: "tf-evidence"});
  for (const [name, value] of rows) {
    if (value?.length || value?.nodeType) list.append(made("dt", {textContent: name}), made("dd", {}, value));
  }
  return list;
};

const badge = (verdict) => {
  const [mark, kind] = MARKS[verdict] ?? ["?", "open"];
  const shown = made("span", {className: `tf-badge tf-judged tf-${kind}`, textContent: `${mark} ${verdict}`});
  return shown;
};

const numbers = (witness) => {
  const point = Array.isArray(witness.at) ? witness.at : Object.entries(witness.at);
  const where = point.map(([name, value]) => `${name} = ${value}`).join(", ");
  return `at ${where}: left ${witness.left}, right ${witness.right}`;
};

// --- the judge -------------------------------------------------------------------------------------------------------

class Judge {
  constructor(manifest, assets) {
    this.manifest = manifest;
    this.base = new URL(`${manifest.folder}/`, assets).href;
    this.total = Object.values(manifest.files).reduce((sum, file) => sum + file.bytes, 0);
    this.ready = false;
  }

  katex() {
    this.typesetter ??= new Promise((done, failed) => {
      if (window.katex) { done(); return; }
      const script = made("script", {src: `${this.base}katex.min.js`, onload: done});
      script.onerror = () => failed(new Error("the typesetter could not be loaded"));
      document.head.append(script);
    });
    return this.typesetter;
  }

  // Ask one thing; `heard` is told each event until `done`, `refused` or `broken`, which ends the promise.
  ask(request, heard) {
    if (this.finish) return Promise.reject(new Error("the judge is at work; stop it first"));
    return new Promise((finish) => {
      const end = (event) => {
        clearTimeout(this.alarm);
        this.finish = null;
        if (event.event === "broken" || event.event === "stopped") this.leave();
        heard(event);
        finish(event);
      };
      this.finish = end;
      const send = () => {
        this.alarm = setTimeout(
          () => end({event: "broken", reason: `it took longer than ${PATIENCE / 1000} s, and was ended`}), PATIENCE,
        );
        this.worker.postMessage({request});
      };
      this.listen = ({data}) => {
        if (data.event === "ready") { this.ready = true; heard(data); send(); }
        else if (["done", "refused", "broken"].includes(data.event)) end(data);
        else heard(data);
      };
      if (typeof WebAssembly !== "object") {
        end({event: "broken", reason: "this browser has no WebAssembly, or it is switched off"});
      } else if (this.worker) {
        send();
      } else {
        this.katex().then(() => this.hire(), () => this.hire());
      }
    });
  }

  hire() {
    if (!this.finish) return; // stopped meanwhile
    try {
      this.worker = new Worker(WORKER, {type: "module"});
    } catch (error) {
      this.finish({event: "broken", reason: `no thread can be started: ${error.message}`});
      return;
    }
    this.worker.onmessage = (message) => this.listen(message);
    this.worker.onerror = (error) => {
      error.preventDefault();
      this.finish?.({event: "broken", reason: error.message || "its thread could not be started"});
    };
    this.worker.postMessage({manifest: this.manifest, base: this.base});
  }

  leave() {
    this.worker?.terminate();
    this.worker = null;
    this.ready = false;
  }

  stop() { this.finish?.({event: "stopped"}); }
}

let judge = null;
const judgeFor = (element) => {
  judge ??= new Judge(JSON.parse(element.dataset.manifest), new URL("../", import.meta.url));
  return judge;
};

// What both forms share: buttons, a bar and a line that say how far the judge is, and a link that carries the state.
class Bench {
  constructor(element) {
    this.element = element;
    this.judge = judgeFor(element);
    this.find = (name) => element.querySelector(`[data-part="${name}"]`);
    this.bar = element.querySelector("progress");
    this.status = element.querySelector("[role=status]");
    this.find("stop").addEventListener("click", () => this.judge.stop());
    this.find("link").addEventListener("click", () => this.copyLink());
    element.querySelector("form").addEventListener("submit", (event) => { event.preventDefault(); this.submit(); });
    element.querySelector("textarea").addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); this.submit(); }
    });
  }

  say(words) { this.status.textContent = words; }

  async ask(request, heard) {
    if (this.judge.finish) { this.say("The judge is at work; stop it first."); return null; }
    const begun = performance.now();
    for (const button of this.element.querySelectorAll("button[data-asks]")) button.disabled = true;
    this.find("stop").hidden = false;
    if (!this.judge.ready) this.say("Loading the judge …");
    const end = await this.judge.ask(request, (event) => {
      if (event.event === "loading") {
        this.bar.hidden = false;
        this.bar.max = event.total;
        this.bar.value = event.done;
      } else if (event.event === "starting") {
        this.bar.removeAttribute("value");
        this.say("Starting Python and SymPy …");
      } else if (event.event === "ready") {
        this.say("Judging …");
      } else if (!["done", "refused", "broken", "stopped"].includes(event.event)) {
        heard(event);
      }
    });
    this.bar.hidden = true;
    this.find("stop").hidden = true;
    for (const button of this.element.querySelectorAll("button[data-asks]")) button.disabled = false;
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    if (end.event === "refused") this.say(`Not judged: ${end.reason}.`);
    if (end.event === "stopped") this.say("Stopped. The next check starts the judge anew.");
    if (end.event === "broken") this.say(`The judge broke off: ${end.reason}. Try again, or use threefold check in a terminal.`);
    return {...end, seconds};
  }

  async copyLink() {
    history.replaceState(history.state, "", this.state());
    try {
      await navigator.clipboard.writeText(location.href);
      this.say("The link is copied. It carries the text behind the #, which no server sees.");
    } catch {
      this.say("The link stands in the address bar. It carries the text behind the #, which no server sees.");
    }
  }
}

const fragment = () => new URLSearchParams(location.hash.slice(1).replaceAll("+", "%2B"));
const encoded = (pairs) => `#${Object.entries(pairs).map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join("&")}`;

// --- a text ----------------------------------------------------------------------------------------------------------

class OwnText extends Bench {
  constructor(element) {
    super(element);
    this.area = element.querySelector("textarea");
    this.results = this.find("results");
    const examples = element.querySelector("select");
    examples.addEventListener("change", () => {
      if (examples.value) this.area.value = examples.value;
      examples.value = "";
      this.results.replaceChildren();
    });
    this.take();
  }

  take() {
    const text = fragment().get("text");
    if (text === null) return;
    this.area.value = text;
    this.results.replaceChildren();
    this.say("This text came with the link.");
    this.element.scrollIntoView();
  }

  state() { return encoded({text: this.area.value}); }

  async submit() {
    const text = this.area.value;
    if (text.length > LONGEST) {
      this.say(`The text has ${text.length} characters, and ${LONGEST} may be judged here: use threefold check for it.`);
      return;
    }
    history.replaceState(history.state, "", this.state());
    this.results.replaceChildren();
    const rows = [];
    let links = 0, count = 0;
    const end = await this.ask({do: "text", text}, (event) => {
      if (event.event === "begun") {
        links = event.links;
        const said = event.contexts.map((c) => `${c.name} from line ${c.line} (${c.because})`).join("; ");
        if (said) this.results.append(made("li", {className: "tf-context", textContent: `Context: ${said}`}));
      } else if (event.event === "link") {
        count += 1;
        rows[event.place] = this.row(event.link);
        const next = rows.slice(event.place + 1).find((row) => row);
        this.results.insertBefore(rows[event.place], next ?? null);
        this.say(`Judging … ${count} of ${links}`);
      }
    });
    if (end?.event !== "done") return;
    const found = {};
    for (const row of this.results.querySelectorAll("[data-verdict]")) found[row.dataset.verdict] = (found[row.dataset.verdict] ?? 0) + 1;
    const words = Object.entries(found).map(([verdict, n]) => `${n} ${verdict}`).join(", ");
    this.say(links ? `${words}; ${end.seconds} s.` : "No displayed equation was found: write it between $$ and $$.");
  }

  row(link) {
    const item = made("li");
    item.dataset.verdict = link.verdict;
    const tags = Object.entries(link.tags).map(([name, tag]) => [made("a", {
      href: new URL(`../../tag/${tag}/index.html`, import.meta.url).href, className: "tf-tag", textContent: tag, title: name,
    }), " "]).flat();
    const rows = [
      ["Because", link.reason],
      ["By", link.how || link.rules.join(", ")],
      ["Claims", tags.length ? made("span", {}, ...tags) : ""],
      ["Where", link.side_conditions.join(", ")],
      ["Fails", link.witness ? numbers(link.witness) : ""],
      ["Read as", link.reading_latex ? formula(link.reading_latex) : link.reading],
      ["Note", link.notes.join("; ")],
      ["Holds instead", link.repair ? formula(link.repair) : ""],
    ];
    const head = made("p", {}, badge(link.verdict), ` line ${link.line}`);
    item.append(head, formula(link.tex), facts(rows));
    return item;
  }
}

// --- a line of a derivation ------------------------------------------------------------------------------------------

class OwnLine extends Bench {
  constructor(element) {
    super(element);
    this.area = element.querySelector("textarea");
    this.results = this.find("results");
    this.claims = this.find("claim");
    this.lines = this.find("line");
    this.changes = this.find("change");
    this.chosen = [];
    this.claims.addEventListener("change", () => this.open(this.claims.value));
    this.lines.addEventListener("change", () => this.choose(this.lines.value));
    this.changes.addEventListener("change", () => this.alter(Number(this.changes.value)));
    this.area.addEventListener("input", () => this.preview());
    this.find("list").addEventListener("click", () => this.offer());
    this.find("reset").addEventListener("click", () => this.choose(this.lines.value));
    this.take();
  }

  async take() {
    const state = fragment(), line = state.get("line");
    const tag = line?.replace(/(\.\d+)+$/, "");
    const known = [...this.claims.options].some((option) => option.value === tag);
    if (line !== null && !known) this.say(`There is no claim ${tag}: choose one from the list.`);
    await this.open(known ? tag : this.claims.value, known ? line : null);
    if (!known) return;
    this.element.scrollIntoView();
    const chosen = (state.get("chosen") ?? "").split(",").filter((n) => /^\d+$/.test(n)).map(Number);
    if (state.get("latex") !== null) { this.chosen = chosen; this.area.value = state.get("latex"); this.preview(); }
  }

  state() {
    const pairs = {line: this.lines.value, latex: this.area.value};
    return encoded(this.chosen.length ? {...pairs, chosen: this.chosen.join(",")} : pairs);
  }

  // The lines of a claim come with the site; nothing of the judge is loaded for them.
  async open(tag, line = null) {
    this.claims.value = tag;
    try {
      const [response] = await Promise.all([
        fetch(new URL(`../own/lines/${tag}.json`, import.meta.url)), this.judge.katex(),
      ]);
      if (!response.ok) throw new Error(`status ${response.status}`);
      this.rows = (await response.json()).lines;
    } catch (error) {
      this.say(`The lines of ${tag} could not be loaded: ${error.message}.`);
      return;
    }
    const several = new Set(this.rows.map((row) => row.part)).size > 1;
    const options = this.rows.filter((row) => !row.first).map((row) => made("option", {
      value: row.line, textContent: `${several ? `${row.part + 1}.` : ""}${row.number}: ${row.why || row.rule}`,
    }));
    this.lines.replaceChildren(...options);
    const wanted = options.some((option) => option.value === line) ? line : options[0].value;
    if (line && wanted !== line) this.say(`${tag} has no line ${line} that can be altered: the first one is shown.`);
    this.choose(wanted);
  }

  choose(line) {
    this.lines.value = line;
    this.chosen = [];
    const place = this.rows.findIndex((row) => row.line === line);
    this.row = this.rows[place];
    this.find("before").replaceChildren(formula(this.rows[place - 1].latex));
    this.find("relation").textContent = {"\\le": "≤", "\\ge": "≥", "\\iff": "⟺"}[this.row.relation] ?? this.row.relation;
    this.area.value = this.row.latex;
    this.list([]);
    this.results.replaceChildren();
    this.preview();
    if (this.judge.ready && !this.judge.finish) this.offer();
  }

  preview() { this.find("preview").replaceChildren(formula(this.area.value || "\\;")); }

  list(changes) {
    this.offered = changes;
    const first = made("option", {value: -1, textContent: changes.length ? "choose one" : "not listed yet"});
    this.changes.replaceChildren(first, ...changes.map((change, number) => made("option", {
      value: number, textContent: `${change.name}: ${change.difference.map((side) => side || "nothing").join(" → ")}`.slice(0, 110),
    })));
    this.changes.disabled = !changes.length;
    this.find("list").hidden = changes.length > 0;
  }

  async offer() {
    const line = this.lines.value, chosen = [...this.chosen];
    const end = await this.ask({do: "edits", line, chosen}, (event) => {
      if (event.event === "edits" && line === this.lines.value) this.list(event.changes);
    });
    if (end?.event === "done") this.say(`${this.offered.length} single changes of this line are listed.`);
  }

  async alter(number) {
    if (!(number >= 0)) return;
    const {latex} = this.offered[number];
    this.chosen.push(number);
    this.area.value = latex;
    this.preview();
    this.list([]);
    await this.submit();
    if (this.judge.ready && !this.judge.finish) {
      const said = this.status.textContent;
      await this.offer();
      this.say(said);
    }
  }

  async submit() {
    history.replaceState(history.state, "", this.state());
    this.results.replaceChildren();
    const request = {do: "line", line: this.lines.value, latex: this.area.value, chosen: this.chosen};
    let changed = false;
    const verdicts = [];
    const end = await this.ask(request, (event) => {
      if (event.event === "reading") changed = event.changed;
      if (event.event === "step") { verdicts.push(event.verdict); this.results.append(this.step(event)); }
    });
    if (end?.event !== "done") return;
    const follows = verdicts.every((verdict) => verdict === "proved");
    this.say(`${changed ? "The altered line" : "The line as it stands"} ${follows ? "holds" : "does not hold"} between its neighbours; ${end.seconds} s.`);
  }

  step(event) {
    const item = made("li");
    item.dataset.verdict = event.verdict;
    const [from, to] = event.which === "before" ? ["the line before", "this line"] : ["this line", "the line after"];
    const [before, after, difference] = event.gap ?? [];
    item.append(
      made("p", {}, badge(event.verdict), ` from ${from} to ${to}, by ${event.rule}`), formula(event.latex),
      facts([
        ["Fails", event.witness ? numbers(event.witness) : ""],
        ["Because", event.reason],
        ["Where", event.side_conditions.join(", ")],
      ]),
    );
    if (event.gap) {
      const made_of = [["Line above", before], ["Line below", after], ["Difference", difference]];
      item.append(made("details", {}, made("summary", {textContent: "What the rule made of the two lines"}), facts(made_of)));
    }
    return item;
  }
}

const KINDS = {"text": OwnText, "line": OwnLine};
const benches = new Set();

// Called for each of the page's two elements; a link within the site may change the fragment later.
export const begin = (element) => { benches.add(new KINDS[element.dataset.kind](element)); };
export const end = () => {
  judge?.stop();
  judge?.leave();
  benches.clear();
};
addEventListener("hashchange", () => { for (const bench of benches) bench.take(); });
