// Browsers start no worker from a page that was opened from disk. There the search runs in a hidden frame instead.
(() => {
  "use strict";
  if (location.protocol !== "file:") return;

  window.Worker = class extends EventTarget {
    constructor(address) {
      super();
      this.waiting = [];
      const frame = document.createElement("iframe");
      frame.hidden = true;
      frame.title = "Search";
      document.documentElement.append(frame);
      const inside = frame.contentWindow;
      inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", {data}));
      const script = inside.document.createElement("script");
      script.src = address;
      script.addEventListener("load", () => {
        const messages = this.waiting;
        this.waiting = null;
        for (const data of messages) this.deliver(data);
      });
      inside.document.documentElement.append(script);
      this.inside = inside;
    }

    deliver(data) { this.inside.dispatchEvent(new MessageEvent("message", {data})); }

    postMessage(data) {
      if (this.waiting) this.waiting.push(data); else this.deliver(data);
    }
  };
})();
