// Cites verdicts live from any page:
//
//   <script type="module" src="…/assets/javascripts/cite.js"></script>
//   <threefold-claim tag="0A07"></threefold-claim>
//
// or, from a script of one's own,
//
//   import {claim, claims} from "…/assets/javascripts/cite.js";
//   (await claim("ddpm.posterior.mean")).verdict   // "proved"
//
// Everything is read from claims.json beside this file's folder, once; nothing else is fetched and nothing is sent.

const root = new URL("../../", import.meta.url);
let asked;

/** All claims, by id: {tag, id, title, verdict, standing, statements, numeric, torch, url}. */
export function claims() {
  asked ??= fetch(new URL("assets/claims.json", root))
    .then(answer => {
      if (!answer.ok) throw new Error(`claims.json: ${answer.status} ${answer.statusText}`);
      return answer.json();
    })
    .then(ledger => new Map(ledger.claims.map(row => [row.id, {...row, url: new URL(row.url, root).href}])));
  return asked;
}

/** The claim with this id or tag. Throws for one that is not there. */
export async function claim(name) {
  const all = await claims();
  const found = all.get(name) ?? [...all.values()].find(row => row.tag === name);
  if (!found) throw new Error(`no claim has the id or tag "${name}"`);
  return found;
}

class Claim extends HTMLElement {
  async connectedCallback() {
    const name = this.getAttribute("tag") ?? this.id;
    try {
      const {tag, title, verdict, url} = await claim(name);
      const link = Object.assign(document.createElement("a"), {href: url, title, textContent: `${tag}: ${verdict}`});
      link.className = `threefold-${verdict}`;
      this.replaceChildren(link);
    } catch (error) {
      this.textContent = `${name}: not found`;
      this.title = error.message;
    }
  }
}

if (globalThis.customElements && !customElements.get("threefold-claim")) customElements.define("threefold-claim", Claim);
