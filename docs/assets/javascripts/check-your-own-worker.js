// The judge in a thread of its own: Pyodide with our code. It loads the files that the site brings, each checked against
// its sum, and nothing else; what it is asked never leaves the thread but as verdicts for the page.
let answer = null;

const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

// The bytes of a file, whose length and sum must be those of the manifest. Without a secure context there are no sums.
const load = async (url, {bytes, sha256}, heard) => {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.pathname} is not there (status ${response.status})`);
  const content = new Uint8Array(bytes);
  const reader = response.body.getReader();
  let length = 0;
  for (;;) {
    const {done, value} = await reader.read();
    if (done) break;
    if (length + value.length > bytes) throw new Error(`${url.pathname} is longer than it should be`);
    content.set(value, length);
    length += value.length;
    heard(value.length);
  }
  if (length !== bytes) throw new Error(`${url.pathname} broke off after ${length} of ${bytes} bytes`);
  if (globalThis.crypto?.subtle && hex(await crypto.subtle.digest("SHA-256", content)) !== sha256) {
    throw new Error(`${url.pathname} is not the file that this site was built with`);
  }
  return content;
};

// Interval timers, which Pyodide lacks: Python asks this object every few instructions whether a signal waits for it.
const SIGNALS = [14, 26, 27]; // of ITIMER_REAL, ITIMER_VIRTUAL and ITIMER_PROF
const timers = SIGNALS.map(() => ({due: Infinity, every: 0}));
const waiting = {
  get 0() {
    const now = performance.now();
    const which = timers.findIndex((timer) => now > timer.due);
    if (which < 0) return 0;
    const timer = timers[which];
    timer.due = timer.every ? now + timer.every : Infinity;
    return SIGNALS[which];
  },
  set 0(_) { /* it was heard */ },
};
const setitimer = (which, seconds, interval) => {
  const timer = timers[which];
  const left = timer.due === Infinity ? 0 : Math.max(0.001, (timer.due - performance.now()) / 1000);
  const before = [left, timer.every / 1000];
  Object.assign(timer, {due: seconds > 0 ? performance.now() + 1000 * seconds : Infinity, every: 1000 * interval});
  return before;
};

const start = async (base, {files, lib, zips}) => {
  const total = Object.values(files).reduce((sum, file) => sum + file.bytes, 0);
  let length = 0;
  const heard = (more) => { length += more; postMessage({event: "loading", done: length, total}); };
  const loaded = await Promise.all(
    Object.entries(files).map(async ([name, file]) => [name, await load(new URL(name, base), file, heard)]),
  );
  const content = new Map(loaded.map(([name, bytes]) => [new URL(name, base).href, bytes]));
  // From here on whatever is fetched is one of these files, or refused.
  self.fetch = async (target) => {
    const url = new URL(target.url ?? target, base).href;
    if (!content.has(url)) throw new TypeError(`nothing else is loaded here: ${url}`);
    const type = url.endsWith(".wasm") ? "application/wasm" : "application/octet-stream";
    return new Response(content.get(url), {headers: {"Content-Type": type}});
  };
  postMessage({event: "starting"});
  const {loadPyodide} = await import(new URL("pyodide.mjs", base).href);
  const python = await loadPyodide({indexURL: base, checkAPIVersion: true});
  for (const zip of zips) python.unpackArchive(content.get(new URL(zip, base).href), "zip", {extractDir: lib});
  content.clear();
  python.setInterruptBuffer(waiting);
  python.runPython(`import sys\nsys.dont_write_bytecode = True\nsys.path.insert(0, ${JSON.stringify(lib)})`);
  python.pyimport("threefold.live.clock").install(setitimer);
  const session = python.pyimport("threefold.live.session");
  session.warm();
  answer = (request) => session.answer(JSON.stringify(request), (event) => postMessage(JSON.parse(event)));
  postMessage({event: "ready"});
};

self.onmessage = async ({data}) => {
  try {
    if (data.manifest) await start(data.base, data.manifest);
    else answer(data.request);
  } catch (error) {
    postMessage({event: "broken", reason: String(error?.message ?? error).trim().split("\n").at(-1).slice(0, 300)});
  }
};
