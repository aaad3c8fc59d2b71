// The map: one claim with what it rests on and what rests on it, or the order of reading. Without this it is whole.
const GAP = {x: 44, y: 9};
const PHRASES = {near: "what it uses and what uses it", far: "everything that it rests on and that rests on it"};

const made = (name, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
};

const drawn = (parent, name, attributes, text = "") => {
  const element = document.createElementNS(parent.namespaceURI, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;
  parent.append(element);
  return element;
};

const named = (group, kind) => [...group.classList].find((name) => name.startsWith(`tf-${kind}-`))?.slice(`tf-${kind}-`.length);

class ClaimMap {
  constructor(element) {
    this.element = element;
    this.frame = element.querySelector(".tf-graph");
    this.svg = this.frame.querySelector("svg");
    this.canvas = this.svg.querySelector("g.graph");
    this.whole = {box: this.svg.getAttribute("viewBox"), width: this.frame.style.getPropertyValue("--tf-width")};
    this.nodes = new Map([...this.svg.querySelectorAll("g.node")].map((node) => [named(node, "is"), node]));
    this.arrows = [...this.svg.querySelectorAll("g.edge")].map((group) => ({group, from: named(group, "from"), to: named(group, "to")}));
    this.addControls();
    this.heard = () => this.read();
    addEventListener("hashchange", this.heard);
    this.read();
  }

  end() { removeEventListener("hashchange", this.heard); }

  addControls() {
    const title = (node) => node.querySelector("a").getAttribute("aria-label");
    const options = [...this.nodes].map(([tag, node]) => made("option", {value: tag, textContent: `${tag} ${title(node)}`}));
    options.sort((a, b) => a.value.localeCompare(b.value));
    this.choice = made("select", {}, made("option", {value: "", textContent: "every claim"}), ...options);
    this.reach = made("select", {}, ...Object.entries(PHRASES).map(([value, textContent]) => made("option", {value, textContent})));
    this.route = made("input", {type: "checkbox"});
    for (const control of [this.choice, this.reach, this.route]) control.addEventListener("change", () => this.write());
    this.reached = made("label", {}, "with ", this.reach);
    this.routed = made("label", {}, this.route, " the order of reading");
    this.said = made("output");
    this.element.prepend(made("div", {className: "tf-choices"}, made("label", {}, "Show ", this.choice), this.reached, this.routed, this.said));
  }

  // What is shown stands in the address, so that it can be sent to someone.
  write() {
    const state = new URLSearchParams();
    if (this.choice.value) state.set("focus", this.choice.value);
    if (this.choice.value && this.reach.value === "far") state.set("reach", "far");
    if (!this.choice.value && this.route.checked) state.set("route", "reading");
    history.replaceState(history.state, "", `${location.pathname}${location.search}${String(state) && `#${state}`}`);
    this.show();
  }

  read() {
    const state = new URLSearchParams(location.hash.slice(1));
    const tag = (state.get("focus") ?? "").toUpperCase();
    this.choice.value = this.nodes.has(tag) ? tag : "";
    this.reach.value = state.get("reach") === "far" ? "far" : "near";
    this.route.checked = state.get("route") === "reading";
    this.show();
  }

  show() {
    const tag = this.choice.value;
    this.reached.hidden = !tag;
    this.routed.hidden = Boolean(tag);
    this.svg.querySelectorAll(".tf-added").forEach((element) => element.remove());
    for (const node of this.nodes.values()) {
      node.removeAttribute("transform");
      node.removeAttribute("display");
      node.classList.remove("tf-node-chosen");
    }
    for (const {group} of this.arrows) group.toggleAttribute("display", false);
    this.size(this.whole.box, this.whole.width);
    this.said.textContent = "";
    if (tag) this.focusOn(tag); else if (this.route.checked) this.drawRoute();
  }

  size(box, width) {
    this.svg.setAttribute("viewBox", box);
    this.frame.style.setProperty("--tf-width", width);
  }

  // From a claim along the arrows, or against them: each with how many arrows away it is at most.
  along(tag, forwards, far) {
    const depth = new Map();
    const visit = (at, steps) => {
      if ((depth.get(at) ?? 0) >= steps && at !== tag) return;
      depth.set(at, steps);
      if (!far && steps === 1) return;
      for (const {from, to} of this.arrows) if ((forwards ? from : to) === at) visit(forwards ? to : from, steps + 1);
    };
    visit(tag, 0);
    return depth;
  }

  focusOn(tag) {
    const far = this.reach.value === "far";
    const [below, above] = [this.along(tag, false, far), this.along(tag, true, far)];
    const columns = new Map();
    for (const [name, steps] of [...[...below].map(([n, s]) => [n, -s]), ...[...above].filter(([n]) => n !== tag)]) {
      columns.set(steps, [...(columns.get(steps) ?? []), name]);
    }
    const boxes = new Map([...this.nodes].map(([name, node]) => [name, node.getBBox()]));
    for (const [name, node] of this.nodes) if (!below.has(name) && !above.has(name)) node.setAttribute("display", "none");
    const placed = new Map();
    let x = 0, [top, bottom] = [0, 0];
    for (const [, names] of [...columns].sort(([a], [b]) => a - b)) {
      names.sort((a, b) => boxes.get(a).y - boxes.get(b).y);
      let y = -names.reduce((sum, name) => sum + boxes.get(name).height + GAP.y, -GAP.y) / 2;
      top = Math.min(top, y);
      for (const name of names) {
        const {width, height} = boxes.get(name);
        placed.set(name, {x, y, width, height});
        y += height + GAP.y;
      }
      bottom = Math.max(bottom, y - GAP.y);
      x += Math.max(...names.map((name) => boxes.get(name).width)) + GAP.x;
    }
    for (const [name, at] of placed) {
      const box = boxes.get(name);
      this.nodes.get(name).setAttribute("transform", `translate(${at.x - box.x} ${at.y - box.y})`);
    }
    this.nodes.get(tag).classList.add("tf-node-chosen");
    for (const {group, from, to} of this.arrows) {
      group.setAttribute("display", "none");
      if (!placed.has(from) || !placed.has(to) || (!far && from !== tag && to !== tag)) continue;
      const [a, b] = [placed.get(from), placed.get(to)];
      const [x0, y0, x1, y1] = [a.x + a.width, a.y + a.height / 2, b.x, b.y + b.height / 2];
      const bend = Math.max(20, (x1 - x0) / 2);
      drawn(this.canvas, "path", {class: "tf-added", d: `M${x0} ${y0}C${x0 + bend} ${y0} ${x1 - bend} ${y1} ${x1} ${y1}`});
    }
    const shift = this.canvas.transform.baseVal.consolidate()?.matrix ?? {e: 0, f: 0};
    const width = x - GAP.x + 8;
    this.size(`${shift.e - 4} ${shift.f + top - 4} ${width} ${bottom - top + 8}`, `${Math.round(width * 4 / 3)}px`);
    const [used, users] = [below.size - 1, above.size - 1];
    this.said.textContent = `${used} below it, ${users} above it${far ? "" : ", one arrow away"}`;
    this.frame.scrollTo(0, 0);
  }

  drawRoute() {
    const stops = [...this.element.querySelectorAll(".tf-route-list li[data-tag]")].map((item) => {
      const box = this.nodes.get(item.dataset.tag).getBBox();
      return {x: box.x + 6, y: box.y, number: [...item.parentNode.children].indexOf(item) + 1, title: item.textContent};
    });
    drawn(this.canvas, "polyline", {class: "tf-added tf-route", points: stops.map(({x, y}) => `${x},${y}`).join(" ")});
    for (const {x, y, number, title} of stops) {
      const stop = drawn(this.canvas, "g", {class: "tf-added tf-stop"});
      drawn(stop, "circle", {cx: x, cy: y, r: 8});
      drawn(stop, "text", {x, y: y + 3.5, "text-anchor": "middle"}, number);
      drawn(stop, "title", {}, title);
    }
    this.said.textContent = `${stops.length} chapters, each at the first of its claims on the map`;
  }
}

export const begin = (element) => new ClaimMap(element);
